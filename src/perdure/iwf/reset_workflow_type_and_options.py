"""Where a reset goes back to."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.iwf.iwf_api.models.choices import WorkflowResetType


@dataclass
class ResetWorkflowTypeAndOptions:
    reset_type: WorkflowResetType
    reason: str
    history_event_id: int | None = None
    history_event_time: str | None = None
    """A date with an offset, such as ``2030-01-01T00:00:00+00:00``, or Unix nanoseconds."""
    state_id: str | None = None
    state_execution_id: str | None = None
    skip_signal_reapply: bool | None = None


def reset_to_beginning(reason: str) -> ResetWorkflowTypeAndOptions:
    return ResetWorkflowTypeAndOptions(WorkflowResetType.BEGINNING, reason)


def reset_to_history_event_id(history_event_id: int, reason: str) -> ResetWorkflowTypeAndOptions:
    return ResetWorkflowTypeAndOptions(WorkflowResetType.HISTORY_EVENT_ID, reason, history_event_id=history_event_id)


def reset_to_history_event_time(history_event_time: str, reason: str) -> ResetWorkflowTypeAndOptions:
    return ResetWorkflowTypeAndOptions(
        WorkflowResetType.HISTORY_EVENT_TIME, reason, history_event_time=history_event_time
    )


def reset_to_state_id(state_id: str, reason: str) -> ResetWorkflowTypeAndOptions:
    return ResetWorkflowTypeAndOptions(WorkflowResetType.STATE_ID, reason, state_id=state_id)


def reset_to_state_execution_id(state_execution: str, reason: str) -> ResetWorkflowTypeAndOptions:
    return ResetWorkflowTypeAndOptions(WorkflowResetType.STATE_EXECUTION_ID, reason, state_execution_id=state_execution)
