"""What clients ask, from JSON to the model.

Each ``decode_`` takes a whole body. A field that iWF calls required may be missing: it then reads
as empty, and what that means is said by whoever fulfils the request.

Every ``decode_`` raises ``Malformed`` for a body that cannot be read, ``WorkflowNotFound`` where
the request names no run that could exist, and ``InvalidRequest`` for what can never be fulfilled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.decisions import Movement
from perdure.model.errors import InvalidRequest, WorkflowNotFound
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import StopKind
from perdure.model.requests import ResetKind, ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EMPTY_VALUE, EncodedValue, Message
from perdure.wire import document, protocol
from perdure.wire.extension import heard
from perdure.wire.moment import parse_moment_ns
from perdure.wire.options import decode_config, decode_loading, decode_start_options, decode_state_options
from perdure.wire.shape import Object
from perdure.wire.values import decode_data, decode_messages, decode_search, decode_value

SYSTEM_PREFIX = "__IwfSystem_"
DEFAULT_PAGE_SIZE = 1000
DEFAULT_DUMP_PAGE_BYTES = 1 << 20

_RUN_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Target:
    """The workflow a request names, and the run of it that it may pin."""

    workflow_id: WorkflowId
    run_id: RunId | None


@dataclass(frozen=True, slots=True)
class Signal:
    target: Target
    message: Message


@dataclass(frozen=True, slots=True)
class Publish:
    target: Target
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    target: Target
    kind: StopKind
    reason: str


@dataclass(frozen=True, slots=True)
class GetData:
    target: Target
    keys: tuple[str, ...] | None
    """``None``: all."""


@dataclass(frozen=True, slots=True)
class SetData:
    target: Target
    attributes: tuple[DataAttribute, ...]


@dataclass(frozen=True, slots=True)
class GetSearch:
    target: Target
    keys: tuple[tuple[str, SearchAttributeType], ...] | None
    """``None``: all."""


@dataclass(frozen=True, slots=True)
class SetSearch:
    target: Target
    attributes: tuple[SearchAttribute, ...]


@dataclass(frozen=True, slots=True)
class GetRun:
    target: Target
    needs_results: bool
    wait_ms: int | None
    """``None``: as long as the server allows."""
    detailed: bool = False
    """The client also takes what iWF's answer has no field for."""


@dataclass(frozen=True, slots=True)
class Search:
    query: str
    page_size: int
    page_token: str
    detailed: bool = False
    """As in ``GetRun``."""


@dataclass(frozen=True, slots=True)
class SkipTimer:
    target: Target
    timer: TimerRef


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    target: Target
    config: WorkflowConfig


@dataclass(frozen=True, slots=True)
class WaitForState:
    wait: StateWait
    wait_ms: int | None


@dataclass(frozen=True, slots=True)
class Dump:
    target: Target
    page_bytes: int
    page: int


def decode_start(body: bytes) -> StartRequest:
    fields = _read(body, protocol.START)
    options = fields.get("workflowStartOptions", {})
    first = fields.get("startStateId")
    return StartRequest(
        workflow_id=WorkflowId(fields.get("workflowId", "")),
        workflow_type=WorkflowType(fields.get("iwfWorkflowType", "")),
        first=Movement(
            StateId(first),
            decode_value(fields.get("stateInput")),
            decode_state_options(fields.get("stateOptions")),
        )
        if first
        else None,
        options=decode_start_options(fields),
        data=decode_data(options.get("dataAttributes")),
        search=decode_search(options.get("searchAttributes")),
        worker_url=fields.get("iwfWorkerUrl", ""),
    )


def decode_signal(body: bytes) -> Signal:
    fields = _read(body, protocol.SIGNAL)
    target = target_of(fields)
    channel = fields.get("signalChannelName", "")
    if not channel:
        raise InvalidRequest("SignalName is not set on request.", workflow_id=target.workflow_id)
    if channel.startswith(SYSTEM_PREFIX):
        # iWF takes such a signal for one of its own, and loses it if it is none.
        raise InvalidRequest(
            f"signalChannelName is {channel!r}, expected one that does not begin with {SYSTEM_PREFIX!r}",
            workflow_id=target.workflow_id,
        )
    # iWF: a signal without a value arrives as an empty object, an internal message without one as nothing.
    return Signal(target, Message(channel, decode_value(fields.get("signalValue")) or EMPTY_VALUE))


def decode_publish(body: bytes) -> Publish:
    fields = _read(body, protocol.PUBLISH)
    return Publish(target_of(fields), decode_messages(fields.get("messages")))


def decode_stop(body: bytes) -> Stop:
    fields = _read(body, protocol.STOP)
    return Stop(target_of(fields), StopKind(fields.get("stopType", "CANCEL")), fields.get("reason", ""))


def decode_get_data(body: bytes) -> GetData:
    fields = _read(body, protocol.GET_DATA)
    return GetData(target_of(fields), tuple(fields.get("keys", ())) or None)


def decode_set_data(body: bytes) -> SetData:
    fields = _read(body, protocol.SET_DATA)
    return SetData(target_of(fields), decode_data(fields.get("objects")))


def decode_get_search(body: bytes) -> GetSearch:
    fields = _read(body, protocol.GET_SEARCH)
    target = target_of(fields)
    keys = tuple(_decode_search_key(item, target) for item in fields.get("keys", ()))
    return GetSearch(target, keys or None)


def decode_set_search(body: bytes) -> SetSearch:
    fields = _read(body, protocol.SET_SEARCH)
    return SetSearch(target_of(fields), decode_search(fields.get("searchAttributes")))


def decode_get(body: bytes) -> GetRun:
    fields = _read(body, protocol.GET)
    detailed = heard(fields) is not None
    return GetRun(target_of(fields), fields.get("needsResults", False), _wait_ms(fields), detailed)


def decode_search_runs(body: bytes) -> Search:
    fields = _read(body, protocol.SEARCH)
    page_size = fields.get("pageSize", 0)
    return Search(
        query=fields.get("query", ""),
        page_size=page_size if page_size > 0 else DEFAULT_PAGE_SIZE,
        page_token=fields.get("nextPageToken", ""),
        detailed=heard(fields) is not None,
    )


def decode_reset(body: bytes, *, now_ms: int) -> ResetRequest:
    """Read a reset.

    Args:
        now_ms: what a time such as ``2s`` is counted back from.
    """
    fields = _read(body, protocol.RESET)
    target = target_of(fields)
    kind = _reset_kind(fields, target)
    time_text = fields.get("historyEventTime")
    return ResetRequest(
        workflow_id=target.workflow_id,
        kind=kind,
        run_id=target.run_id,
        event_id=fields.get("historyEventId", 0) if kind is ResetKind.HISTORY_EVENT_ID else None,
        time_ms=_time_ms(time_text, now_ms) if kind is ResetKind.HISTORY_EVENT_TIME else None,
        state_id=StateId(fields["stateId"]) if fields.get("stateId") else None,
        state_execution_id=StateExecutionId(fields["stateExecutionId"]) if fields.get("stateExecutionId") else None,
        reason=fields.get("reason", ""),
        skip_signals=fields.get("skipSignalReapply", False),
        skip_locked_rpcs=fields.get("skipUpdateReapply", False),
    )


def decode_skip_timer(body: bytes) -> SkipTimer:
    fields = _read(body, protocol.SKIP_TIMER)
    target = target_of(fields)
    timer = TimerRef(
        StateExecutionId(fields.get("workflowStateExecutionId", "")),
        timer_id=fields.get("timerCommandId") or None,
        index=fields.get("timerCommandIndex"),
    )
    if timer.timer_id is None and timer.index is None:
        raise InvalidRequest(
            "invalid request - must provide either a timerCommandId or index", workflow_id=target.workflow_id
        )
    return SkipTimer(target, timer)


def decode_update_config(body: bytes) -> UpdateConfig:
    fields = _read(body, protocol.UPDATE_CONFIG)
    return UpdateConfig(target_of(fields), decode_config(fields.get("workflowConfig")))


def decode_trigger_continue_as_new(body: bytes) -> Target:
    return target_of(_read(body, protocol.TRIGGER_CONTINUE_AS_NEW))


def decode_rpc(body: bytes) -> RpcCall:
    fields = _read(body, protocol.RPC)
    target = target_of(fields)
    return RpcCall(
        workflow_id=target.workflow_id,
        name=fields.get("rpcName", ""),
        input=decode_value(fields.get("input")),
        run_id=target.run_id,
        data_loading=decode_loading(fields.get("dataAttributesLoadingPolicy")),
        search_loading=decode_loading(fields.get("searchAttributesLoadingPolicy")),
        timeout_ms=_duration_ms(fields, seconds="timeoutSeconds", milliseconds="timeoutMs"),
    )


def decode_wait_for_state(body: bytes) -> WaitForState:
    """A key wins over a state execution given beside it, and needs the state's id."""
    fields = _read(body, protocol.WAIT_FOR_STATE)
    workflow_id = _workflow_id(fields)
    key, state_id = fields.get("waitForKey"), fields.get("stateId")
    state_execution_id = fields.get("stateExecutionId")
    if key and state_id:
        return WaitForState(StateWait(workflow_id, state_id=StateId(state_id), key=key), _wait_ms(fields))
    if key or not state_execution_id:
        raise InvalidRequest(
            "the request names no state to wait for: expected a stateExecutionId, or a stateId and a waitForKey",
            workflow_id=workflow_id,
        )
    return WaitForState(StateWait(workflow_id, StateExecutionId(state_execution_id)), _wait_ms(fields))


def decode_load_value(body: bytes) -> EncodedValue:
    return decode_value(_read(body, protocol.ENCODED_OBJECT)) or EMPTY_VALUE


def decode_dump(body: bytes) -> Dump:
    fields = _read(body, protocol.DUMP)
    page_bytes = fields.get("pageSizeInBytes", 0)
    return Dump(target_of(fields), page_bytes if page_bytes > 0 else DEFAULT_DUMP_PAGE_BYTES, fields.get("pageNum", 0))


def _read(body: bytes, shape: Object) -> dict[str, Any]:
    return shape.read(document.read(body))


def target_of(fields: dict[str, Any]) -> Target:
    """Return which run a request names.

    Raises:
        WorkflowNotFound: it names none that could exist.
    """
    workflow_id = _workflow_id(fields)
    run_id = fields.get("workflowRunId") or None
    if run_id is not None and not _RUN_ID.fullmatch(run_id):
        raise WorkflowNotFound("Invalid RunId.")
    return Target(workflow_id, RunId(run_id.lower()) if run_id else None)


def _workflow_id(fields: dict[str, Any]) -> WorkflowId:
    if not fields.get("workflowId"):
        raise WorkflowNotFound("WorkflowId is not set on request.")
    return WorkflowId(fields["workflowId"])


def _wait_ms(fields: dict[str, Any]) -> int | None:
    return _duration_ms(fields, seconds="waitTimeSeconds", milliseconds="waitMs")


def _duration_ms(fields: dict[str, Any], *, seconds: str, milliseconds: str) -> int | None:
    """Return a duration in iWF's whole seconds, where 0 stands for none, or in our own milliseconds, which win."""
    exact: int | None = (heard(fields) or {}).get(milliseconds)
    if exact is not None:
        return max(0, exact)
    whole: int = fields.get(seconds, 0)
    return whole * 1000 if whole > 0 else None


def _decode_search_key(item: dict[str, Any], target: Target) -> tuple[str, SearchAttributeType]:
    if not item.get("key"):
        raise InvalidRequest(
            "one of the keys has no key, expected the name of a search attribute", workflow_id=target.workflow_id
        )
    if "valueType" not in item:
        raise InvalidRequest("unsupported search attribute value type ", workflow_id=target.workflow_id)
    return item["key"], SearchAttributeType(item["valueType"])


def _reset_kind(fields: dict[str, Any], target: Target) -> ResetKind:
    if "resetType" not in fields:
        kinds = ", ".join(ResetKind)
        raise InvalidRequest(f"resetType is missing, expected one of {kinds}", workflow_id=target.workflow_id)
    return ResetKind(fields["resetType"])


def _time_ms(text: str | None, now_ms: int) -> int | None:
    """``None``, as without a time, is the beginning."""
    if not text:
        return None
    try:
        return parse_moment_ns(text, now_ms=now_ms) // 1_000_000
    except ValueError as error:
        raise InvalidRequest(str(error)) from None
