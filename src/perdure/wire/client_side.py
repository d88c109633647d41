"""The client's side of the protocol: what it asks, from the model to JSON, and what it is told, back.

The mirror of ``requests``, ``responses`` and ``errors``, which are the server's side of the same calls.
The wire counts whole seconds: what a request says in milliseconds is rounded up, but for waits and for
the time of an RPC, which go beside it exactly, for a server of ours.

Every ``decode_`` raises ``Malformed`` for a body that is not its call's answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from perdure.model.attributes import LOAD_ALL, DataAttribute, SearchAttribute, SearchAttributeType
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
from perdure.model.options import StartOptions, StateOptions, WorkflowConfig
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
from perdure.model.requests import ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EMPTY_VALUE, EncodedValue, Message
from perdure.wire import document, errors, protocol
from perdure.wire.document import Malformed
from perdure.wire.extension import heard, said
from perdure.wire.options import encode_loading, encode_retry, encode_state_options
from perdure.wire.values import decode_data, decode_search, decode_value, encode_data, encode_search, encode_value

Fields = dict[str, Any]

ENDED_ALREADY = ("workflow execution already completed", "workflow update was aborted by closing workflow")
"""What tells a run that has ended from one that never was: both are "not exists" to iWF."""

_RUN_ID = re.compile(r"RunId: ([0-9a-fA-F-]{36})")
_GOES_ON = "CONTINUED_AS_NEW"

# What it asks


def encode_start(request: StartRequest, *, worker_url: str) -> Fields:
    options = request.options
    fields: Fields = {
        "workflowId": request.workflow_id,
        "iwfWorkflowType": request.workflow_type,
        "workflowTimeoutSeconds": _seconds(options.timeout_ms),
        "iwfWorkerUrl": worker_url,
        "workflowStartOptions": _encode_start_options(request),
    }
    if request.first is not None:
        fields["startStateId"] = request.first.state_id
        if request.first.input is not None:
            fields["stateInput"] = encode_value(request.first.input)
        if request.first.options != StateOptions():
            fields["stateOptions"] = encode_state_options(request.first.options)
    if options.wait_for_states:
        fields["waitForCompletionStateIds"] = sorted(options.wait_for_states)
    if options.wait_for_state_executions:
        fields["waitForCompletionStateExecutionIds"] = sorted(options.wait_for_state_executions)
    return fields


def _encode_start_options(request: StartRequest) -> Fields:
    options = request.options
    fields: Fields = {
        "idReusePolicy": options.id_reuse.value,
        "workflowStartDelaySeconds": _seconds(options.delay_ms),
        "cronSchedule": options.cron,
        "retryPolicy": None if options.retry is None else encode_retry(options.retry),
        "dataAttributes": encode_data(request.data),
        "searchAttributes": encode_search(request.search),
        "workflowConfigOverride": encode_config(options.config),
        "workflowAlreadyStartedOptions": _encode_already_started(options),
        "useMemoForDataAttributes": options.use_memo,
    }
    return {name: value for name, value in fields.items() if value}


def _encode_already_started(options: StartOptions) -> Fields:
    fields: Fields = {"ignoreAlreadyStartedError": True} if options.ignore_already_started else {}
    if options.request_id is not None:
        fields["requestId"] = options.request_id
    return fields if not fields or options.ignore_already_started else {"ignoreAlreadyStartedError": False, **fields}


def encode_config(config: WorkflowConfig) -> Fields:
    fields: Fields = {
        "executingStateIdMode": None if config.executing_states is None else config.executing_states.value,
        "continueAsNewThreshold": config.continue_as_new_threshold,
        "continueAsNewPageSizeInBytes": config.continue_as_new_page_bytes,
        "optimizeActivity": config.optimize_activity,
        "optimizeTimer": config.optimize_timer,
        "disableSystemSearchAttribute": config.disable_system_search_attribute,
    }
    return {name: value for name, value in fields.items() if value is not None}


def encode_target(workflow_id: WorkflowId, run_id: RunId | None) -> Fields:
    """Return the fields that name a run, which every other request but two begins with."""
    return {"workflowId": workflow_id} if run_id is None else {"workflowId": workflow_id, "workflowRunId": run_id}


def encode_signal(message: Message) -> Fields:
    return {"signalChannelName": message.channel, "signalValue": encode_value(message.value or EMPTY_VALUE)}


def encode_publish(messages: Iterable[Message]) -> Fields:
    return {"messages": [_encode_message(message) for message in messages]}


def _encode_message(message: Message) -> Fields:
    fields: Fields = {"channelName": message.channel}
    if message.value is not None:
        fields["value"] = encode_value(message.value)
    return fields


def encode_set_data(attributes: Iterable[DataAttribute]) -> Fields:
    return {"objects": encode_data(attributes)}


def encode_set_search(attributes: Iterable[SearchAttribute]) -> Fields:
    return {"searchAttributes": encode_search(attributes)}


def encode_get_data(keys: Sequence[str] | None) -> Fields:
    """An empty list of keys stands for all of them on the wire."""
    return {} if keys is None else {"keys": list(keys)}


def encode_get_search(keys: Sequence[tuple[str, SearchAttributeType]] | None) -> Fields:
    """As ``encode_get_data``; but a server of iWF's finds nothing unless it is told the keys."""
    return {} if keys is None else {"keys": [{"key": key, "valueType": kind.value} for key, kind in keys]}


def encode_rpc(call: RpcCall) -> Fields:
    fields: Fields = {"rpcName": call.name}
    if call.input is not None:
        fields["input"] = encode_value(call.input)
    if call.data_loading != LOAD_ALL:
        fields["dataAttributesLoadingPolicy"] = encode_loading(call.data_loading)
    if call.search_loading != LOAD_ALL:
        fields["searchAttributesLoadingPolicy"] = encode_loading(call.search_loading)
    if call.timeout_ms is not None:
        fields.update({"timeoutSeconds": _seconds(call.timeout_ms), **said(timeoutMs=call.timeout_ms)})
    return fields


def encode_describe(*, needs_results: bool = False) -> Fields:
    return {"needsResults": needs_results, **said()}


def encode_wait(wait_ms: int) -> Fields:
    """Return what limits a wait. iWF's least is a second: 0 means as long as the server likes."""
    return {"waitTimeSeconds": max(1, _seconds(wait_ms)), **said(waitMs=wait_ms)}


def encode_state_wait(wait: StateWait) -> Fields:
    fields: Fields = {
        "workflowId": wait.workflow_id,
        "stateExecutionId": wait.state_execution_id,
        "stateId": wait.state_id,
        "waitForKey": wait.key,
    }
    return {name: value for name, value in fields.items() if value is not None}


def encode_skip_timer(timer: TimerRef) -> Fields:
    fields: Fields = {"workflowStateExecutionId": timer.state_execution_id}
    if timer.timer_id is not None:
        fields["timerCommandId"] = timer.timer_id
    if timer.index is not None:
        fields["timerCommandIndex"] = timer.index
    return fields


def encode_stop(kind: StopKind, reason: str) -> Fields:
    return {"stopType": kind.value, "reason": reason}


def encode_reset(request: ResetRequest) -> Fields:
    fields: Fields = {
        "resetType": request.kind.value,
        "historyEventId": request.event_id,
        "historyEventTime": None if request.time_ms is None else str(request.time_ms * 1_000_000),
        "stateId": request.state_id,
        "stateExecutionId": request.state_execution_id,
    }
    return {
        **{name: value for name, value in fields.items() if value is not None},
        "reason": request.reason,
        "skipSignalReapply": request.skip_signals,
        "skipUpdateReapply": request.skip_locked_rpcs,
    }


def encode_update_config(config: WorkflowConfig) -> Fields:
    return {"workflowConfig": encode_config(config)}


def encode_search_runs(query: str, *, page_size: int, page_token: str) -> Fields:
    return {"query": query, "pageSize": page_size, "nextPageToken": page_token, **said()}


# What it is told


def decode_run_id(body: bytes) -> RunId:
    """The answer to a start and to a reset."""
    return RunId(protocol.STARTED.read(document.read(body))["workflowRunId"])


def decode_data_attributes(body: bytes) -> tuple[DataAttribute, ...]:
    return decode_data(protocol.DATA_FOUND.read(document.read(body)).get("objects"))


def decode_search_attributes(body: bytes) -> tuple[SearchAttribute, ...]:
    return decode_search(protocol.SEARCH_FOUND.read(document.read(body)).get("searchAttributes"))


def decode_rpc_output(body: bytes) -> EncodedValue | None:
    return decode_value(protocol.RPC_RETURNED.read(document.read(body)).get("output"))


def decode_state_completion(body: bytes) -> EncodedValue | None:
    completion = protocol.STATE_COMPLETED.read(document.read(body)).get("stateCompletionOutput", {})
    return decode_value(completion.get("completedStateOutput"))


def decode_run(body: bytes, workflow_id: WorkflowId) -> RunInfo:
    """Return what is told of a run.

    A server that is not ours tells neither the type nor when it began and ended: they are empty and 0
    then. ``outcome`` is absent where a closed run's was not told.
    """
    fields = protocol.RUN.read(document.read(body))
    details = heard(fields)
    if details is not None:
        status = RunStatus(details["workflowStatus"])
        return RunInfo(
            workflow_id,
            RunId(details["workflowRunId"]),
            WorkflowType(details["workflowType"]),
            status,
            details["startedMs"],
            details.get("closedMs"),
            _decode_outcome(details, status) if status.closed else None,
        )
    status = _decode_status(fields["workflowStatus"])
    is_told = status.closed and any(name in fields for name in ("results", "errorType", "errorMessage"))
    outcome = _decode_outcome(fields, status) if is_told else None
    return RunInfo(workflow_id, RunId(fields["workflowRunId"]), WorkflowType(""), status, 0, None, outcome)


def decode_result(body: bytes, workflow_id: WorkflowId) -> RunInfo:
    """Return how a run ended, as ``decode_run``; its outcome is always there."""
    info = decode_run(body, workflow_id)
    if info.outcome is not None or not info.status.closed:
        return info
    # iWF: no list of results is what a completed run without any has.
    outcome = Outcome(info.status, results=() if info.status is RunStatus.COMPLETED else None)
    return RunInfo(info.workflow_id, info.run_id, info.workflow_type, info.status, info.started_ms, None, outcome)


def decode_search_page(body: bytes) -> SearchPage:
    """A server that is not ours tells the ids only: the status reads as running, the rest is empty."""
    fields = protocol.RUNS_FOUND.read(document.read(body))
    runs = tuple(_decode_hit(hit) for hit in fields.get("workflowExecutions", ()))
    return SearchPage(runs, fields.get("nextPageToken", ""))


def _decode_hit(hit: Fields) -> RunSummary:
    details = heard(hit) or {}
    return RunSummary(
        WorkflowId(hit["workflowId"]),
        RunId(hit["workflowRunId"]),
        WorkflowType(details.get("workflowType", "")),
        _decode_status(details.get("workflowStatus", RunStatus.RUNNING.value)),
        details.get("startedMs", 0),
        details.get("closedMs"),
    )


def _decode_status(status: str) -> RunStatus:
    """To a caller, a run that goes on under another run id has not ended."""
    if not status:
        raise Malformed("names no workflowStatus")
    return RunStatus.RUNNING if status == _GOES_ON else RunStatus(status)


def _decode_outcome(fields: Fields, status: RunStatus) -> Outcome:
    results, error_type = fields.get("results"), fields.get("errorType")
    return Outcome(
        status,
        None if results is None else tuple(_decode_state_output(item) for item in results),
        None if error_type is None else RunErrorType(error_type),
        fields.get("errorMessage"),
    )


def _decode_state_output(item: Fields) -> StateOutput:
    output = decode_value(item.get("completedStateOutput"))
    return StateOutput(
        StateId(item["completedStateId"]),
        StateExecutionId(item["completedStateExecutionId"]),
        EMPTY_VALUE if output is None else output,
    )


def decode_error(status: int, body: bytes, *, workflow_id: str = "", run_id: str = "") -> PerdureError:
    """Return the error that an answer other than 200 stands for; the names are those of the request."""
    try:
        fields = protocol.REFUSED.read(document.read(body))
    except Malformed:
        fields = {}
    detail: str = fields.get("detail", "")
    if status == errors.LONG_POLL_STATUS and fields.get("subStatus") == errors.WORKER_API_ERROR:
        return RpcFailed(
            detail,
            status=fields.get("originalWorkerErrorStatus", 0),
            error_type=fields.get("originalWorkerErrorType", ""),
            detail=fields.get("originalWorkerErrorDetail", ""),
        )
    names = {"workflow_id": workflow_id, "run_id": run_id}
    match status:
        case errors.LONG_POLL_STATUS:
            return WaitTimedOut(detail, **names)
        case errors.LOCKED_STATUS:
            return LockConflict(detail, **names)
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return InternalError(f"the server answered 500: {detail or _shown(body)}")
    if 400 <= status < 500 and detail:
        return _refusal(detail, fields.get("subStatus", errors.UNCATEGORIZED), names)
    if detail:
        return UnavailableError(detail)
    return UnavailableError(f"found the answer {status} {_shown(body)!r}, expected one of a Perdure or iWF server")


def _refusal(detail: str, sub_status: str, names: dict[str, str]) -> PerdureError:
    if sub_status == errors.ALREADY_STARTED:
        taken = _RUN_ID.findall(detail)
        return WorkflowAlreadyStarted(
            detail, workflow_id=names["workflow_id"], run_id=taken[-1].lower() if taken else ""
        )
    if sub_status == errors.NOT_EXISTS:
        ended = any(text in detail for text in ENDED_ALREADY)
        return WorkflowClosed(detail, **names) if ended else WorkflowNotFound(detail, **names)
    if detail == errors.NO_SUCH_TIMER:
        return TimerNotFound(detail, **names)
    return InvalidRequest(detail, **names)


def _shown(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace")


def _seconds(ms: int) -> int:
    """Away from zero: a duration that is impossible must not become none."""
    return -(-ms // 1000) if ms >= 0 else ms // 1000
