from __future__ import annotations

import pytest

from perdure.engine.reset import NO_SUCH_EVENT, NO_SUCH_MOMENT
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import RpcAnswer, RpcRequest, StateRequest
from perdure.model.conditions import ChannelResult
from perdure.model.errors import InvalidRequest, WorkflowClosed, WorkflowNotFound
from perdure.model.ids import RunId, StateExecutionId, StateId
from perdure.model.options import CallOptions, StartOptions, StateOptions
from perdure.model.outcome import RunStatus, StopKind
from perdure.model.requests import ResetKind, ResetRequest, RpcCall, TimerRef
from perdure.model.value import Message
from perdure.testing.rule import rule
from tests.engine.script import (
    ADA,
    Request,
    Worker,
    after,
    done,
    go_to,
    signal_on,
    starting,
    straight,
    text,
    wait_for,
    writing,
)
from tests.engine.stage import EngineStage

LOCK_K = LoadingPolicy(locks=("k",))
BEGINNING = ResetRequest(ADA, ResetKind.BEGINNING)


async def finished(stage: EngineStage[Worker]) -> RunId:
    """Run first, second and third, each 1 s after the other."""
    stage.worker.script = {
        "first?": wait_for(after(1_000)),
        "first": go_to("second"),
        "second?": wait_for(after(1_000)),
        "second": go_to("third", options=straight()),
        "third": done("end"),
    }
    run_id = await stage.backend.start(starting("first", state=StateOptions()))
    await stage.pass_time(2_000)
    assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED
    stage.worker.requests.clear()
    return run_id


def called(stage: EngineStage[Worker]) -> list[str]:
    return [request.call.state_execution_id for request in stage.worker.requests if isinstance(request, StateRequest)]


async def test_run_begins_again_as_a_new_one_and_the_old_one_stays(stage: EngineStage[Worker]) -> None:
    first = await finished(stage)
    second = await stage.backend.reset(BEGINNING)
    assert second != first
    await stage.settle()
    assert called(stage) == ["first-1"]
    assert (await stage.backend.describe(ADA)).run_id == second
    assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.COMPLETED
    await stage.pass_time(2_000)
    assert called(stage) == ["first-1", "first-1", "second-1", "second-1", "third-1"]
    assert (await stage.backend.wait_for_result(ADA)).run_id == second
    runs = {request.run.first_run_id for request in stage.worker.requests}
    assert runs == {first}


@pytest.mark.parametrize(
    "request_",
    [
        ResetRequest(ADA, ResetKind.STATE_ID, state_id=StateId("second")),
        ResetRequest(ADA, ResetKind.STATE_EXECUTION_ID, state_execution_id=StateExecutionId("second-1")),
    ],
)
async def test_run_goes_back_to_the_first_call_of_a_state(stage: EngineStage[Worker], request_: ResetRequest) -> None:
    await finished(stage)
    await stage.backend.reset(request_)
    await stage.settle()
    assert called(stage) == ["second-1"]
    await stage.pass_time(1_000)
    assert called(stage) == ["second-1", "second-1", "third-1"]


async def test_run_goes_back_to_a_time_and_to_an_event(stage: EngineStage[Worker]) -> None:
    first = await finished(stage)
    began = (await stage.backend.describe(ADA, run_id=first)).started_ms
    await stage.backend.reset(ResetRequest(ADA, ResetKind.HISTORY_EVENT_TIME, run_id=first, time_ms=began + 1_500))
    await stage.settle()
    assert called(stage) == ["second-1", "third-1"], "its timer is over, so it executes at once"
    stage.worker.requests.clear()
    await stage.backend.reset(ResetRequest(ADA, ResetKind.HISTORY_EVENT_ID, run_id=first, event_id=4))
    await stage.settle()
    assert called(stage) == ["first-1"]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (ResetRequest(ADA, ResetKind.STATE_ID, state_id=StateId("never")), NO_SUCH_MOMENT),
        (ResetRequest(ADA, ResetKind.STATE_EXECUTION_ID), NO_SUCH_MOMENT),
        (ResetRequest(ADA, ResetKind.HISTORY_EVENT_TIME, time_ms=1 << 60), NO_SUCH_MOMENT),
        (ResetRequest(ADA, ResetKind.HISTORY_EVENT_ID), NO_SUCH_EVENT),
        (ResetRequest(ADA, ResetKind.HISTORY_EVENT_ID, event_id=1), NO_SUCH_EVENT),
        (ResetRequest(ADA, ResetKind.HISTORY_EVENT_ID, event_id=99), NO_SUCH_EVENT),
    ],
)
async def test_moment_that_is_not_there_changes_nothing(
    stage: EngineStage[Worker], request_: ResetRequest, why: str
) -> None:
    run_id = await finished(stage)
    with pytest.raises(InvalidRequest) as refused:
        await stage.backend.reset(request_)
    assert str(refused.value) == why
    assert (await stage.backend.describe(ADA)).run_id == run_id


async def test_nobody_cannot_be_reset(stage: EngineStage[Worker]) -> None:
    with pytest.raises(WorkflowNotFound):
        await stage.backend.reset(BEGINNING)


async def test_open_run_is_terminated_in_the_same_step(stage: EngineStage[Worker]) -> None:
    first = await stage.backend.start(starting())
    await stage.settle()
    second = await stage.backend.reset(BEGINNING)
    assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.TERMINATED
    with pytest.raises(WorkflowClosed):
        await stage.backend.signal(ADA, Message("letters"), run_id=first)
    await stage.settle()
    stage.worker.answer(done("of the terminated run"))
    await stage.settle()
    assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
    stage.worker.answer(done("of the new one"))
    info = await stage.backend.wait_for_result(ADA)
    assert (info.run_id, info.status) == (second, RunStatus.COMPLETED)


async def test_what_callers_sent_later_is_handed_over_again(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {
        "only?": wait_for(signal_on("letters"), after(60_000, name="nap")),
        "only": done(),
        "desk!": writing("k", "by rpc"),
        "vault!": writing("l", "under lock"),
    }
    await stage.backend.start(starting("only", state=StateOptions()))
    await stage.settle()
    await stage.backend.set_data_attributes(ADA, [DataAttribute("j", text("set"))])
    await stage.backend.call_rpc(RpcCall(ADA, "desk"))
    await stage.backend.call_rpc(RpcCall(ADA, "vault", data_loading=LOCK_K))
    await stage.backend.signal(ADA, Message("letters", text("dear")))
    await stage.backend.skip_timer(ADA, TimerRef(StateExecutionId("only-1"), timer_id="nap"))
    await stage.backend.wait_for_result(ADA)
    stage.worker.requests.clear()
    await stage.backend.reset(BEGINNING)
    await stage.settle()
    assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED, "letter and skip came again"
    data = await stage.backend.get_data_attributes(ADA)
    assert [(item.key, item.value) for item in data] == [
        ("j", text("set")),
        ("k", text("by rpc")),
        ("l", text("under lock")),
    ]
    assert called(stage) == ["only-1", "only-1"], "no RPC was called again"
    execute = stage.worker.requests[-1]
    assert isinstance(execute, StateRequest)
    assert execute.call.results is not None
    letter = execute.call.results[0]
    assert isinstance(letter, ChannelResult)
    assert letter.values == (text("dear"),)


def adding(request: Request) -> RpcAnswer:
    """Append the RPC's name to what is under lock."""
    assert isinstance(request, RpcRequest)
    before = [item.value.data or "" for item in request.attributes.data if item.value is not None]
    return writing("k", "".join(before) + request.name)


async def value_under_lock(stage: EngineStage[Worker]) -> str | None:
    return next((item.value.data for item in await stage.backend.get_data_attributes(ADA) if item.value), None)


@rule("7")
async def test_rpcs_under_lock_are_asked_again_in_their_order_over_crashes(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"a!": adding, "b!": adding}
    await stage.backend.start(starting(None))
    for name in ("a", "b"):
        await stage.backend.call_rpc(RpcCall(ADA, name, data_loading=LOCK_K))
    stage.worker.script = {}
    stage.worker.requests.clear()
    await stage.backend.reset(BEGINNING)
    await stage.crash()
    await stage.settle()
    await stage.crash()
    await stage.settle()
    assert [len(stage.worker.calls(name)) for name in ("a!", "b!")] == [3, 0], (
        "a in each life, b not before a has ended"
    )
    stage.worker.answer(adding(stage.worker.requests[-1]))
    await stage.settle()
    await stage.crash()
    stage.worker.script = {"b!": adding}
    await stage.settle()
    assert await value_under_lock(stage) == "ab"
    await stage.crash()
    await stage.settle()
    assert [len(stage.worker.calls(name)) for name in ("a!", "b!")] == [3, 2], "nothing is left to ask"


@rule("7", "4.7")
async def test_rpc_that_is_asked_again_waits_for_its_lock(stage: EngineStage[Worker]) -> None:
    locks = StateOptions(skip_wait_until=True, execute=CallOptions(data_loading=LOCK_K))
    stage.worker.script = {"only": go_to("end", options=straight()), "a!": adding}
    await stage.backend.start(starting(state=locks))
    await stage.settle()
    await stage.backend.call_rpc(RpcCall(ADA, "a", data_loading=LOCK_K))
    stage.worker.script = {"a!": adding}
    await stage.backend.reset(BEGINNING)
    await stage.settle()
    assert await value_under_lock(stage) is None
    await stage.crash()
    await stage.settle()
    assert await value_under_lock(stage) is None
    stage.worker.answer(go_to("end", options=straight()))
    await stage.settle()
    assert await value_under_lock(stage) == "a"


@rule("7")
async def test_reset_of_a_reset_asks_each_rpc_once(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"a!": adding, "b!": adding, "c!": adding}
    await stage.backend.start(starting(None))
    for name in ("a", "b"):
        await stage.backend.call_rpc(RpcCall(ADA, name, data_loading=LOCK_K))
    await stage.backend.reset(BEGINNING)
    await stage.settle()
    await stage.backend.call_rpc(RpcCall(ADA, "c", data_loading=LOCK_K))
    assert await value_under_lock(stage) == "abc"
    await stage.backend.reset(BEGINNING)
    await stage.settle()
    assert await value_under_lock(stage) == "abc"
    await stage.backend.reset(ResetRequest(ADA, ResetKind.BEGINNING, skip_locked_rpcs=True))
    await stage.settle()
    assert await value_under_lock(stage) is None


async def test_handing_over_can_be_skipped(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"desk!": writing("k", "by rpc"), "vault!": writing("l", "under lock")}
    first = await stage.backend.start(starting(None))
    await stage.backend.call_rpc(RpcCall(ADA, "desk"))
    await stage.backend.call_rpc(RpcCall(ADA, "vault", data_loading=LOCK_K))
    kept = {}
    for skips in ((True, False), (False, True)):
        await stage.backend.reset(
            ResetRequest(ADA, ResetKind.BEGINNING, run_id=first, skip_signals=skips[0], skip_locked_rpcs=skips[1])
        )
        kept[skips] = [item.key for item in await stage.backend.get_data_attributes(ADA)]
    assert kept == {(True, False): ["l"], (False, True): ["k"]}


async def test_timeout_counts_anew_and_a_stop_is_not_repeated(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None, options=StartOptions(timeout_ms=5_000)))
    await stage.pass_time(4_000)
    await stage.backend.stop(ADA, StopKind.FAIL, reason="no")
    await stage.backend.reset(BEGINNING)
    await stage.pass_time(4_999)
    assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
    await stage.pass_time(1)
    assert (await stage.backend.describe(ADA)).status is RunStatus.TIMED_OUT


async def test_reset_survives_a_crash_and_can_be_reset_again(stage: EngineStage[Worker]) -> None:
    await finished(stage)
    await stage.backend.reset(ResetRequest(ADA, ResetKind.STATE_ID, state_id=StateId("second")))
    await stage.crash()
    await stage.pass_time(1_000)
    assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED
    stage.worker.requests.clear()
    await stage.backend.reset(ResetRequest(ADA, ResetKind.STATE_ID, state_id=StateId("third")))
    await stage.settle()
    assert called(stage) == ["third-1"]
