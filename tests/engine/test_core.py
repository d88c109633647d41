"""Conversations with the engine through its backend: on a real file, under a clock that jumps."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import cast

import apsw
import pytest

from perdure.engine.core import AHEAD_MS
from perdure.engine.inputs import Describe
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import ExecuteAnswer, RpcAnswer, StateRequest, WaitUntilAnswer
from perdure.model.conditions import ChannelResult, WaitMode
from perdure.model.decisions import ClosingKind
from perdure.model.errors import (
    InternalError,
    InvalidRequest,
    WaitTimedOut,
    WorkflowAlreadyStarted,
    WorkflowClosed,
    WorkflowNotFound,
)
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId
from perdure.model.options import IdReusePolicy, RetryPolicy, StartOptions, StateOptions
from perdure.model.outcome import RunErrorType, RunInfo, RunStatus, StopKind
from perdure.model.requests import RpcCall, StateWait
from perdure.model.value import Message
from perdure.store.store import Store
from perdure.testing.rule import rule
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
from tests.engine.stage import SETTINGS, EngineStage

BOB = WorkflowId("bob")
LOCK_K = LoadingPolicy(locks=("k",))


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


async def test_start_that_may_terminate_replaces_the_run_in_one_step(stage: EngineStage[Worker]) -> None:
    first = await stage.backend.start(starting())
    await stage.settle()
    again = starting(None, options=StartOptions(id_reuse=IdReusePolicy.TERMINATE_IF_RUNNING))
    second = await stage.backend.start(again)
    assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.TERMINATED
    assert (await stage.backend.describe(ADA)).run_id == second
    stage.worker.answer(done("late"))
    await stage.settle()
    assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.TERMINATED


async def test_taken_id_is_refused_by_name(stage: EngineStage[Worker]) -> None:
    run_id = await stage.backend.start(starting(None))
    with pytest.raises(WorkflowAlreadyStarted, match="already running") as refused:
        await stage.backend.start(starting(None))
    assert refused.value.run_id == run_id


async def test_failed_run_is_retried_and_waiters_follow_to_the_last(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": [done("no", ClosingKind.FORCE_FAIL), done("yes")]}
    first = await stage.backend.start(starting(options=StartOptions(retry=RetryPolicy(1_000))))
    waiting = asyncio.ensure_future(stage.backend.wait_for_result(ADA, run_id=first))
    await stage.pass_time(999)
    assert not waiting.done()
    assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.FAILED
    await stage.pass_time(1)
    info = await waiting
    assert (info.run_id, info.status) == (first, RunStatus.COMPLETED)
    await stage.crash()
    late = await stage.backend.wait_for_result(ADA, run_id=first)
    assert (late.run_id, late.status) == (first, RunStatus.COMPLETED)
    assert (await stage.backend.describe(ADA)).run_id != first


@rule("B14")
async def test_run_a_client_failed_can_be_read_and_asked_and_its_id_started_again(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"look!": RpcAnswer(text("still here"))}
    first = await stage.backend.start(starting(None))
    await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("v"))])
    await stage.backend.stop(ADA, StopKind.FAIL, reason="a mistake")

    info = await stage.backend.wait_for_result(ADA)
    assert info.outcome is not None
    assert (info.run_id, info.status) == (first, RunStatus.FAILED)
    assert (info.outcome.error_type, info.outcome.error_message) == (RunErrorType.CLIENT, "a mistake")
    with pytest.raises(WorkflowClosed):
        await stage.backend.signal(ADA, Message("letters", text("late")))
    assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("k", text("v")),)
    assert await stage.backend.call_rpc(RpcCall(ADA, "look")) == text("still here")

    again = StartOptions(id_reuse=IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED)
    second = await stage.backend.start(starting(None, options=again))
    now = await stage.backend.describe(ADA)
    assert (now.run_id, now.status) == (second, RunStatus.RUNNING)
    assert second != first


async def test_schedule_runs_again_until_it_is_stopped(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": done()}
    await stage.backend.start(starting(options=StartOptions(cron="* * * * *")))
    await stage.pass_time(3 * 60_000)
    assert len(stage.worker.calls("only")) == 3
    await stage.backend.stop(ADA)
    await stage.pass_time(3 * 60_000)
    assert len(stage.worker.calls("only")) == 3


async def test_whoever_is_meant_and_not_there_is_told_so(stage: EngineStage[Worker]) -> None:
    unknown = RunId("00000000-0000-7000-8000-000000000000")
    with pytest.raises(WorkflowNotFound, match=r"^workflow not found for ID: ada$"):
        await stage.backend.signal(ADA, Message("letters"))
    await stage.backend.start(starting(None))
    text_ = f'workflow execution not found for workflow ID "ada" and run ID "{unknown}"'
    with pytest.raises(WorkflowNotFound, match=f"^{text_}$"):
        await stage.backend.signal(ADA, Message("letters"), run_id=unknown)
    await stage.backend.stop(ADA)
    with pytest.raises(WorkflowClosed, match=r"^workflow execution already completed$"):
        await stage.backend.signal(ADA, Message("letters"))


async def test_any_of_several_takes_what_is_ready(stage: EngineStage[Worker]) -> None:
    answer: WaitUntilAnswer = wait_for(signal_on("a"), signal_on("b"), after(60_000), mode=WaitMode.ANY)
    stage.worker.script = {"only?": answer, "only": done()}
    await stage.backend.start(starting("only", state=StateOptions()))
    await stage.backend.signal(ADA, Message("b", text("B")))
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED


async def test_text_that_no_file_can_hold_is_refused_and_harms_nobody(stage: EngineStage[Worker]) -> None:
    half = "\ud800"
    await stage.backend.start(starting(None))
    for doomed in (
        stage.backend.start(starting(None, workflow_id=WorkflowId(half))),
        stage.backend.describe(WorkflowId(half)),
        stage.backend.stop(ADA, reason=half),
        stage.backend.search(half),
    ):
        with pytest.raises(InvalidRequest, match="UTF-8"):
            await doomed
    await stage.backend.signal(ADA, Message(half, text(half)))
    await stage.crash()
    assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING


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


DAMAGES = {
    "large value": "DELETE FROM value",
    "payload": "UPDATE event SET payload = 'json x' WHERE run = 1 AND seq = 1",
    "body": "UPDATE event SET body = '77' WHERE run = 1 AND seq = 1",
}


@pytest.fixture(params=DAMAGES)
def damage(request: pytest.FixtureRequest) -> str:
    return DAMAGES[request.param]


async def damaged(stage: EngineStage[Worker], damage: str, *others: WorkflowId) -> None:
    """Start a run that nobody can read afterwards, and others, and let them leave memory."""
    whole = starting("only", state=StateOptions())
    assert whole.first is not None
    await stage.backend.start(replace(whole, first=replace(whole.first, input=text("x" * 9_000))))
    for other in others:
        await stage.backend.start(starting("only", workflow_id=other, state=StateOptions()))
    await stage.settle()
    connection = apsw.Connection(str(stage.path))
    connection.execute(damage)
    connection.close()


async def test_run_that_cannot_be_read_is_quarantined_at_its_moment_and_stops_no_other(
    tmp_path: Path, damage: str
) -> None:
    worker = Worker({"only?": wait_for(after(1_000)), "only": done()})
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=replace(SETTINGS, resting_max=0)) as stage:
        await damaged(stage, damage, BOB)
        await stage.pass_time(2_000)
        assert (await stage.backend.describe(BOB)).status is RunStatus.COMPLETED
        assert "event 1 of run 1 cannot be read" in (await stage.backend.progress(ADA)).quarantine  # type: ignore[operator]  # or it fails
        assert [entry.kind for entry in await stage.backend.history(ADA)] == ["started", "call-succeeded"]
        await stage.backend.stop(ADA, StopKind.TERMINATE)
        await stage.backend.erase(ADA)


async def test_run_that_cannot_be_read_ahead_of_its_moment_stops_no_other(tmp_path: Path, damage: str) -> None:
    worker = Worker({"only?": wait_for(after(AHEAD_MS + 5_000)), "only": done()})
    settings = replace(SETTINGS, resting_max=10, heartbeat_ms=1_000)
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=settings) as stage:
        others = [WorkflowId(f"w{number}") for number in range(30)]
        await damaged(stage, damage, *others)
        await stage.pass_time(AHEAD_MS + 6_000)
        assert {(await stage.backend.describe(other)).status for other in others} == {RunStatus.COMPLETED}


async def test_busy_run_that_cannot_be_read_keeps_no_boot_from_its_end(tmp_path: Path, damage: str) -> None:
    worker = Worker()
    async with EngineStage(tmp_path / "engine.db", worker=worker) as stage:
        await damaged(stage, damage, BOB)
        worker.script = {"only?": wait_for(), "only": done()}
        await stage.crash()
        await stage.settle()
        assert (await stage.backend.describe(BOB)).status is RunStatus.COMPLETED
