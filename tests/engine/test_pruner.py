from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perdure.engine.core import PRUNE_MAX
from perdure.model.errors import WorkflowNotFound
from perdure.model.ids import WorkflowId
from tests.engine.script import ADA, Worker, done, starting
from tests.engine.stage import SETTINGS, EngineStage

HOUR_MS = 3_600_000


async def test_ended_runs_are_forgotten_after_their_retention_and_open_ones_never(tmp_path: Path) -> None:
    settings = replace(SETTINGS, retention_ms=HOUR_MS)
    async with EngineStage(tmp_path / "engine.db", worker=Worker({"only": done()}), settings=settings) as stage:
        await stage.backend.start(starting(None))
        ended = WorkflowId("ended")
        await stage.backend.start(starting(workflow_id=ended))
        await stage.pass_time(HOUR_MS - 60_000)
        await stage.backend.describe(ended)
        await stage.pass_time(2 * 60_000)
        with pytest.raises(WorkflowNotFound):
            await stage.backend.describe(ended)
        await stage.backend.describe(ADA)
        assert len((await stage.backend.search()).runs) == 1


async def test_more_than_one_portion_is_forgotten_at_once(tmp_path: Path) -> None:
    settings = replace(SETTINGS, retention_ms=60_000)
    async with EngineStage(tmp_path / "engine.db", worker=Worker({"only": done()}), settings=settings) as stage:
        for n in range(PRUNE_MAX + 5):
            await stage.backend.start(starting(workflow_id=WorkflowId(f"w{n}")))
        await stage.pass_time(2 * 60_000 + 1_000)
        assert not (await stage.backend.search()).runs
