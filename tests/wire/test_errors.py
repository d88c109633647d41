from typing import Any

import pytest

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
from perdure.wire.document import Malformed
from perdure.wire.errors import encode_error


@pytest.mark.parametrize(
    ("error", "status", "fields"),
    [
        (
            Malformed("is null, expected a text", place="a"),
            400,
            {"detail": "invalid request schema: a is null, expected a text"},
        ),
        (
            InvalidRequest("no"),
            400,
            {"detail": "no", "subStatus": "UNCATEGORIZED_SUB_STATUS"},
        ),
        (
            WorkflowNotFound("WorkflowId is not set on request."),
            400,
            {"detail": "WorkflowId is not set on request.", "subStatus": "WORKFLOW_NOT_EXISTS_SUB_STATUS"},
        ),
        (
            WorkflowNotFound("?", workflow_id="w"),
            400,
            {"detail": "workflow not found for ID: w", "subStatus": "WORKFLOW_NOT_EXISTS_SUB_STATUS"},
        ),
        (
            WorkflowNotFound("?", workflow_id="w", run_id="r"),
            400,
            {
                "detail": 'workflow execution not found for workflow ID "w" and run ID "r"',
                "subStatus": "WORKFLOW_NOT_EXISTS_SUB_STATUS",
            },
        ),
        (
            WorkflowClosed("workflow execution already completed"),
            400,
            {"detail": "workflow execution already completed", "subStatus": "WORKFLOW_NOT_EXISTS_SUB_STATUS"},
        ),
        (
            WorkflowAlreadyStarted("taken"),
            400,
            {"detail": "taken", "subStatus": "WORKFLOW_ALREADY_STARTED_SUB_STATUS"},
        ),
        (
            LockConflict("?"),
            450,
            {
                "detail": "requested data or search attributes are being locked by other operations",
                "subStatus": "WORKER_API_ERROR",
            },
        ),
        (
            TimerNotFound("?"),
            400,
            {
                "detail": "invalid request - requested timer command doesn't exist",
                "subStatus": "UNCATEGORIZED_SUB_STATUS",
            },
        ),
        (WaitTimedOut("later"), 420, {"detail": "later", "subStatus": "LONG_POLL_TIME_OUT_SUB_STATUS"}),
        (
            RpcFailed("m", status=500, error_type="T", detail="d"),
            420,
            {
                "detail": "m",
                "subStatus": "WORKER_API_ERROR",
                "originalWorkerErrorStatus": 500,
                "originalWorkerErrorType": "T",
                "originalWorkerErrorDetail": "d",
            },
        ),
        (
            RpcFailed("m"),
            420,
            {
                "detail": "m",
                "subStatus": "WORKER_API_ERROR",
                "originalWorkerErrorStatus": 0,
                "originalWorkerErrorType": "",
                "originalWorkerErrorDetail": "",
            },
        ),
        (UnavailableError("down"), 503, {"detail": "down", "subStatus": "UNCATEGORIZED_SUB_STATUS"}),
        (InternalError("oh"), 500, {"detail": "oh", "subStatus": "UNCATEGORIZED_SUB_STATUS"}),
    ],
)
def test_every_error_has_its_status_and_its_words(
    error: PerdureError | Malformed, status: int, fields: dict[str, Any]
) -> None:
    answer = encode_error(error)

    assert (answer.status, answer.fields) == (status, fields)
