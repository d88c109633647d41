"""How runs end, and what a caller can learn of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.value import EncodedValue


class RunStatus(StrEnum):
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMEOUT"
    TERMINATED = "TERMINATED"
    CANCELED = "CANCELED"

    @property
    def closed(self) -> bool:
        return self is not RunStatus.RUNNING


class RunErrorType(StrEnum):
    """Why a run failed. The values are iWF's."""

    STATE_DECISION = "STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE"
    CLIENT = "CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE"
    STATE_CALL = "STATE_API_FAIL_ERROR_TYPE"
    INVALID_WORKFLOW_CODE = "INVALID_USER_WORKFLOW_CODE_ERROR_TYPE"
    INTERNAL = "SERVER_INTERNAL_ERROR_TYPE"


class StopKind(StrEnum):
    CANCEL = "CANCEL"
    TERMINATE = "TERMINATE"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class StateOutput:
    """What a state left as a result of the run."""

    state_id: StateId
    state_execution_id: StateExecutionId
    output: EncodedValue


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    status: RunStatus
    results: tuple[StateOutput, ...] | None = None
    """In the order the deciding answers were handled. ``None`` where an end carries none."""
    error_type: RunErrorType | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a caller learns of a run at one moment."""

    workflow_id: WorkflowId
    run_id: RunId
    workflow_type: WorkflowType
    status: RunStatus
    started_ms: int
    closed_ms: int | None = None
    outcome: Outcome | None = None
    """Present once the run has closed."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One hit of a search."""

    workflow_id: WorkflowId
    run_id: RunId
    workflow_type: WorkflowType
    status: RunStatus
    started_ms: int
    closed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SearchPage:
    runs: tuple[RunSummary, ...]
    next_token: str = ""
    """Opaque; empty at the end. A full page always has one, also when nothing is left."""
