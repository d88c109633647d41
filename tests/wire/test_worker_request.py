from typing import Any

import pytest

from perdure.model.attributes import DataAttribute, Loading, SearchAttribute, SearchAttributeType
from perdure.model.calls import LoadedAttributes, RpcRequest, RunContext, StateCall, StateMethod, StateRequest
from perdure.model.conditions import ChannelKind, ChannelResult, ConditionResult, TimerResult
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.value import EMPTY_VALUE, EncodedValue
from perdure.wire.worker_request import encode_worker_request

RUN = RunContext(WorkflowId("w"), WorkflowType("T"), RunId("r2"), RunId("r1"), 1_999, "http://worker")
LOADED = LoadedAttributes(
    data=(DataAttribute("d", EncodedValue("1")),),
    search=(SearchAttribute("s", SearchAttributeType.KEYWORD, "x"),),
)
NONE_THERE = LoadedAttributes()
NOTHING_WANTED = LoadedAttributes(data_loading=Loading.NONE, search_loading=Loading.NONE)
ONE, TWO = EncodedValue("1"), EncodedValue("2")


def encoded(
    method: StateMethod,
    *,
    input: EncodedValue | None = None,
    attributes: LoadedAttributes = NONE_THERE,
    locals: tuple[DataAttribute, ...] = (),
    results: tuple[ConditionResult, ...] | None = None,
    wait_until_failed: bool = False,
) -> dict[str, Any]:
    call = StateCall(
        method, StateExecutionId("S-1"), StateId("S"), input, attributes, locals, results, wait_until_failed
    )
    return encode_worker_request(StateRequest(RUN, call, attempt=3, first_attempt_ms=5_500))


STATE_CONTEXT = {
    "workflowId": "w",
    "workflowRunId": "r1",
    "workflowStartedTimestamp": 1,
    "stateExecutionId": "S-1",
    "firstAttemptTimestamp": 5,
    "attempt": 3,
}
BARE = {"context": STATE_CONTEXT, "workflowType": "T", "workflowStateId": "S"}


@pytest.mark.parametrize("method", StateMethod)
def test_a_state_call_with_nothing_to_tell_has_no_empty_fields(method: StateMethod) -> None:
    assert encoded(method) == BARE


def test_a_wait_until_with_everything() -> None:
    assert encoded(StateMethod.WAIT_UNTIL, input=EMPTY_VALUE, attributes=LOADED) == {
        **BARE,
        "stateInput": {},
        "searchAttributes": [{"key": "s", "valueType": "KEYWORD", "stringValue": "x"}],
        "dataObjects": [{"key": "d", "value": {"data": "1"}}],
    }


def test_an_execute_with_everything() -> None:
    assert encoded(
        StateMethod.EXECUTE,
        input=ONE,
        attributes=LOADED,
        locals=(DataAttribute("l"), DataAttribute("l", TWO)),
        results=(),
    ) == {
        **BARE,
        "stateInput": {"data": "1"},
        "searchAttributes": [{"key": "s", "valueType": "KEYWORD", "stringValue": "x"}],
        "DataObjects": [{"key": "d", "value": {"data": "1"}}],
        "stateLocals": [{"key": "l"}, {"key": "l", "value": {"data": "2"}}],
        "commandResults": {"stateStartApiSucceeded": True, "stateWaitUntilFailed": False},
    }


def test_a_call_that_wants_no_attributes_is_told_so_by_empty_lists() -> None:
    assert encoded(StateMethod.EXECUTE, attributes=NOTHING_WANTED) == {
        **BARE,
        "searchAttributes": [],
        "DataObjects": [],
    }


def test_a_failed_wait_until_is_told_to_execute() -> None:
    assert encoded(StateMethod.EXECUTE, wait_until_failed=True)["commandResults"] == {
        "stateStartApiSucceeded": False,
        "stateWaitUntilFailed": True,
    }


@pytest.mark.parametrize(
    ("result", "kind", "fields"),
    [
        (TimerResult("t", True), "timerResults", {"commandId": "t", "timerStatus": "FIRED"}),
        (TimerResult("", False), "timerResults", {"commandId": "", "timerStatus": "SCHEDULED"}),
        (
            ChannelResult("c", "ch", ChannelKind.SIGNAL, True, (ONE,)),
            "signalResults",
            {
                "commandId": "c",
                "signalChannelName": "ch",
                "signalRequestStatus": "RECEIVED",
                "signalValue": {"data": "1"},
            },
        ),
        (
            ChannelResult("c", "ch", ChannelKind.SIGNAL, True, (None,)),
            "signalResults",
            {"commandId": "c", "signalChannelName": "ch", "signalRequestStatus": "RECEIVED", "signalValue": {}},
        ),
        (
            ChannelResult("", "ch", ChannelKind.SIGNAL, False),
            "signalResults",
            {"commandId": "", "signalChannelName": "ch", "signalRequestStatus": "WAITING"},
        ),
        (
            ChannelResult("c", "ch", ChannelKind.INTERNAL, True, (None,)),
            "interStateChannelResults",
            {"commandId": "c", "channelName": "ch", "requestStatus": "RECEIVED"},
        ),
        (
            ChannelResult("c", "ch", ChannelKind.INTERNAL, False),
            "interStateChannelResults",
            {"commandId": "c", "channelName": "ch", "requestStatus": "WAITING"},
        ),
        (
            ChannelResult("c", "ch", ChannelKind.INTERNAL, True, (ONE, None, TWO)),
            "interStateChannelResults",
            {
                "commandId": "c",
                "channelName": "ch",
                "requestStatus": "RECEIVED",
                "value": {"data": "1"},
                "values": [{"data": "1"}, None, {"data": "2"}],
            },
        ),
        (
            ChannelResult("c", "ch", ChannelKind.SIGNAL, True, ()),
            "signalResults",
            {"commandId": "c", "signalChannelName": "ch", "signalRequestStatus": "RECEIVED", "signalValues": []},
        ),
    ],
)
def test_what_a_condition_found(result: ConditionResult, kind: str, fields: dict[str, Any]) -> None:
    results = encoded(StateMethod.EXECUTE, results=(result,))["commandResults"]

    assert results == {"stateStartApiSucceeded": True, "stateWaitUntilFailed": False, kind: [fields]}


def test_results_keep_the_order_of_their_conditions() -> None:
    results = encoded(StateMethod.EXECUTE, results=(TimerResult("b", True), TimerResult("a", False)))["commandResults"]

    assert [timer["commandId"] for timer in results["timerResults"]] == ["b", "a"]


def test_an_rpc_is_told_the_current_run_and_always_both_maps_of_channels() -> None:
    assert encode_worker_request(RpcRequest(RUN, "look", None, LoadedAttributes())) == {
        "context": {"workflowId": "w", "workflowRunId": "r2", "workflowStartedTimestamp": 1},
        "workflowType": "T",
        "rpcName": "look",
        "signalChannelInfos": {},
        "internalChannelInfos": {},
    }


def test_an_rpc_with_everything() -> None:
    fields = encode_worker_request(RpcRequest(RUN, "look", ONE, LOADED, {"a": 1}, {"": 2}))

    assert fields["input"] == {"data": "1"}
    assert fields["dataAttributes"] == [{"key": "d", "value": {"data": "1"}}]
    assert fields["searchAttributes"] == [{"key": "s", "valueType": "KEYWORD", "stringValue": "x"}]
    assert fields["signalChannelInfos"] == {"a": {"size": 1}}
    assert fields["internalChannelInfos"] == {"": {"size": 2}}
