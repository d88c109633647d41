from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perdure.engine.core import PRUNE_MAX
from perdure.engine.inputs import Prune
from perdure.engine.writer import Done, InlineWriter
from perdure.model.errors import WorkflowNotFound
from perdure.model.ids import WorkflowId
from perdure.store.rows import Batch
from perdure.store.store import Store
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


class PausingWriter(InlineWriter):
    """Writes when the test says so, once it is told to wait."""

    waits = False
    write_now: Callable[[], None]

    def write(self, batch: Batch, done: Done) -> None:
        self.write_now = lambda: InlineWriter.write(self, batch, done)
        if not self.waits:
            self.write_now()


async def test_run_that_is_being_forgotten_is_not_found_nor_written_again(tmp_path: Path) -> None:
    writers: list[PausingWriter] = []

    def make_writer(store: Store) -> PausingWriter:
        writers.append(PausingWriter(store))
        return writers[0]

    settings = replace(SETTINGS, resting_max=0)
    worker = Worker({"only": done()})
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=settings, make_writer=make_writer) as stage:
        await stage.backend.start(starting())
        await stage.settle()
        writers[0].waits = True
        stage.engine.submit(Prune(stage.clock.now_ms() + 1))
        asked = [
            asyncio.ensure_future(ask)
            for ask in (stage.backend.get_data_attributes(ADA), stage.backend.erase(ADA), stage.backend.describe(ADA))
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers] == [WorkflowNotFound] * 3
        writers[0].waits = False
        writers[0].write_now()
        await stage.settle()
        assert stage.engine.store.runs_of(ADA) == ()
        await stage.backend.start(starting())
