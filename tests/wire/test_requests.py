import json
from collections.abc import Callable
from typing import Any

import pytest

from perdure.model.attributes import DataAttribute, Loading, LoadingPolicy, SearchAttribute, SearchAttributeType
from perdure.model.decisions import Movement
from perdure.model.errors import InvalidRequest, PerdureError, WorkflowNotFound
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions, StateOptions, WorkflowConfig
from perdure.model.outcome import StopKind
from perdure.model.requests import ResetKind, ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EMPTY_VALUE, EncodedValue, Message
from perdure.wire import requests
from perdure.wire.document import Malformed
from perdure.wire.requests import Target

W = WorkflowId("w")
RUN = RunId("3f2c9a34-8f0e-4a55-9f5e-0a1b2c3d4e5f")
PLAIN = Target(W, None)
NOW_MS = 10_000


def decode_reset(body: bytes) -> ResetRequest:
    return requests.decode_reset(body, now_ms=NOW_MS)


def test_a_whole_start_request() -> None:
    body = {
        "workflowId": "w",
        "iwfWorkflowType": "T",
        "workflowTimeoutSeconds": 10,
        "iwfWorkerUrl": "http://worker/",
        "startStateId": "S",
        "stateInput": {"data": "1", "encoding": "json"},
        "stateOptions": {"skipWaitUntil": True},
        "workflowStartOptions": {
            "searchAttributes": [{"key": "n", "valueType": "INT", "integerValue": 1}],
            "dataAttributes": [{"key": "d", "value": {"data": "2"}}],
        },
    }

    assert requests.decode_start(json.dumps(body).encode()) == StartRequest(
        workflow_id=W,
        workflow_type=WorkflowType("T"),
        first=Movement(StateId("S"), EncodedValue("1", "json"), StateOptions(skip_wait_until=True)),
        options=StartOptions(timeout_ms=10_000),
        data=(DataAttribute("d", EncodedValue("2")),),
        search=(SearchAttribute("n", SearchAttributeType.INT, 1),),
        worker_url="http://worker/",
    )


def test_a_start_of_nothing_is_for_the_engine_to_refuse() -> None:
    assert requests.decode_start(b"{}") == StartRequest(WorkflowId(""), WorkflowType(""))


def test_a_reserved_state_id_to_start_with_is_a_state_like_any_other() -> None:
    request = requests.decode_start(b'{"workflowId": "w", "startStateId": "_SYS_DEAD_END"}')

    assert request.first == Movement(StateId("_SYS_DEAD_END"))


@pytest.mark.parametrize(
    ("decode", "body", "decoded"),
    [
        (
            requests.decode_signal,
            {"signalChannelName": "c", "signalValue": {"data": "1"}},
            requests.Signal(PLAIN, Message("c", EncodedValue("1"))),
        ),
        (requests.decode_signal, {"signalChannelName": "c"}, requests.Signal(PLAIN, Message("c", EMPTY_VALUE))),
        (
            requests.decode_publish,
            {"messages": [{"channelName": "c"}, {"value": {}}]},
            requests.Publish(PLAIN, (Message("c"), Message("", EMPTY_VALUE))),
        ),
        (requests.decode_publish, {}, requests.Publish(PLAIN, ())),
        (requests.decode_stop, {}, requests.Stop(PLAIN, StopKind.CANCEL, "")),
        (requests.decode_stop, {"stopType": "FAIL", "reason": "r"}, requests.Stop(PLAIN, StopKind.FAIL, "r")),
        (requests.decode_get_data, {"keys": []}, requests.GetData(PLAIN, None)),
        (requests.decode_get_data, {"keys": ["a", ""]}, requests.GetData(PLAIN, ("a", ""))),
        (
            requests.decode_set_data,
            {"objects": [{"key": "a"}]},
            requests.SetData(PLAIN, (DataAttribute("a"),)),
        ),
        (requests.decode_get_search, {}, requests.GetSearch(PLAIN, None)),
        (
            requests.decode_get_search,
            {"keys": [{"key": "a", "valueType": "INT"}]},
            requests.GetSearch(PLAIN, (("a", SearchAttributeType.INT),)),
        ),
        (
            requests.decode_set_search,
            {"searchAttributes": [{"key": "a", "integerValue": 1}]},
            requests.SetSearch(PLAIN, (SearchAttribute("a", None),)),
        ),
        (requests.decode_get, {}, requests.GetRun(PLAIN, False, None)),
        (requests.decode_get, {"waitTimeSeconds": -1, "needsResults": True}, requests.GetRun(PLAIN, True, None)),
        (requests.decode_get, {"waitTimeSeconds": 2}, requests.GetRun(PLAIN, False, 2_000)),
        (
            requests.decode_skip_timer,
            {"workflowStateExecutionId": "S-1", "timerCommandIndex": 0},
            requests.SkipTimer(PLAIN, TimerRef(StateExecutionId("S-1"), index=0)),
        ),
        (
            requests.decode_skip_timer,
            {"timerCommandId": "t", "timerCommandIndex": -1},
            requests.SkipTimer(PLAIN, TimerRef(StateExecutionId(""), "t", -1)),
        ),
        (requests.decode_update_config, {}, requests.UpdateConfig(PLAIN, WorkflowConfig())),
        (
            requests.decode_update_config,
            {"workflowConfig": {"optimizeTimer": False}},
            requests.UpdateConfig(PLAIN, WorkflowConfig(optimize_timer=False)),
        ),
        (requests.decode_trigger_continue_as_new, {}, PLAIN),
        (requests.decode_rpc, {"rpcName": "r"}, RpcCall(W, "r")),
        (
            requests.decode_rpc,
            {
                "rpcName": "r",
                "input": {},
                "timeoutSeconds": 2,
                "dataAttributesLoadingPolicy": {
                    "persistenceLoadingType": "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK",
                    "lockingKeys": ["k"],
                },
            },
            RpcCall(W, "r", EMPTY_VALUE, data_loading=LoadingPolicy(Loading.PARTIAL, locks=("k",)), timeout_ms=2_000),
        ),
        (
            requests.decode_wait_for_state,
            {"stateExecutionId": "S-1", "waitTimeSeconds": 3},
            requests.WaitForState(StateWait(W, StateExecutionId("S-1")), 3_000),
        ),
        (
            requests.decode_wait_for_state,
            {"stateExecutionId": "S-1", "stateId": "S", "waitForKey": "k"},
            requests.WaitForState(StateWait(W, state_id=StateId("S"), key="k"), None),
        ),
        (requests.decode_dump, {}, requests.Dump(PLAIN, 1 << 20, 0)),
        (requests.decode_dump, {"pageSizeInBytes": 5, "pageNum": -1}, requests.Dump(PLAIN, 5, -1)),
        (decode_reset, {"resetType": "BEGINNING"}, ResetRequest(W, ResetKind.BEGINNING)),
        (decode_reset, {"resetType": "HISTORY_EVENT_ID"}, ResetRequest(W, ResetKind.HISTORY_EVENT_ID, event_id=0)),
        (
            decode_reset,
            {"resetType": "HISTORY_EVENT_TIME", "historyEventTime": "2s"},
            ResetRequest(W, ResetKind.HISTORY_EVENT_TIME, time_ms=8_000),
        ),
        (decode_reset, {"resetType": "HISTORY_EVENT_TIME"}, ResetRequest(W, ResetKind.HISTORY_EVENT_TIME)),
        (
            decode_reset,
            {
                "resetType": "STATE_EXECUTION_ID",
                "stateId": "S",
                "stateExecutionId": "S-1",
                "reason": "r",
                "skipSignalReapply": True,
                "skipUpdateReapply": True,
            },
            ResetRequest(
                W,
                ResetKind.STATE_EXECUTION_ID,
                state_id=StateId("S"),
                state_execution_id=StateExecutionId("S-1"),
                reason="r",
                skip_signals=True,
                skip_locked_rpcs=True,
            ),
        ),
    ],
)
def test_requests_on_a_workflow(decode: Callable[[bytes], object], body: dict[str, Any], decoded: object) -> None:
    assert decode(json.dumps({"workflowId": "w", **body}).encode()) == decoded


@pytest.mark.parametrize(
    ("body", "search"),
    [
        ({}, requests.Search("", 1000, "")),
        ({"query": "q", "pageSize": -5}, requests.Search("q", 1000, "")),
        ({"query": "q", "pageSize": 2, "nextPageToken": "t"}, requests.Search("q", 2, "t")),
    ],
)
def test_a_search_has_pages_of_a_thousand_unless_told(body: dict[str, Any], search: requests.Search) -> None:
    assert requests.decode_search_runs(json.dumps(body).encode()) == search


ON_A_RUN: list[tuple[Callable[[bytes], object], dict[str, Any]]] = [
    (requests.decode_signal, {"signalChannelName": "c"}),
    (requests.decode_publish, {}),
    (requests.decode_stop, {}),
    (requests.decode_get_data, {}),
    (requests.decode_set_data, {}),
    (requests.decode_get_search, {}),
    (requests.decode_set_search, {}),
    (requests.decode_get, {}),
    (decode_reset, {"resetType": "BEGINNING"}),
    (requests.decode_skip_timer, {"timerCommandId": "t"}),
    (requests.decode_update_config, {}),
    (requests.decode_trigger_continue_as_new, {}),
    (requests.decode_rpc, {}),
    (requests.decode_dump, {}),
]


@pytest.mark.parametrize(("decode", "body"), ON_A_RUN)
def test_a_run_may_be_pinned(decode: Callable[[bytes], Any], body: dict[str, Any]) -> None:
    decoded = decode(json.dumps({"workflowId": "w", "workflowRunId": RUN.upper(), **body}).encode())

    target = decoded if isinstance(decoded, Target) else getattr(decoded, "target", decoded)
    assert target.run_id == RUN


@pytest.mark.parametrize(("decode", "body"), ON_A_RUN)
def test_without_a_workflow_id_or_with_an_impossible_run_id_there_is_no_run(
    decode: Callable[[bytes], object], body: dict[str, Any]
) -> None:
    with pytest.raises(WorkflowNotFound, match=r"WorkflowId is not set on request\."):
        decode(json.dumps(body).encode())
    with pytest.raises(WorkflowNotFound, match=r"Invalid RunId\."):
        decode(json.dumps({"workflowId": "w", "workflowRunId": "nonsense", **body}).encode())


@pytest.mark.parametrize(
    ("decode", "body", "message"),
    [
        (requests.decode_signal, {}, "SignalName is not set on request."),
        (requests.decode_signal, {"signalChannelName": "__IwfSystem_X"}, "does not begin with '__IwfSystem_'"),
        (requests.decode_get_search, {"keys": [{"valueType": "INT"}]}, "one of the keys has no key"),
        (requests.decode_get_search, {"keys": [{"key": "a"}]}, "unsupported search attribute value type "),
        (requests.decode_skip_timer, {"timerCommandId": ""}, "must provide either a timerCommandId or index"),
        (requests.decode_wait_for_state, {}, "expected a stateExecutionId, or a stateId and a waitForKey"),
        (requests.decode_wait_for_state, {"stateId": "S"}, "names no state to wait for"),
        (requests.decode_wait_for_state, {"waitForKey": "k", "stateExecutionId": "S-1"}, "names no state to wait for"),
        (decode_reset, {}, "resetType is missing, expected one of BEGINNING, "),
        (decode_reset, {"resetType": "HISTORY_EVENT_TIME", "historyEventTime": "x"}, "cannot parse time 'x'"),
    ],
)
def test_what_can_never_be_fulfilled_is_refused(
    decode: Callable[[bytes], object], body: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(json.dumps({"workflowId": "w", **body}).encode())

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        (requests.decode_start, b""),
        (requests.decode_start, b'{"workflowTimeoutSeconds": 1.5}'),
        (requests.decode_stop, b'{"stopType": "KILL"}'),
        (requests.decode_rpc, b'{"useMemoForDataAttributes": "yes"}'),
    ],
)
def test_a_body_that_cannot_be_read_is_malformed_before_anything_else(
    decode: Callable[[bytes], object], body: bytes
) -> None:
    with pytest.raises(Malformed) as caught:
        decode(body)

    assert not isinstance(caught.value, PerdureError)
