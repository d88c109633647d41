"""Each side reads what the other writes: what a server hears is what a client said, and the other way round."""

from typing import Any

import pytest

from perdure.model.attributes import DataAttribute, Loading, LoadingPolicy, SearchAttribute, SearchAttributeType
from perdure.model.decisions import Movement
from perdure.model.errors import (
    InternalError,
    InvalidRequest,
    LockConflict,
    PerdureError,
    RpcFailed,
    TimerNotFound,
    UnavailableError,
    WaitTimedOut,
    WorkflowAlreadyStarted,
    WorkflowClosed,
    WorkflowNotFound,
)
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import (
    CallOptions,
    ExecutingStatesMode,
    IdReusePolicy,
    RetryPolicy,
    StartOptions,
    StateOptions,
    WorkflowConfig,
)
from perdure.model.outcome import (
    Outcome,
    RunErrorType,
    RunInfo,
    RunStatus,
    RunSummary,
    SearchPage,
    StateOutput,
    StopKind,
)
from perdure.model.requests import ResetKind, ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EMPTY_VALUE, EncodedValue, Message
from perdure.wire import client_side, document, errors, requests, responses
from perdure.wire.client_side import encode_target
from perdure.wire.document import Malformed
from perdure.wire.errors import encode_error

W, T = WorkflowId("w"), WorkflowType("T")
RUN = RunId("3f2c9a34-8f0e-4a55-9f5e-0a1b2c3d4e5f")
RUN_2 = RunId("4f2c9a34-8f0e-4a55-9f5e-0a1b2c3d4e5f")
VALUE = EncodedValue("1", "json")
OUTPUT = StateOutput(StateId("S"), StateExecutionId("S-1"), VALUE)
TARGET = requests.Target(W, RUN)


def sent(*parts: dict[str, Any]) -> bytes:
    return document.write({name: value for part in parts for name, value in part.items()})


def to_run(fields: dict[str, Any]) -> bytes:
    return sent(encode_target(W, RUN), fields)


@pytest.mark.parametrize(
    "request_",
    [
        StartRequest(W, T, worker_url="http://worker"),
        StartRequest(
            W,
            T,
            Movement(StateId("S"), VALUE, StateOptions(skip_wait_until=True, execute=CallOptions(timeout_ms=5_000))),
            StartOptions(
                id_reuse=IdReusePolicy.DISALLOW,
                timeout_ms=60_000,
                delay_ms=1_000,
                retry=RetryPolicy(2_000, 3.0, 50_000, 4),
                cron="* * * * *",
                ignore_already_started=True,
                request_id="r",
                wait_for_states=frozenset({StateId("S"), StateId("R")}),
                wait_for_state_executions=frozenset({"S-1"}),
                config=WorkflowConfig(ExecutingStatesMode.ALL, 1, 2, True, False, True),
                use_memo=True,
            ),
            data=(DataAttribute("a", VALUE), DataAttribute("b")),
            search=(SearchAttribute("n", SearchAttributeType.INT, 1),),
            worker_url="http://worker",
        ),
        StartRequest(W, T, options=StartOptions(request_id="r"), worker_url="http://worker"),
    ],
)
def test_start(request_: StartRequest) -> None:
    body = document.write(client_side.encode_start(request_, worker_url=request_.worker_url))
    assert requests.decode_start(body) == request_


@pytest.mark.parametrize(("ms", "heard_ms"), [(1, 1_000), (1_000, 1_000), (1_001, 2_000), (-1, -1_000)])
def test_whole_seconds_are_rounded_away_from_zero(ms: int, heard_ms: int) -> None:
    request = StartRequest(W, T, options=StartOptions(timeout_ms=ms, delay_ms=ms))
    heard = requests.decode_start(document.write(client_side.encode_start(request, worker_url="http://worker")))
    assert (heard.options.timeout_ms, heard.options.delay_ms) == (heard_ms, heard_ms)


def test_messages() -> None:
    for value in (VALUE, EMPTY_VALUE):
        heard = requests.decode_signal(to_run(client_side.encode_signal(Message("c", value))))
        assert heard == requests.Signal(TARGET, Message("c", value))
    messages = (Message("a", VALUE), Message("b"), Message("b", EMPTY_VALUE))
    assert requests.decode_publish(to_run(client_side.encode_publish(messages))) == requests.Publish(TARGET, messages)


def test_attributes() -> None:
    data = (DataAttribute("a", VALUE), DataAttribute("b"))
    search = (SearchAttribute("n", SearchAttributeType.KEYWORD_ARRAY, ("x", "y")),)
    keys = (("n", SearchAttributeType.INT),)
    assert requests.decode_set_data(to_run(client_side.encode_set_data(data))).attributes == data
    assert requests.decode_set_search(to_run(client_side.encode_set_search(search))).attributes == search
    assert requests.decode_get_data(to_run(client_side.encode_get_data(["a"]))).keys == ("a",)
    assert requests.decode_get_data(to_run(client_side.encode_get_data(None))).keys is None
    assert requests.decode_get_search(to_run(client_side.encode_get_search(keys))).keys == keys
    assert requests.decode_get_search(to_run(client_side.encode_get_search(None))).keys is None
    assert client_side.decode_data_attributes(document.write(responses.encode_data_attributes(data))) == data
    assert client_side.decode_search_attributes(document.write(responses.encode_search_attributes(search))) == search
    assert client_side.decode_data_attributes(b"{}") == ()
    assert client_side.decode_search_attributes(b"{}") == ()


@pytest.mark.parametrize(
    "call",
    [
        RpcCall(W, "desk", run_id=RUN),
        RpcCall(W, "desk", VALUE, RUN, LoadingPolicy(locks=("a",)), LoadingPolicy(Loading.NONE), timeout_ms=1_500),
    ],
)
def test_rpc(call: RpcCall) -> None:
    assert requests.decode_rpc(to_run(client_side.encode_rpc(call))) == call


def test_rpc_without_our_own_field_has_whole_seconds() -> None:
    fields = client_side.encode_rpc(RpcCall(W, "desk", timeout_ms=1_500))
    del fields["perdure"]
    assert requests.decode_rpc(to_run(fields)).timeout_ms == 2_000


@pytest.mark.parametrize("output", [None, VALUE, EMPTY_VALUE])
def test_outputs(output: EncodedValue | None) -> None:
    wait = StateWait(W, StateExecutionId("S-1"))
    told = document.write(responses.encode_rpc_output(output))
    completed = document.write(responses.encode_state_completion(wait, output))
    assert client_side.decode_rpc_output(told) == client_side.decode_state_completion(completed) == output


@pytest.mark.parametrize("wait", [StateWait(W, StateExecutionId("S-1")), StateWait(W, state_id=StateId("S"), key="k")])
def test_waits_are_exact_for_a_server_of_ours(wait: StateWait) -> None:
    fields = {**client_side.encode_state_wait(wait), **client_side.encode_wait(0)}
    assert requests.decode_wait_for_state(document.write(fields)) == requests.WaitForState(wait, 0)
    assert requests.decode_get(to_run(client_side.encode_wait(1_500))).wait_ms == 1_500


def test_plain_server_waits_a_second_at_least_and_not_as_long_as_it_likes() -> None:
    for ms, seconds in ((0, 1), (1_500, 2)):
        fields = client_side.encode_wait(ms)
        del fields["perdure"]
        assert requests.decode_get(to_run(fields)).wait_ms == seconds * 1_000


@pytest.mark.parametrize(
    "timer", [TimerRef(StateExecutionId("S-1"), timer_id="t"), TimerRef(StateExecutionId("S-1"), index=0)]
)
def test_timer(timer: TimerRef) -> None:
    assert requests.decode_skip_timer(to_run(client_side.encode_skip_timer(timer))).timer == timer


def test_stop_and_settings() -> None:
    for kind in StopKind:
        assert requests.decode_stop(to_run(client_side.encode_stop(kind, "why"))) == requests.Stop(TARGET, kind, "why")
    config = WorkflowConfig(optimize_timer=False, continue_as_new_threshold=0)
    assert requests.decode_update_config(to_run(client_side.encode_update_config(config))).config == config


@pytest.mark.parametrize(
    "request_",
    [
        ResetRequest(W, ResetKind.BEGINNING, RUN, reason="why", skip_signals=True),
        ResetRequest(W, ResetKind.HISTORY_EVENT_ID, RUN, event_id=4, skip_locked_rpcs=True),
        ResetRequest(W, ResetKind.HISTORY_EVENT_TIME, RUN, time_ms=1_893_456_000_123),
        ResetRequest(W, ResetKind.STATE_ID, RUN, state_id=StateId("S")),
        ResetRequest(W, ResetKind.STATE_EXECUTION_ID, RUN, state_execution_id=StateExecutionId("S-1")),
    ],
)
def test_reset(request_: ResetRequest) -> None:
    assert requests.decode_reset(to_run(client_side.encode_reset(request_)), now_ms=0) == request_
    assert client_side.decode_run_id(document.write(responses.encode_run_id(RUN))) == RUN


RUNS = [
    RunInfo(W, RUN_2, T, RunStatus.RUNNING, 1_234),
    RunInfo(W, RUN_2, T, RunStatus.COMPLETED, 1, 2, Outcome(RunStatus.COMPLETED, results=())),
    RunInfo(W, RUN_2, T, RunStatus.COMPLETED, 1, 2, Outcome(RunStatus.COMPLETED, results=(OUTPUT,))),
    RunInfo(W, RUN_2, T, RunStatus.TIMED_OUT, 1, 2, Outcome(RunStatus.TIMED_OUT)),
    RunInfo(W, RUN_2, T, RunStatus.FAILED, 1, 2, Outcome(RunStatus.FAILED, None, RunErrorType.CLIENT, "why")),
]


@pytest.mark.parametrize("info", RUNS)
def test_all_is_told_to_whoever_asks_for_it(info: RunInfo) -> None:
    asked = requests.decode_get(to_run(client_side.encode_describe()))
    assert asked.detailed
    told = responses.encode_run(info, run_id=RUN, with_outcome=False, detailed=True)
    assert client_side.decode_run(document.write(told), W) == info


@pytest.mark.parametrize("info", RUNS)
def test_plain_server_tells_how_a_run_ended(info: RunInfo) -> None:
    told = document.write(responses.encode_run(info, run_id=RUN, with_outcome=True))
    found = client_side.decode_result(told, W)
    assert (found.run_id, found.status, found.outcome) == (RUN, info.status, info.outcome)
    assert (found.workflow_type, found.started_ms, found.closed_ms) == ("", 0, None)


def test_plain_server_without_results_wanted_leaves_the_outcome_open() -> None:
    told = document.write(responses.encode_run(RUNS[2], run_id=RUN, with_outcome=False))
    assert client_side.decode_run(told, W).outcome is None


def test_run_that_goes_on_under_another_id_has_not_ended() -> None:
    told = document.write({"workflowRunId": RUN, "workflowStatus": "CONTINUED_AS_NEW"})
    assert client_side.decode_result(told, W).status is RunStatus.RUNNING


def test_search() -> None:
    page = SearchPage(
        (RunSummary(W, RUN, T, RunStatus.CANCELED, 1, 2), RunSummary(W, RUN_2, T, RunStatus.RUNNING, 3)), "t"
    )
    body = document.write(client_side.encode_search_runs("q", page_size=2, page_token="t"))
    assert requests.decode_search_runs(body) == requests.Search("q", 2, "t", detailed=True)
    told = document.write(responses.encode_search_page(page, detailed=True))
    assert client_side.decode_search_page(told) == page
    plain = document.write(responses.encode_search_page(page))
    assert [run.run_id for run in client_side.decode_search_page(plain).runs] == [RUN, RUN_2]
    assert client_side.decode_search_page(b'{"nextPageToken": ""}') == SearchPage(())


@pytest.mark.parametrize(
    "error",
    [
        WorkflowNotFound("no", workflow_id="w"),
        WorkflowClosed("workflow execution already completed"),
        LockConflict("taken"),
        TimerNotFound("none"),
        WaitTimedOut(errors.RUN_STILL_OPEN),
        WaitTimedOut(errors.STATE_STILL_OPEN),
        InvalidRequest("wrong"),
        UnavailableError("away"),
        InternalError("ours"),
    ],
)
def test_error_comes_back_as_what_it_was(error: PerdureError) -> None:
    answer = encode_error(error)
    found = client_side.decode_error(answer.status, document.write(answer.fields), workflow_id="w")
    assert type(found) is type(error)
    assert answer.detail in str(found)


def test_failed_rpc_comes_back_with_its_fields() -> None:
    answer = encode_error(RpcFailed("no desk", status=503, error_type="KeyError", detail="line 3"))
    found = client_side.decode_error(answer.status, document.write(answer.fields))
    assert isinstance(found, RpcFailed)
    assert (str(found), found.status, found.error_type, found.detail) == ("no desk", 503, "KeyError", "line 3")


def test_taken_id_names_the_run_that_has_it() -> None:
    detail = f"Workflow execution is already running. WorkflowId: RunId: {RUN_2}, RunId: {RUN}."
    answer = encode_error(WorkflowAlreadyStarted(detail))
    found = client_side.decode_error(answer.status, document.write(answer.fields), workflow_id="w")
    assert isinstance(found, WorkflowAlreadyStarted)
    assert (found.workflow_id, found.run_id) == ("w", RUN)


def test_body_that_cannot_be_read_by_the_server_is_the_callers_mistake() -> None:
    answer = encode_error(Malformed("is a text, expected a number", place="waitTimeSeconds"))
    found = client_side.decode_error(answer.status, document.write(answer.fields))
    assert type(found) is InvalidRequest


@pytest.mark.parametrize("status", [301, 401, 404, 502])
def test_answer_of_something_else_is_no_answer(status: int) -> None:
    found = client_side.decode_error(status, b"<html>")
    assert type(found) is UnavailableError
    assert f"{status} '<html>'" in str(found)


def test_answer_without_a_status_is_none() -> None:
    with pytest.raises(Malformed):
        client_side.decode_run(b"{}", W)
