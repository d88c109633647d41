"""What a handler knows of the run it works for."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.model.calls import RpcRequest, StateRequest


@dataclass
class WorkflowContext:
    workflow_id: str
    workflow_run_id: str
    """In a state: the first run of a chain of retries and resets; in an RPC: the run that is called."""
    workflow_start_timestamp_seconds: int
    state_execution_id: str | None = None
    first_attempt_timestamp_seconds: int | None = None
    attempt: int | None = None
    """Counted from 1."""
    child_workflow_request_id: str | None = None
    """A request id for a workflow that this state starts: the same in all attempts, and in no other state."""


def context_of(request: StateRequest | RpcRequest) -> WorkflowContext:
    run = request.run
    if isinstance(request, RpcRequest):
        return WorkflowContext(run.workflow_id, run.run_id, run.started_ms // 1000)
    state_execution_id = request.call.state_execution_id
    return WorkflowContext(
        run.workflow_id,
        run.first_run_id,
        run.started_ms // 1000,
        state_execution_id,
        request.first_attempt_ms // 1000,
        request.attempt,
        f"{run.first_run_id}-{state_execution_id}",
    )
