"""The worker's side of the protocol: what it is asked, from JSON to the model, and what it answers, to JSON.

The mirror of ``worker_request`` and ``worker_answer``, which are the server's side of the same calls.
The wire counts whole seconds: what an answer says in milliseconds is rounded up.
"""

from __future__ import annotations

from typing import Any, assert_never

from perdure.model.attributes import Loading
from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    Failure,
    LoadedAttributes,
    RpcAnswer,
    RpcRequest,
    RunContext,
    StateCall,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
    Writes,
)
from perdure.model.conditions import (
    ChannelCondition,
    ChannelKind,
    ChannelResult,
    ConditionResult,
    TimerCondition,
    TimerResult,
    Wait,
    WaitMode,
)
from perdure.model.decisions import CloseIfEmpty, Closing, Decision, Movement
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.value import EncodedValue, Message
from perdure.wire import protocol
from perdure.wire.extension import said
from perdure.wire.options import encode_state_options
from perdure.wire.values import decode_data, decode_search, decode_value, encode_data, encode_search, encode_value

Fields = dict[str, Any]

_MODES = {
    WaitMode.ALL: "ALL_COMPLETED",
    WaitMode.ANY: "ANY_COMPLETED",
    WaitMode.COMBINATION: "ANY_COMBINATION_COMPLETED",
}

# What it is asked


def decode_state_request(method: StateMethod, body: Any) -> StateRequest:
    """Return the call of a state's method that *body*, read as JSON, stands for.

    Raises:
        Malformed: it is none.
    """
    executes = method is StateMethod.EXECUTE
    fields = (protocol.EXECUTE_CALL if executes else protocol.WAIT_UNTIL_CALL).read(body)
    context = fields["context"]
    results = fields.get("commandResults")
    call = StateCall(
        method=method,
        state_execution_id=StateExecutionId(context.get("stateExecutionId", "")),
        state_id=StateId(fields["workflowStateId"]),
        input=decode_value(fields.get("stateInput")),
        attributes=_decode_loaded(fields, data="dataObjects"),
        locals=decode_data(fields.get("stateLocals")),
        results=None if results is None else _decode_results(results),
        wait_until_failed=results is not None and results.get("stateWaitUntilFailed", False),
    )
    return StateRequest(
        _decode_run(fields),
        call,
        attempt=context.get("attempt", 1),
        first_attempt_ms=context.get("firstAttemptTimestamp", 0) * 1000,
    )


def decode_rpc_request(body: Any) -> RpcRequest:
    """Return the call of an RPC that *body*, read as JSON, stands for.

    Raises:
        Malformed: it is none.
    """
    fields = protocol.RPC_CALL.read(body)
    return RpcRequest(
        run=_decode_run(fields),
        name=fields["rpcName"],
        input=decode_value(fields.get("input")),
        attributes=_decode_loaded(fields, data="dataAttributes"),
        signal_sizes=_decode_sizes(fields.get("signalChannelInfos")),
        internal_sizes=_decode_sizes(fields.get("internalChannelInfos")),
    )


def _decode_run(fields: Fields) -> RunContext:
    context = fields["context"]
    run_id = RunId(context["workflowRunId"])
    return RunContext(
        workflow_id=WorkflowId(context["workflowId"]),
        workflow_type=WorkflowType(fields["workflowType"]),
        run_id=run_id,
        first_run_id=run_id,
        started_ms=context["workflowStartedTimestamp"] * 1000,
    )


def _decode_loaded(fields: Fields, *, data: str) -> LoadedAttributes:
    return LoadedAttributes(
        data=decode_data(fields.get(data)),
        search=decode_search(fields.get("searchAttributes")),
        data_loading=_decode_loading(fields.get(data)),
        search_loading=_decode_loading(fields.get("searchAttributes")),
    )


def _decode_loading(items: list[Fields] | None) -> Loading:
    """iWF: an empty list is there only where nothing was asked for."""
    return Loading.NONE if items == [] else Loading.ALL


def _decode_sizes(sizes: dict[str, Fields] | None) -> dict[str, int]:
    return {channel: info.get("size", 0) for channel, info in (sizes or {}).items()}


def _decode_results(fields: Fields) -> tuple[ConditionResult, ...]:
    timers = (
        TimerResult(item.get("commandId", ""), item.get("timerStatus") == "FIRED")
        for item in fields.get("timerResults", ())
    )
    signals = (
        _decode_channel_result(
            item,
            kind=ChannelKind.SIGNAL,
            channel=item["signalChannelName"],
            status=item.get("signalRequestStatus"),
            value="signalValue",
        )
        for item in fields.get("signalResults", ())
    )
    internals = (
        _decode_channel_result(
            item,
            kind=ChannelKind.INTERNAL,
            channel=item["channelName"],
            status=item.get("requestStatus"),
            value="value",
        )
        for item in fields.get("interStateChannelResults", ())
    )
    return (*timers, *signals, *internals)


def _decode_channel_result(
    item: Fields, *, kind: ChannelKind, channel: str, status: str | None, value: str
) -> ChannelResult:
    received = status == "RECEIVED"
    taken = item.get(f"{value}s", [item.get(value)] if received else [])
    return ChannelResult(
        item.get("commandId", ""), channel, kind, received, tuple(decode_value(message) for message in taken)
    )


# What it answers


def encode_answer(answer: Answer) -> Fields:
    """Return the body of a worker's answer. Empty lists are left out."""
    match answer:
        case WaitUntilAnswer():
            return _encode_wait_until_answer(answer)
        case ExecuteAnswer():
            return {
                **_encode_writes(answer.writes, data="upsertDataObjects"),
                "stateDecision": _encode_decision(answer.decision),
            }
        case RpcAnswer():
            return _encode_rpc_answer(answer)
        case _:
            assert_never(answer)


def encode_failure(failure: Failure) -> Fields:
    """Return iWF's error answer, with what only our server understands if there is any of that."""
    # What happened comes first: of a long detail, a server keeps the beginning.
    detail = f"{failure.message}\n{failure.detail}".rstrip()
    fields: Fields = {"detail": detail, "errorType": failure.error_type}
    if not failure.retryable or failure.retry_after_ms is not None:
        fields.update(
            said(retryable=None if failure.retryable else False, retryAfterMs=failure.retry_after_ms),
        )
    return fields


def _encode_wait_until_answer(answer: WaitUntilAnswer) -> Fields:
    fields = _encode_writes(answer.writes, data="upsertDataObjects")
    fields["commandRequest"] = encode_wait(answer.wait)
    if answer.locals:
        fields["upsertStateLocals"] = encode_data(answer.locals)
    return fields


def _encode_rpc_answer(answer: RpcAnswer) -> Fields:
    fields = _with_value(_encode_writes(answer.writes, data="upsertDataAttributes"), "output", answer.output)
    if answer.movements:
        fields["stateDecision"] = _encode_decision(Decision(answer.movements))
    return fields


def _encode_writes(writes: Writes, *, data: str) -> Fields:
    written = {
        data: encode_data(writes.data),
        "upsertSearchAttributes": encode_search(writes.search),
        "publishToInterStateChannel": [_encode_message(message) for message in writes.messages],
        "recordEvents": [
            {"key": event.name} if event.value is None else {"key": event.name, "value": encode_value(event.value)}
            for event in writes.events
        ],
    }
    return {name: items for name, items in written.items() if items}


def _encode_message(message: Message) -> Fields:
    fields: Fields = {"channelName": message.channel}
    if message.value is not None:
        fields["value"] = encode_value(message.value)
    return fields


def encode_wait(wait: Wait) -> Fields:
    """An author's order of conditions is kept within a kind; the wire has a list for each kind."""
    assert wait.mode is not None, "an answer has no problem"
    fields: Fields = {"commandWaitingType": _MODES[wait.mode]}
    for condition in wait.conditions:
        if isinstance(condition, TimerCondition):
            fields.setdefault("timerCommands", []).append(_encode_timer(condition))
        elif condition.kind is ChannelKind.SIGNAL:
            command = _encode_channel(condition, name="signalChannelName")
            fields.setdefault("signalCommands", []).append(command)
        else:
            command = _encode_channel(condition, name="channelName")
            fields.setdefault("interStateChannelCommands", []).append(command)
    if wait.combinations:
        fields["commandCombinations"] = [{"commandIds": list(ids)} for ids in wait.combinations]
    return fields


def _encode_timer(timer: TimerCondition) -> Fields:
    fields: Fields = {"commandId": timer.id}
    if timer.duration_ms is not None:
        fields["durationSeconds"] = _seconds(timer.duration_ms)
    elif timer.at_ms is not None:
        fields["firingUnixTimestampSeconds"] = _seconds(timer.at_ms)
    return fields


def _encode_channel(condition: ChannelCondition, *, name: str) -> Fields:
    fields: Fields = {"commandId": condition.id, name: condition.channel}
    if (condition.at_least, condition.most) != (1, 1):
        fields["atLeast"], fields["atMost"] = condition.at_least, condition.most
    return fields


def _encode_decision(decision: Decision) -> Fields:
    fields: Fields = {"nextStates": [encode_step(step) for step in decision.next]}
    if decision.close_if_empty is not None:
        fields["conditionalClose"] = _encode_conditional_close(decision.close_if_empty)
    return fields


def encode_step(step: Movement | Closing) -> Fields:
    if isinstance(step, Closing):
        return _with_value({"stateId": step.kind.value}, "stateInput", step.output)
    fields = _with_value({"stateId": step.state_id}, "stateInput", step.input)
    if options := encode_state_options(step.options):
        fields["stateOptions"] = options
    if step.wait_for_key is not None:
        fields["waitForKey"] = step.wait_for_key
    return fields


def _encode_conditional_close(close: CloseIfEmpty) -> Fields:
    fields: Fields = {} if close.check is None else {"conditionalCloseType": close.check.value}
    if close.channel:
        fields["channelName"] = close.channel
    return _with_value(fields, "closeInput", close.output)


def _with_value(fields: Fields, name: str, value: EncodedValue | None) -> Fields:
    if value is not None:
        fields[name] = encode_value(value)
    return fields


def _seconds(ms: int) -> int:
    return -(-ms // 1000)
