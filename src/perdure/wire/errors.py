"""What a failed call is answered: HTTP status and iWF's error object, by the error raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from perdure.model.errors import (
    LockConflict,
    PerdureError,
    RequestError,
    RpcFailed,
    TimerNotFound,
    UnavailableError,
    WaitTimedOut,
    WorkflowAlreadyStarted,
    WorkflowClosed,
    WorkflowNotFound,
)
from perdure.wire.document import Malformed

UNCATEGORIZED = "UNCATEGORIZED_SUB_STATUS"
ALREADY_STARTED = "WORKFLOW_ALREADY_STARTED_SUB_STATUS"
NOT_EXISTS = "WORKFLOW_NOT_EXISTS_SUB_STATUS"
WORKER_API_ERROR = "WORKER_API_ERROR"
LONG_POLL_TIMED_OUT = "LONG_POLL_TIME_OUT_SUB_STATUS"

LONG_POLL_STATUS: Final = 420
LOCKED_STATUS: Final = 450

RUN_STILL_OPEN = "workflow is still running, waiting has exceeded timeout limit, please retry"
STATE_STILL_OPEN = "waiting has exceeded timeout limit, please retry"
LOCKED = "requested data or search attributes are being locked by other operations"
NO_SUCH_TIMER = "invalid request - requested timer command doesn't exist"


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    status: int
    fields: dict[str, Any]

    @property
    def detail(self) -> str:
        detail: str = self.fields["detail"]
        return detail

    @property
    def sub_status(self) -> str:
        """What kind of error it is; uncategorized where the body is not read at all."""
        kind: str = self.fields.get("subStatus", UNCATEGORIZED)
        return kind


def encode_error(error: PerdureError | Malformed) -> ErrorAnswer:
    """Return what a client is told. Details are the reference's own words where it has any."""
    match error:
        case Malformed():
            return ErrorAnswer(400, {"detail": f"invalid request schema: {error}"})
        case WorkflowNotFound():
            return _answer(400, NOT_EXISTS, _not_found(error))
        case WorkflowClosed():
            return _answer(400, NOT_EXISTS, str(error))
        case WorkflowAlreadyStarted():
            return _answer(400, ALREADY_STARTED, str(error))
        case LockConflict():
            return _answer(LOCKED_STATUS, WORKER_API_ERROR, LOCKED)
        case TimerNotFound():
            return _answer(400, UNCATEGORIZED, NO_SUCH_TIMER)
        case WaitTimedOut():
            return _answer(LONG_POLL_STATUS, LONG_POLL_TIMED_OUT, str(error))
        case RpcFailed():
            return _rpc_failed(error)
        case RequestError():
            return _answer(400, UNCATEGORIZED, str(error))
        case UnavailableError():
            return _answer(503, UNCATEGORIZED, str(error))
        case _:
            return _answer(500, UNCATEGORIZED, str(error))


def _answer(status: int, sub_status: str, detail: str) -> ErrorAnswer:
    return ErrorAnswer(status, {"detail": detail, "subStatus": sub_status})


def _not_found(error: WorkflowNotFound) -> str:
    if not error.workflow_id:
        return str(error)
    if error.run_id:
        return f'workflow execution not found for workflow ID "{error.workflow_id}" and run ID "{error.run_id}"'
    return f"workflow not found for ID: {error.workflow_id}"


def _rpc_failed(error: RpcFailed) -> ErrorAnswer:
    answer = _answer(LONG_POLL_STATUS, WORKER_API_ERROR, str(error))
    # iWF: all three are there, also when the worker said nothing.
    answer.fields.update(
        originalWorkerErrorStatus=error.status,
        originalWorkerErrorType=error.error_type,
        originalWorkerErrorDetail=error.detail,
    )
    return answer
