"""What a worker answers over HTTP, from JSON to the model, and why it is refused if it is.

The texts of refused answers are iWF's: they end up as the error message of the run, and people and
programs look for them there.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    Failure,
    RpcAnswer,
    RpcRequest,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
    Writes,
)
from perdure.model.conditions import ChannelCondition, ChannelKind, Condition, TimerCondition, Wait, WaitMode
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import StateId
from perdure.wire import document, paths, protocol
from perdure.wire.document import Malformed
from perdure.wire.extension import heard
from perdure.wire.options import decode_state_options
from perdure.wire.values import decode_data, decode_events, decode_messages, decode_search, decode_value

Fields = dict[str, Any]

BODY_BYTES_MAX = 500
REASON_BYTES_MAX = 50
_MS_MAX = 1 << 61  # tens of millions of years; with the present added it still fits where deadlines are stored
_AS_MANY_AS_THERE_ARE = (1 << 31) - 1
RPC_CANNOT_CLOSE = "closing workflow in RPC is not supported yet"

_MODES = {
    "ALL_COMPLETED": WaitMode.ALL,
    "ANY_COMPLETED": WaitMode.ANY,
    "ANY_COMBINATION_COMPLETED": WaitMode.COMBINATION,
    "ALL_COMMAND_COMPLETED": WaitMode.ALL,
    "ANY_COMMAND_COMPLETED": WaitMode.ANY,
    "ANY_COMMAND_COMBINATION_COMPLETED": WaitMode.COMBINATION,
}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_CLOSINGS = frozenset(kind.value for kind in ClosingKind)


@dataclass(frozen=True, slots=True)
class WorkerReply:
    """What came back from a worker."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    reason: str = ""
    """The words after the status, as the worker wrote them; empty: the usual ones."""


def read_reply(request: StateRequest | RpcRequest, reply: WorkerReply) -> Answer | Failure:
    """Return the answer to *request*, or why the reply is none."""
    if isinstance(request, RpcRequest):
        return _read_rpc_reply(reply)
    return _read_state_reply(request.call.method, reply)


def no_reply(request: StateRequest | RpcRequest, reason: str) -> Failure:
    """Return the failure of an attempt that reached no worker or lost it.

    Args:
        reason: what the network said, such as ``connection refused``.
    """
    text = f'Post "{paths.worker_url(request)}": {reason}'
    return Failure(text if isinstance(request, RpcRequest) else _state_text(0, "None", text))


def no_reply_in_time(request: StateRequest | RpcRequest, *, timeout_ms: int) -> Failure:
    """Return the failure of an attempt that took too long."""
    if isinstance(request, RpcRequest):
        return Failure(f'Post "{paths.worker_url(request)}": context deadline exceeded', timed_out=True)
    api = "StateApiWaitUntil" if request.call.method is StateMethod.WAIT_UNTIL else "StateApiExecute"
    # Clients look for the word StartToClose.
    return Failure(f"{api}: no answer within {timeout_ms} ms (StartToClose timeout)", timed_out=True)


def decode_wait_until_answer(fields: Fields) -> WaitUntilAnswer:
    return WaitUntilAnswer(
        wait=_decode_wait(fields.get("commandRequest", {})),
        writes=_decode_writes(fields, data="upsertDataObjects"),
        locals=decode_data(fields.get("upsertStateLocals")),
    )


def decode_execute_answer(fields: Fields) -> ExecuteAnswer:
    """State locals are ignored here, as in iWF: nothing would ever read them."""
    return ExecuteAnswer(
        decision=_decode_decision(fields.get("stateDecision", {})),
        writes=_decode_writes(fields, data="upsertDataObjects"),
    )


def decode_rpc_answer(fields: Fields) -> RpcAnswer | Failure:
    """State locals are ignored here, as in iWF: an RPC has none."""
    decision = _decode_decision(fields.get("stateDecision", {}))
    if decision.close_if_empty is not None or any(isinstance(step, Closing) for step in decision.next):
        return Failure(RPC_CANNOT_CLOSE)
    if decision.next and (problem := decision.problem()):
        return Failure(problem)
    return RpcAnswer(
        output=decode_value(fields.get("output")),
        writes=_decode_writes(fields, data="upsertDataAttributes"),
        movements=tuple(step for step in decision.next if isinstance(step, Movement)),
    )


def _read_state_reply(method: StateMethod, reply: WorkerReply) -> Answer | Failure:
    if reply.status != HTTPStatus.OK:
        return _refused_by_worker(reply)
    shape = protocol.WAIT_UNTIL_ANSWER if method is StateMethod.WAIT_UNTIL else protocol.EXECUTE_ANSWER
    try:
        if not reply.body and method is StateMethod.EXECUTE:
            raise Malformed("the body is empty, expected an object")
        fields: Fields = shape.read(_json_of(reply))
    except Malformed as error:
        # iWF names an unknown choice without its place; the rest of its decoder's words are Go's own.
        reason = error.problem if error.complete else str(error)
        return Failure(_state_text(reply.status, _body_text(reply), reason), status=reply.status)
    if method is StateMethod.WAIT_UNTIL:
        waits = decode_wait_until_answer(fields)
        return _refused(waits.wait.problem(), fields) or waits
    executed = decode_execute_answer(fields)
    return _refused(executed.decision.problem(), fields) or executed


def _refused(problem: str | None, fields: Fields) -> Failure | None:
    if problem is None:
        return None
    return Failure(f"err msg: {problem}, response: {document.write_sorted(fields)}", status=int(HTTPStatus.OK))


def _refused_by_worker(reply: WorkerReply) -> Failure:
    told = _worker_error(reply) or {}
    reason = _status_line(reply)
    if reply.status == HTTPStatus.BAD_REQUEST and told.get("detail"):
        reason = f"{reason} ({told['detail']})"
    wishes = heard(told) or {}
    retry_after_ms: int | None = wishes.get("retryAfterMs")
    return Failure(
        _state_text(reply.status, _body_text(reply), reason),
        error_type=told.get("errorType", ""),
        detail=told.get("detail", ""),
        status=reply.status,
        retryable=wishes.get("retryable", True),
        retry_after_ms=None if retry_after_ms is None else max(0, retry_after_ms),
    )


def _read_rpc_reply(reply: WorkerReply) -> RpcAnswer | Failure:
    if reply.status == HTTPStatus.OK:
        try:
            return decode_rpc_answer(protocol.RPC_ANSWER.read(_json_of(reply)))
        except Malformed:
            pass  # told below, as iWF does, in the same words as an error answer
    told = _worker_error(reply)
    if told is None:
        return Failure(
            f"unable to decode worker response body to WorkerErrorResponse: body{_body_text(reply)}",
            status=reply.status,
        )
    error_type = told.get("errorType", "")
    return Failure(
        f"worker API error, status:{reply.status}, errorType:{error_type}",
        error_type=error_type,
        detail=told.get("detail", ""),
        status=reply.status,
    )


def _worker_error(reply: WorkerReply) -> Fields | None:
    try:
        return protocol.WORKER_ERROR.read(document.read(reply.body))
    except Malformed:
        return None


def _json_of(reply: WorkerReply) -> Any:
    """An empty body stands for an empty object; one that does not say it is JSON is not read."""
    if not reply.body:
        return None
    if "json" not in reply.content_type.lower():
        raise Malformed("undefined response type", complete=True)
    return document.read(reply.body)


def _decode_wait(fields: Fields) -> Wait:
    """Timers come first, then signals, then internal channels: their order is that of the results."""
    mode = fields.get("commandWaitingType") or fields.get("deciderTriggerType")
    conditions: tuple[Condition, ...] = (
        *(_decode_timer(command) for command in fields.get("timerCommands", ())),
        *(
            _decode_channel(command, channel=command["signalChannelName"], kind=ChannelKind.SIGNAL)
            for command in fields.get("signalCommands", ())
        ),
        *(
            _decode_channel(command, channel=command["channelName"], kind=ChannelKind.INTERNAL)
            for command in fields.get("interStateChannelCommands", ())
        ),
    )
    if not conditions:
        return Wait()
    return Wait(
        conditions=conditions,
        mode=None if mode is None else _MODES[mode],
        combinations=tuple(tuple(item.get("commandIds", ())) for item in fields.get("commandCombinations", ())),
    )


def _decode_timer(command: Fields) -> TimerCondition:
    return TimerCondition(
        id=command.get("commandId", ""),
        duration_ms=_milliseconds(command.get("durationSeconds")),
        at_ms=_milliseconds(command.get("firingUnixTimestampSeconds")),
        whole_seconds=True,
    )


def _milliseconds(seconds: int | None) -> int | None:
    return None if seconds is None else max(-_MS_MAX, min(seconds * 1000, _MS_MAX))


def _decode_channel(command: Fields, *, channel: str, kind: ChannelKind) -> ChannelCondition:
    """Without ``atLeast`` and ``atMost`` a command takes one message; with ``atLeast`` alone, all there are."""
    at_most = _AS_MANY_AS_THERE_ARE if "atLeast" in command else None
    return ChannelCondition(
        channel=channel,
        kind=kind,
        id=command.get("commandId", ""),
        at_least=command.get("atLeast", 1),
        at_most=command.get("atMost", at_most),
    )


def _decode_decision(fields: Fields) -> Decision:
    close = fields.get("conditionalClose")
    return Decision(
        next=tuple(_decode_step(movement) for movement in fields.get("nextStates", ())),
        close_if_empty=None if close is None else _decode_conditional_close(close),
    )


def _decode_step(fields: Fields) -> Movement | Closing:
    state_id, value = fields["stateId"], decode_value(fields.get("stateInput"))
    if state_id in _CLOSINGS:
        return Closing(ClosingKind(state_id), value)
    return Movement(
        StateId(state_id),
        value,
        decode_state_options(fields.get("stateOptions")),
        wait_for_key=fields.get("waitForKey") or None,
    )


def _decode_conditional_close(fields: Fields) -> CloseIfEmpty:
    check = fields.get("conditionalCloseType")
    return CloseIfEmpty(
        check=None if check is None else EmptyCheck(check),
        channel=fields.get("channelName", ""),
        output=decode_value(fields.get("closeInput")),
    )


def _decode_writes(fields: Fields, *, data: str) -> Writes:
    return Writes(
        data=decode_data(fields.get(data)),
        search=decode_search(fields.get("upsertSearchAttributes")),
        messages=decode_messages(fields.get("publishToInterStateChannel")),
        events=decode_events(fields.get("recordEvents")),
    )


def _state_text(status: int, body: str, reason: str) -> str:
    return (
        f"statusCode: {status}, responseBody: {_cut(body, bytes_max=BODY_BYTES_MAX)}, "
        f"errMsg: {_cut(reason, bytes_max=REASON_BYTES_MAX)}"
    )


def _cut(text: str, *, bytes_max: int) -> str:
    """Return as many whole characters of *text* as fit, and say so with dots if they are not all."""
    encoded = text.encode()
    return text if len(encoded) <= bytes_max else encoded[:bytes_max].decode(errors="ignore") + "..."


def _body_text(reply: WorkerReply) -> str:
    return reply.body.decode("utf-8", "replace")


def _status_line(reply: WorkerReply) -> str:
    return f"{reply.status} {reply.reason or _PHRASES.get(reply.status, '')}".rstrip()
