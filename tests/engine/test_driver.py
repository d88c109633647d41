from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from perdure.model.errors import UnavailableError
from perdure.model.options import StateOptions
from perdure.model.outcome import RunStatus
from perdure.model.value import Message
from tests.engine.script import ADA, Request, Worker, after, done, starting, wait_for
from tests.engine.stage import SETTINGS, EngineStage


async def test_what_is_under_way_is_written_before_the_engine_stops(tmp_path: Path) -> None:
    stage = EngineStage(tmp_path / "engine.db", worker=Worker())
    stage.engine.start()
    started = asyncio.ensure_future(stage.backend.start(starting(None)))
    waiting = asyncio.ensure_future(stage.backend.wait_for_result(ADA))
    await asyncio.sleep(0)
    await stage.engine.aclose()
    await started
    with pytest.raises(UnavailableError, match="closed"):
        await waiting
    with pytest.raises(UnavailableError, match="closed"):
        await stage.backend.signal(ADA, Message("letters"))
    async with EngineStage(tmp_path / "engine.db", worker=Worker()) as again:
        assert (await again.backend.describe(ADA)).status is RunStatus.RUNNING


async def test_caller_that_goes_away_leaves_nothing_behind(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    waiting = asyncio.ensure_future(stage.backend.wait_for_result(ADA, wait_ms=60_000))
    await stage.settle()
    assert stage.clock.next_ms() is not None
    waiting.cancel()
    await stage.settle()
    await stage.pass_time(60_000)
    await stage.backend.stop(ADA)
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.CANCELED


async def test_wall_clock_that_is_set_forward_makes_timers_fire_within_a_second(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker({"only?": wait_for(after(3_600_000)), "only": done()})
    async with EngineStage(
        tmp_path / "engine.db", worker=worker, settings=replace(SETTINGS, heartbeat_ms=1_000)
    ) as stage:
        await stage.backend.start(starting("only", state=StateOptions()))
        await stage.pass_time(1_000)
        stage.clock.shift_wall(timedelta(hours=2))
        with caplog.at_level(logging.WARNING):
            await stage.pass_time(1_000)
        assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED
        assert "jumped by 7200000 ms" in caplog.text


async def test_wall_clock_that_is_set_back_delays_and_breaks_nothing(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only?": wait_for(after(10_000)), "only": done()}
    await stage.backend.start(starting("only", state=StateOptions()))
    await stage.settle()
    stage.clock.shift_wall(timedelta(seconds=-5))
    await stage.pass_time(14_999)
    assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
    await stage.pass_time(1)
    assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED


async def test_invoker_that_raises_is_a_failed_attempt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Worker):
        def invoke(self, request: Request, **rest: object) -> None:
            self.requests.append(request)
            raise OSError("no more threads")

    async with EngineStage(tmp_path / "engine.db", worker=Broken()) as stage:
        await stage.backend.start(starting())
        await stage.pass_time(1_000)
        assert stage.worker.attempts("only") == [1, 2]
    assert "no more threads" in caplog.text
