"""Conversations with the engine through its backend: on a real file, under a clock that jumps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from perdure.engine.inputs import Describe
from perdure.model.calls import ExecuteAnswer, StateRequest, WaitUntilAnswer
from perdure.model.conditions import ChannelResult, WaitMode
from perdure.model.errors import (
    InternalError,
    WaitTimedOut,
)
from perdure.model.ids import StateExecutionId, StateId, WorkflowId
from perdure.model.options import StartOptions, StateOptions
from perdure.model.outcome import RunInfo, RunStatus
from perdure.model.requests import StateWait
from perdure.model.value import Message
from perdure.store.store import Store
from tests.engine.script import (
    ADA,
    Worker,
    after,
    done,
    go_to,
    signal_on,
    starting,
    straight,
    text,
    wait_for,
)
from tests.engine.stage import EngineStage


async def test_run_goes_from_state_to_state_to_its_result(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"first": go_to("second", options=straight()), "second": done("hello")}
    run_id = await stage.backend.start(starting("first"))
    info = await stage.backend.wait_for_result(ADA)
    assert (info.run_id, info.status) == (run_id, RunStatus.COMPLETED)
    assert info.outcome is not None
    assert info.outcome.results is not None
    (result,) = info.outcome.results
    assert (result.state_execution_id, result.output) == ("second-1", text("hello"))


async def test_signal_that_comes_before_the_wait_is_kept(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only?": None, "only": done()}
    await stage.backend.start(starting("only", state=StateOptions()))
    await stage.settle()
    await stage.backend.signal(ADA, Message("letters", text("early")))
    stage.worker.answer(wait_for(signal_on("letters")))
    await stage.backend.wait_for_result(ADA)
    (request,) = stage.worker.calls("only")
    assert isinstance(request, StateRequest)
    assert request.call.results is not None
    (found,) = request.call.results
    assert isinstance(found, ChannelResult)
    assert found.values == (text("early"),)


async def test_parallel_states_are_called_beside_each_other(stage: EngineStage[Worker]) -> None:
    names = [f"s{n}" for n in range(20)]
    stage.worker.script = {"fork": go_to(*names, options=straight())}
    await stage.backend.start(starting("fork"))
    await stage.settle()
    assert stage.worker.held == 20
    for _ in names:
        stage.worker.answer(done())
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED


async def test_timer_fires_at_its_moment_and_not_before(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only?": wait_for(after(5_000)), "only": done()}
    await stage.backend.start(starting("only", state=StateOptions()))
    await stage.pass_time(4_999)
    assert not stage.worker.calls("only")
    await stage.pass_time(1)
    assert len(stage.worker.calls("only")) == 1


async def test_start_is_answered_before_any_state_runs_and_the_worker_is_called_only_when_that_is_durable(
    tmp_path: Path,
) -> None:
    """The worker looks into the file when it is called: the start is there."""
    path = tmp_path / "engine.db"
    found: list[bool] = []

    def look(request: object) -> ExecuteAnswer:
        reader = Store.open(path, synchronous="OFF")
        found.append(ADA in reader.current_runs([ADA]))
        reader.close()
        return done()

    async with EngineStage(path, worker=Worker({"only": look})) as stage:
        await stage.backend.start(starting())
        await stage.backend.wait_for_result(ADA)
    assert found == [True]


async def test_state_is_waited_for_before_its_run_exists(stage: EngineStage[Worker]) -> None:
    wait = StateWait(ADA, state_execution_id=StateExecutionId("only-1"))
    waiting = asyncio.ensure_future(stage.backend.wait_for_state(wait))
    await stage.settle()
    stage.worker.script = {"only": done("out")}
    await stage.backend.start(starting(options=StartOptions(wait_for_states=frozenset({StateId("only")}))))
    assert await waiting == text("out")
    assert await stage.backend.wait_for_state(wait) == text("out")
    await stage.crash()
    assert await stage.backend.wait_for_state(wait) == text("out")


async def test_long_poll_ends_at_its_time(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    waiting = asyncio.ensure_future(stage.backend.wait_for_result(ADA, wait_ms=20_000))
    await stage.pass_time(19_999)
    assert not waiting.done()
    await stage.pass_time(1)
    with pytest.raises(WaitTimedOut, match="still running"):
        await waiting


async def test_any_of_several_takes_what_is_ready(stage: EngineStage[Worker]) -> None:
    answer: WaitUntilAnswer = wait_for(signal_on("a"), signal_on("b"), after(60_000), mode=WaitMode.ANY)
    stage.worker.script = {"only?": answer, "only": done()}
    await stage.backend.start(starting("only", state=StateOptions()))
    await stage.backend.signal(ADA, Message("b", text("B")))
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED


async def test_input_that_cannot_be_looked_up_takes_no_other_with_it(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    await stage.crash()
    told: dict[str, object] = {}

    class Caller:
        def __init__(self, name: str) -> None:
            self.name = name

        def set_result(self, value: object) -> None:
            told[self.name] = value

        def set_error(self, error: Exception) -> None:
            told[self.name] = error

    stage.engine.submit(Describe(Caller("half"), cast("WorkflowId", b"no text at all"), None))
    stage.engine.submit(Describe(Caller("whole"), ADA, None))
    await stage.settle()
    assert isinstance(told["half"], InternalError)
    assert isinstance(told["whole"], RunInfo)
