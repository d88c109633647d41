"""An engine that is told to end: what workers have is finished, the rest is left to the next start."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from perdure.engine import open_engine
from perdure.engine.segments import CutPolicy
from perdure.model.calls import Failure, RpcRequest
from perdure.model.ids import WorkflowId
from perdure.model.options import RetryPolicy, StateOptions
from perdure.model.outcome import RunInfo, RunStatus
from perdure.model.requests import RpcCall, StartRequest
from perdure.model.value import Message
from perdure.ports.invoker import Report
from tests.engine.script import ADA, Request, Worker, after, done, go_to, starting, straight, wait_for, writing
from tests.engine.stage import SETTINGS, EngineStage

BOB = WorkflowId("bob")
ONCE = straight(RetryPolicy(maximum_attempts=1))
GRACE_MS = 7_000
PATIENCE_S = 60


@pytest.fixture(params=["roomy", "narrow"])
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[EngineStage[Worker]]:
    """Narrow: every run leaves memory as soon as it may, and journals are cut at every step."""
    settings = replace(SETTINGS, lane_max=1)
    if request.param == "narrow":
        settings = replace(settings, resting_max=0, cut=CutPolicy(events_max=1, growth=0))
    async with EngineStage(tmp_path / "engine.db", worker=Worker(), settings=settings) as stage:
        yield stage


def ending(stage: EngineStage[Worker]) -> asyncio.Task[None]:
    return asyncio.ensure_future(stage.engine.aclose(grace_ms=GRACE_MS))


async def ended(end: asyncio.Task[None]) -> bool:
    """Wait for the end of the engine, without the clock's doing: it stands still."""
    await asyncio.wait([end], timeout=PATIENCE_S)
    return end.done()


async def goes_on(end: asyncio.Task[None]) -> bool:
    """Give the engine many turns in which to end; say whether it has not."""
    for _ in range(1_000):
        await asyncio.sleep(0)
    return not end.done()


async def begin_again(stage: EngineStage[Worker]) -> None:
    stage.worker.requests.clear()
    stage.worker.waiting.clear()
    stage.engine = stage._open()
    stage.engine.start()
    await stage.settle()


async def status(stage: EngineStage[Worker], workflow_id: WorkflowId = ADA) -> RunStatus:
    info: RunInfo = await stage.backend.describe(workflow_id)
    return info.status


async def test_an_engine_with_nothing_to_wait_for_ends_at_once(stage: EngineStage[Worker]) -> None:
    assert await ended(ending(stage))


async def test_a_call_under_way_is_waited_for_and_not_made_again(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting())
    await stage.settle()
    end = ending(stage)
    assert await goes_on(end)
    stage.worker.answer(done())
    assert await ended(end)

    await begin_again(stage)
    assert stage.worker.requests == []
    assert await status(stage) is RunStatus.COMPLETED


@pytest.mark.parametrize("options", [straight(), ONCE], ids=["with retries", "with one attempt"])
async def test_what_follows_from_it_is_left_to_the_next_start(
    stage: EngineStage[Worker], options: StateOptions
) -> None:
    stage.worker.script = {"second": done()}
    await stage.backend.start(starting("first"))
    await stage.settle()
    end = ending(stage)
    stage.worker.answer(go_to("second", options=options))
    assert await ended(end)
    assert stage.worker.calls("second") == []

    await begin_again(stage)
    assert stage.worker.attempts("second") == [1]
    assert await status(stage) is RunStatus.COMPLETED


async def test_a_call_that_is_not_finished_in_time_is_made_again(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting())
    await stage.settle()
    end = ending(stage)
    assert await goes_on(end)
    await stage.pass_time(GRACE_MS - 1)
    assert not end.done()
    stage.clock.step()
    assert await ended(end)

    stage.worker.script = {"only": done()}
    await begin_again(stage)
    assert stage.worker.attempts("only") == [1]
    assert await status(stage) is RunStatus.COMPLETED


async def test_a_failure_while_it_ends_is_kept_and_tried_again_by_the_next_start(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(state=straight(RetryPolicy(maximum_attempts=2))))
    await stage.settle()
    end = ending(stage)
    stage.worker.answer(Failure("not today"))
    assert await ended(end)

    stage.worker.script = {"only": done()}
    await begin_again(stage)
    await stage.pass_time(1_000)
    assert stage.worker.attempts("only") == [2]
    assert await status(stage) is RunStatus.COMPLETED


async def test_a_call_that_waits_for_its_turn_is_not_taken_for_one_that_was_cut_off(
    stage: EngineStage[Worker],
) -> None:
    """One attempt is all it has, and none was made: the next start makes it."""
    await stage.backend.start(starting())
    await stage.settle()
    await stage.backend.start(starting(workflow_id=BOB, state=ONCE))
    await stage.settle()
    end = ending(stage)
    stage.worker.answer(done())
    assert await ended(end)
    assert len(stage.worker.requests) == 1

    stage.worker.script = {"only": done()}
    await begin_again(stage)
    assert stage.worker.attempts("only") == [1]
    assert await status(stage, BOB) is RunStatus.COMPLETED


async def test_a_last_attempt_that_waits_for_its_turn_is_made_by_the_next_start(stage: EngineStage[Worker]) -> None:
    retry = RetryPolicy(maximum_attempts=2)
    await stage.backend.start(starting(workflow_id=BOB, state=straight(retry)))
    await stage.settle()
    stage.worker.answer(Failure("not today"))
    await stage.settle()
    await stage.backend.start(starting())
    await stage.pass_time(2_000)
    assert len(stage.worker.requests) == 2  # the first of Bob's and Ada's, which Bob's second waits for
    end = ending(stage)
    stage.worker.answer(done())
    assert await ended(end)

    stage.worker.script = {"only": done()}
    await begin_again(stage)
    await stage.settle()
    assert stage.worker.attempts("only") == [2]
    assert await status(stage, BOB) is RunStatus.COMPLETED


async def test_a_call_that_was_left_to_the_next_start_has_its_whole_time_from_when_it_was_asked_for(
    stage: EngineStage[Worker],
) -> None:
    retry = RetryPolicy(maximum_attempts=1, maximum_duration_ms=30_000)
    await stage.backend.start(starting())
    await stage.pass_time(29_000)
    end = ending(stage)
    stage.worker.answer(go_to("late", options=straight(retry)))
    assert await ended(end)
    stage.worker.script = {"late": done()}
    await stage.pass_time(10_000)
    await begin_again(stage)
    assert stage.worker.attempts("late") == [1]
    assert await status(stage) is RunStatus.COMPLETED


async def test_timers_that_pass_while_it_ends_are_for_the_next_start(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only?": wait_for(after(1_000)), "only": done()}
    await stage.backend.start(starting(workflow_id=BOB, state=StateOptions()))
    await stage.settle()
    await stage.backend.start(starting("held"))
    await stage.settle()
    end = ending(stage)
    assert await goes_on(end)
    await stage.pass_time(2_000)
    stage.worker.answer(done())
    assert await ended(end)
    assert stage.worker.calls("only") == []

    await begin_again(stage)
    await stage.pass_time(1)
    assert await status(stage, BOB) is RunStatus.COMPLETED


async def test_callers_are_served_while_it_ends(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"note!": writing("word", "hello")}
    await stage.backend.start(starting())
    await stage.settle()
    end = ending(stage)
    assert await goes_on(end)
    await stage.backend.signal(ADA, Message("mail", None))
    await stage.backend.call_rpc(RpcCall(ADA, "note"))
    await stage.backend.start(starting(workflow_id=BOB, state=ONCE))
    stage.worker.answer(done())
    assert await ended(end)

    stage.worker.script = {"only": done()}
    await begin_again(stage)
    assert await status(stage, ADA) is RunStatus.COMPLETED
    assert await status(stage, BOB) is RunStatus.COMPLETED
    (kept,) = await stage.backend.get_data_attributes(ADA, ["word"])
    assert kept.value is not None


async def test_an_rpc_under_way_is_waited_for(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": wait_for(after(60_000))}
    await stage.backend.start(StartRequest(ADA, starting().workflow_type, None))
    calling = asyncio.ensure_future(stage.backend.call_rpc(RpcCall(ADA, "note")))
    await stage.settle()
    assert isinstance(stage.worker.requests[0], RpcRequest)
    end = ending(stage)
    assert await goes_on(end)
    stage.worker.answer(writing("word", "hello"))
    assert await ended(end)
    assert await calling is not None


def test_an_engine_on_a_thread_of_its_own_waits_too(tmp_path: Path) -> None:
    begun = threading.Event()
    reports: list[Report] = []

    class Slow(Worker):
        def invoke(self, request: Request, **rest: object) -> None:
            reports.append(rest["report"])  # type: ignore[arg-type]  # it is one
            begun.set()

    engine = open_engine(tmp_path / "engine.db", Slow())
    engine.start()
    asyncio.run(engine.backend.start(starting()))
    assert begun.wait(60)
    end = threading.Thread(target=lambda: engine.close(grace_ms=60_000))
    end.start()
    reports[0](done())
    end.join(60)
    assert not end.is_alive()

    again = open_engine(tmp_path / "engine.db", Worker())
    again.start()
    assert asyncio.run(again.backend.describe(ADA)).status is RunStatus.COMPLETED
    again.close()
