from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.script import Worker
from tests.engine.stage import EngineStage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[EngineStage[Worker]]:
    async with EngineStage(tmp_path / "engine.db", worker=Worker()) as stage:
        yield stage
