"""What waits is on disk, and comes back for what it waited for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from perdure.engine.core import AHEAD_MS, AHEAD_ROUND
from perdure.engine.segments import SEGMENT_EVENTS_MAX
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import Failure
from perdure.model.ids import WorkflowId
from perdure.model.options import StateOptions
from perdure.model.outcome import RunStatus
from perdure.model.value import Message
from tests.engine.script import (
    ADA,
    Worker,
    after,
    done,
    signal_on,
    starting,
    text,
    wait_for,
)
from tests.engine.stage import SETTINGS, EngineStage

BOB = WorkflowId("bob")
LOCK_K = LoadingPolicy(locks=("k",))


async def test_waiting_runs_are_not_in_memory(tmp_path: Path) -> None:
    worker = Worker({"only?": wait_for(signal_on("letters")), "only": done()})
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=replace(SETTINGS, resting_max=2)) as stage:
        names = [WorkflowId(f"w{n}") for n in range(20)]
        for name in names:
            await stage.backend.start(starting("only", workflow_id=name, state=StateOptions()))
        await stage.settle()
        assert stage.engine.hot_runs <= 2
        waiting = [asyncio.ensure_future(stage.backend.wait_for_result(name)) for name in names]
        await stage.settle()
        assert stage.engine.hot_runs <= 2, "long polls bring nothing back"
        for name in names:
            await stage.backend.signal(name, Message("letters"))
        assert {(await info).status for info in waiting} == {RunStatus.COMPLETED}


async def test_runs_are_loaded_ahead_of_their_moment_and_leave_after_it(tmp_path: Path) -> None:
    worker = Worker({"only?": wait_for(after(AHEAD_MS + 5_000)), "only": done()})
    settings = replace(SETTINGS, resting_max=10, heartbeat_ms=1_000)
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=settings) as stage:
        names = [WorkflowId(f"w{n}") for n in range(3 * AHEAD_ROUND)]
        for name in names:
            await stage.backend.start(starting("only", workflow_id=name, state=StateOptions()))
        await stage.pass_time(4_000)
        assert stage.engine.hot_runs == 10, "it is too early"
        await stage.pass_time(3_000)
        assert stage.engine.hot_runs == len(names)
        assert worker.calls("only") == []
        await stage.pass_time(AHEAD_MS)
        assert {(await stage.backend.describe(name)).status for name in names} == {RunStatus.COMPLETED}
        assert stage.engine.hot_runs <= 11


async def test_a_run_that_was_loaded_ahead_in_vain_leaves_memory(tmp_path: Path) -> None:
    worker = Worker({"only?": wait_for(after(AHEAD_MS)), "only": done()})
    settings = replace(SETTINGS, resting_max=10, heartbeat_ms=1_000)
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=settings) as stage:
        names = [WorkflowId(f"w{n}") for n in range(30)]
        for name in names:
            await stage.backend.start(starting("only", workflow_id=name, state=StateOptions()))
        await stage.pass_time(2_000)
        assert stage.engine.hot_runs == len(names)
        for name in names:
            await stage.backend.stop(name)
        await stage.pass_time(2_000)
        assert stage.engine.hot_runs <= 1


async def test_runs_in_backoff_are_not_in_memory_and_come_back_for_their_attempt(tmp_path: Path) -> None:
    worker = Worker({"only": [Failure("refused"), done()]})
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=replace(SETTINGS, resting_max=0)) as stage:
        await stage.backend.start(starting())
        await stage.settle()
        assert stage.engine.hot_runs == 0
        await stage.pass_time(1_000)
        assert worker.attempts("only") == [1, 2]
        assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED


async def test_calls_that_queue_for_a_slow_worker_are_not_in_memory(tmp_path: Path) -> None:
    worker = Worker()
    settings = replace(SETTINGS, resting_max=0, lane_max=1)
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=settings) as stage:
        for n in range(5):
            await stage.backend.start(starting(workflow_id=WorkflowId(f"w{n}")))
        await stage.settle()
        assert (worker.held, stage.engine.hot_runs) == (1, 1)
        for _ in range(5):
            worker.answer(done())
            await stage.settle()
        assert len(worker.requests) == 5
        for n in range(5):
            assert (await stage.backend.describe(WorkflowId(f"w{n}"))).status is RunStatus.COMPLETED


async def test_long_journal_is_read_from_its_last_segment(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    for n in range(250):
        await stage.backend.set_data_attributes(ADA, [DataAttribute(f"k{n}", text(str(n)))])
    store = stage.engine.store
    key = store.current_runs([ADA])[ADA].key
    stored = store.load([key])[key]
    assert [row.event.kind for row in stored.events[:2]] == ["resumed", "attributes-set"]
    assert len(stored.events) <= SEGMENT_EVENTS_MAX + 1
    await stage.crash()
    assert len(await stage.backend.get_data_attributes(ADA)) == 250
