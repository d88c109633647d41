import pytest

from perdure.iwf.errors import (
    Asked,
    ClientSideError,
    HttpError,
    ServerSideError,
    StateStillRunningError,
    WorkflowAbnormalExitError,
    WorkflowAlreadyStartedError,
    WorkflowFailed,
    WorkflowNotExistsError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowRPCExecutionError,
    WorkflowStillRunningError,
    http_error,
    process_http_error,
    process_workflow_abnormal_exit_error,
)
from perdure.iwf.iwf_api.models import (
    ErrorResponse,
    ErrorSubStatus,
    StateCompletionOutput,
    WorkflowErrorType,
    WorkflowGetResponse,
    WorkflowStatus,
)
from perdure.model import errors as model


@pytest.mark.parametrize(
    ("error", "asked", "kind", "status"),
    [
        (model.WorkflowAlreadyStarted("taken"), Asked.OTHER, WorkflowAlreadyStartedError, 400),
        (model.WorkflowNotFound("none"), Asked.RPC, WorkflowNotExistsError, 400),
        (model.WorkflowClosed("over"), Asked.OTHER, WorkflowNotExistsError, 400),
        (model.InvalidRequest("wrong"), Asked.OTHER, ClientSideError, 400),
        (model.TimerNotFound("none"), Asked.OTHER, ClientSideError, 400),
        (model.WaitTimedOut("later"), Asked.RESULT, WorkflowStillRunningError, 420),
        (model.WaitTimedOut("later"), Asked.STATE, StateStillRunningError, 420),
        (model.RpcFailed("raised"), Asked.RPC, WorkflowRPCExecutionError, 420),
        (model.LockConflict("held"), Asked.RPC, WorkflowRPCAcquiringLockFailure, 450),
        (model.UnavailableError("away"), Asked.OTHER, ServerSideError, 503),
        (model.InternalError("ours"), Asked.RPC, ServerSideError, 500),
    ],
)
def test_our_errors_are_what_a_server_would_have_answered(
    error: model.PerdureError, asked: Asked, kind: type[HttpError], status: int
) -> None:
    made = http_error(error, asked=asked)

    assert type(made) is kind
    assert made.status == status


def test_an_rpcs_failure_says_what_its_worker_said() -> None:
    made = http_error(model.RpcFailed("raised", status=500, error_type="ValueError", detail="why"), asked=Asked.RPC)

    assert made.sub_status is ErrorSubStatus.WORKER_API_ERROR
    assert made.error_resp.original_worker_error_status == 500
    assert made.error_resp.original_worker_error_type == "ValueError"
    assert made.error_resp.original_worker_error_detail == "why"


def test_an_answer_without_a_kind_goes_by_its_status() -> None:
    assert type(process_http_error(418, ErrorResponse("tea"))) is ClientSideError
    assert type(process_http_error(502, ErrorResponse())) is ServerSideError
    assert str(process_http_error(418, ErrorResponse("tea"))) == "tea"


def test_a_run_that_did_not_complete_says_how_it_ended() -> None:
    output = StateCompletionOutput("S", "S-1")
    failed = process_workflow_abnormal_exit_error(
        WorkflowGetResponse("r", WorkflowStatus.FAILED, [output], WorkflowErrorType.STATE_API_FAIL_ERROR_TYPE, "why")
    )
    other = process_workflow_abnormal_exit_error(WorkflowGetResponse("r", WorkflowStatus.CONTINUED_AS_NEW))

    assert type(failed) is WorkflowFailed
    assert (failed.run_id, failed.error_message, failed._state_results) == ("r", "why", [output])
    assert type(other) is WorkflowAbnormalExitError
