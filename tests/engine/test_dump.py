"""What the contract of a ``Dumper`` does not say: a file that is damaged."""

from __future__ import annotations

import apsw
import pytest

from perdure.model.errors import InternalError
from tests.engine.script import ADA, Worker, starting
from tests.engine.stage import EngineStage


async def test_a_run_that_cannot_be_read_is_said(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    apsw.Connection(str(stage.path)).execute("UPDATE event SET kind = 'of tomorrow'")
    with pytest.raises(InternalError, match=r"the journal of run .* cannot be read"):
        await stage.backend.dump(ADA)
