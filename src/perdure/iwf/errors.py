"""iWF's exceptions, and which of them an error of ours is.

Exception
├── WorkflowDefinitionError            a workflow, or what a handler does with it, is wrong
├── InvalidArgumentError               an argument names something that is not registered, or cannot be used
├── NotRegisteredError                 a name that no schema declares
├── HttpError                          what was asked cannot be done; ``status``, ``sub_status``, ``error_resp``
│   ├── ClientSideError
│   │   ├── WorkflowStillRunningError        └─ StateStillRunningError
│   │   ├── WorkflowRPCExecutionError
│   │   ├── WorkflowRPCAcquiringLockFailure
│   │   ├── WorkflowAlreadyStartedError
│   │   └── WorkflowNotExistsError
│   └── ServerSideError                the store or the server; trying again is mostly safe
└── WorkflowAbnormalExitError          a result was wanted, and the run ended without one
    ├── WorkflowFailed · WorkflowTimeout · WorkflowTerminated · WorkflowCanceled

Statuses and texts are those of the protocol, in process too.
"""

from __future__ import annotations

from enum import Enum

from perdure.iwf.iwf_api.errors import UnexpectedStatus
from perdure.iwf.iwf_api.models.choices import ErrorSubStatus, WorkflowStatus
from perdure.iwf.iwf_api.models.responses import ErrorResponse, StateCompletionOutput, WorkflowGetResponse
from perdure.iwf.iwf_api.types import given
from perdure.model.errors import PerdureError, RpcFailed
from perdure.wire.errors import ErrorAnswer, encode_error


class WorkflowDefinitionError(Exception):
    """A workflow is wrong, or a handler does with it what its schemas do not allow."""


class InvalidArgumentError(Exception):
    """An argument names something that is not registered, or cannot be used."""


class NotRegisteredError(Exception):
    """No schema of the workflow declares this name."""


class HttpError(RuntimeError):
    """What was asked cannot be done."""

    def __init__(self, status: int, err_resp: ErrorResponse) -> None:
        super().__init__(given(err_resp.detail) or "")
        self.status = status
        self.sub_status = err_resp.sub_status
        self.error_resp = err_resp


class ClientSideError(HttpError):
    """The caller's: this request cannot be fulfilled as it is."""


class ServerSideError(HttpError):
    """The store cannot be written, or a server cannot be reached or has made a mistake."""


class WorkflowStillRunningError(ClientSideError):
    """It has not ended yet. Nothing is lost by waiting again."""


class StateStillRunningError(WorkflowStillRunningError, UnexpectedStatus):
    """The state has not completed yet. iWF raises its second base."""


class WorkflowRPCExecutionError(ClientSideError):
    """The RPC's method failed; ``error_resp`` has the three ``original_worker_error_…`` fields."""


class WorkflowRPCAcquiringLockFailure(ClientSideError):
    """Another call holds what the RPC would lock; its method did not run."""


class WorkflowAlreadyStartedError(ClientSideError):
    """The workflow id is taken."""


class WorkflowNotExistsError(ClientSideError):
    """There is no such workflow, or its run has ended and takes no more of this."""


class WorkflowAbnormalExitError(RuntimeError):
    """A result was wanted, and the run ended without one."""

    def __init__(self, get_response: WorkflowGetResponse) -> None:
        super().__init__(str(get_response))
        self.run_id = get_response.workflow_run_id
        self.workflow_status = get_response.workflow_status
        self.error_type = get_response.error_type
        self.error_message = get_response.error_message
        self._state_results: list[StateCompletionOutput] = given(get_response.results) or []


class WorkflowFailed(WorkflowAbnormalExitError):
    """It failed: by its own decision, a client's, or because a call could not succeed."""


class WorkflowTimeout(WorkflowAbnormalExitError):
    """It did not end within its timeout."""


class WorkflowTerminated(WorkflowAbnormalExitError):
    """It was terminated, or replaced by a new one."""


class WorkflowCanceled(WorkflowAbnormalExitError):
    """It was canceled."""


class Asked(Enum):
    """What a caller wanted, where one status means different errors."""

    RESULT = "result"
    STATE = "state"
    RPC = "rpc"
    OTHER = "other"


_STILL_RUNNING = {
    Asked.RESULT: WorkflowStillRunningError,
    Asked.RPC: WorkflowRPCExecutionError,
    Asked.OTHER: WorkflowStillRunningError,
}
_BY_SUB_STATUS = {
    ErrorSubStatus.WORKFLOW_ALREADY_STARTED_SUB_STATUS: WorkflowAlreadyStartedError,
    ErrorSubStatus.WORKFLOW_NOT_EXISTS_SUB_STATUS: WorkflowNotExistsError,
}
_BY_WORKFLOW_STATUS = {
    WorkflowStatus.FAILED: WorkflowFailed,
    WorkflowStatus.TIMEOUT: WorkflowTimeout,
    WorkflowStatus.TERMINATED: WorkflowTerminated,
    WorkflowStatus.CANCELED: WorkflowCanceled,
}


def http_error(error: PerdureError, *, asked: Asked = Asked.OTHER) -> HttpError:
    """Return what iWF's client raises where ours raises *error*."""
    answer = encode_error(error)
    response = _error_response(error, answer)
    if answer.status == 420 and asked is Asked.STATE:
        still = StateStillRunningError(answer.status, response)
        still.status_code, still.content = answer.status, str(error).encode()
        return still
    if answer.status == 420:
        return _STILL_RUNNING[asked](answer.status, response)
    if answer.status == 450:
        return WorkflowRPCAcquiringLockFailure(answer.status, response)
    return process_http_error(answer.status, response)


def process_http_error(status: int, err_resp: ErrorResponse) -> HttpError:
    """Return the error an answer of the protocol stands for."""
    if not 400 <= status < 500:
        return ServerSideError(status, err_resp)
    sub_status = given(err_resp.sub_status)
    kind = ClientSideError if sub_status is None else _BY_SUB_STATUS.get(sub_status, ClientSideError)
    return kind(status, err_resp)


def process_workflow_abnormal_exit_error(get_response: WorkflowGetResponse) -> WorkflowAbnormalExitError:
    """Return the error that says how a run ended that did not complete."""
    kind = _BY_WORKFLOW_STATUS.get(get_response.workflow_status, WorkflowAbnormalExitError)
    return kind(get_response)


def _error_response(error: PerdureError, answer: ErrorAnswer) -> ErrorResponse:
    response = ErrorResponse(answer.detail, ErrorSubStatus(answer.sub_status))
    if isinstance(error, RpcFailed):
        response.original_worker_error_detail = error.detail
        response.original_worker_error_type = error.error_type
        response.original_worker_error_status = error.status
    return response
