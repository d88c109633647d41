"""What a worker is asked, from the model to JSON.

iWF's results hold one message for each channel; a condition that took another number of them
(``atLeast``, ``atMost``) tells it in a list beside that field, ``signalValues`` or ``values``. The
first message stands in the classic field too. A message without a value is a null in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perdure.model.attributes import Loading
from perdure.model.calls import RpcRequest, RunContext, StateCall, StateMethod, StateRequest
from perdure.model.conditions import ChannelKind, ChannelResult, ConditionResult, TimerResult
from perdure.model.ids import RunId
from perdure.model.value import EMPTY_VALUE, EncodedValue
from perdure.wire.values import encode_data, encode_search, encode_value

Fields = dict[str, Any]


def encode_worker_request(request: StateRequest | RpcRequest) -> Fields:
    return encode_rpc_request(request) if isinstance(request, RpcRequest) else encode_state_request(request)


def encode_state_request(request: StateRequest) -> Fields:
    call = request.call
    executes = call.method is StateMethod.EXECUTE
    fields: Fields = {
        "context": _encode_state_context(request),
        "workflowType": request.run.workflow_type,
        "workflowStateId": call.state_id,
    }
    if call.input is not None:
        fields["stateInput"] = encode_value(call.input)
    _add(fields, "searchAttributes", encode_search(call.attributes.search), call.attributes.search_loading)
    # iWF really writes the first letter of one large and of the other small.
    data_name = "DataObjects" if executes else "dataObjects"
    _add(fields, data_name, encode_data(call.attributes.data), call.attributes.data_loading)
    if call.locals:
        fields["stateLocals"] = encode_data(call.locals)
    if executes and (call.results is not None or call.wait_until_failed):
        fields["commandResults"] = _encode_results(call)
    return fields


def encode_rpc_request(request: RpcRequest) -> Fields:
    attributes = request.attributes
    fields: Fields = {
        "context": _encode_context(request.run, request.run.run_id),
        "workflowType": request.run.workflow_type,
        "rpcName": request.name,
    }
    if request.input is not None:
        fields["input"] = encode_value(request.input)
    _add(fields, "searchAttributes", encode_search(attributes.search), attributes.search_loading)
    _add(fields, "dataAttributes", encode_data(attributes.data), attributes.data_loading)
    # iWF: both are always there; one SDK breaks on a missing one.
    fields["signalChannelInfos"] = _encode_sizes(request.signal_sizes)
    fields["internalChannelInfos"] = _encode_sizes(request.internal_sizes)
    return fields


def _encode_context(run: RunContext, run_id: RunId) -> Fields:
    return {
        "workflowId": run.workflow_id,
        "workflowRunId": run_id,
        "workflowStartedTimestamp": run.started_ms // 1000,
    }


def _encode_state_context(request: StateRequest) -> Fields:
    # iWF: states are told the first run of the chain, which stays the same through retries and resets.
    return {
        **_encode_context(request.run, request.run.first_run_id),
        "stateExecutionId": request.call.state_execution_id,
        "firstAttemptTimestamp": request.first_attempt_ms // 1000,
        "attempt": request.attempt,
    }


def _add(fields: Fields, name: str, items: list[Fields], loading: Loading) -> None:
    """iWF: an empty list is left out, but for a call that asked for nothing."""
    if items or loading is Loading.NONE:
        fields[name] = items


def _encode_sizes(sizes: Mapping[str, int]) -> Fields:
    return {channel: {"size": size} for channel, size in sizes.items()}


def _encode_results(call: StateCall) -> Fields:
    fields: Fields = {
        "stateStartApiSucceeded": not call.wait_until_failed,
        "stateWaitUntilFailed": call.wait_until_failed,
    }
    for result in call.results or ():
        name, encoded = _encode_result(result)
        fields.setdefault(name, []).append(encoded)
    return fields


def _encode_result(result: ConditionResult) -> tuple[str, Fields]:
    if isinstance(result, TimerResult):
        return "timerResults", {"commandId": result.id, "timerStatus": "FIRED" if result.fired else "SCHEDULED"}
    if result.kind is ChannelKind.SIGNAL:
        return "signalResults", _encode_channel_result(
            result,
            channel="signalChannelName",
            status="signalRequestStatus",
            value="signalValue",
            values="signalValues",
        )
    return "interStateChannelResults", _encode_channel_result(
        result, channel="channelName", status="requestStatus", value="value", values="values"
    )


def _encode_channel_result(result: ChannelResult, *, channel: str, status: str, value: str, values: str) -> Fields:
    fields: Fields = {
        "commandId": result.id,
        channel: result.channel,
        status: "RECEIVED" if result.received else "WAITING",
    }
    if not result.received:
        return fields
    messages = [_message(result.kind, message) for message in result.values]
    if messages and messages[0] is not None:
        fields[value] = encode_value(messages[0])
    if len(messages) != 1:
        fields[values] = [None if message is None else encode_value(message) for message in messages]
    return fields


def _message(kind: ChannelKind, message: EncodedValue | None) -> EncodedValue | None:
    return EMPTY_VALUE if message is None and kind is ChannelKind.SIGNAL else message
