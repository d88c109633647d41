from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure.testing.conformance.backend import BackendConformance
from perdure.testing.conformance.dumping import DumperConformance
from perdure.testing.conformance.inspection import InspectorConformance
from perdure.testing.conformance.invoker import ScriptedInvoker
from tests.engine.stage import EngineStage


class TestEmbeddedBackend(BackendConformance, InspectorConformance, DumperConformance):
    """The contract, on a real file, under a clock that jumps."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[EngineStage[ScriptedInvoker]]:
        async with EngineStage(tmp_path / "engine.db", worker=ScriptedInvoker()) as stage:
            yield stage
