"""What a backend answered, as users of iWF's SDK read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.iwf.iwf_api.models.choices import ErrorSubStatus, WorkflowErrorType, WorkflowStatus
from perdure.iwf.iwf_api.models.values import EncodedObject, KeyValue, SearchAttribute
from perdure.iwf.iwf_api.types import UNSET, Unset


@dataclass
class ErrorResponse:
    detail: str | Unset = UNSET
    sub_status: ErrorSubStatus | Unset = UNSET
    original_worker_error_detail: str | Unset = UNSET
    original_worker_error_type: str | Unset = UNSET
    original_worker_error_status: int | Unset = UNSET


@dataclass
class StateCompletionOutput:
    completed_state_id: str
    completed_state_execution_id: str
    completed_state_output: EncodedObject | Unset = UNSET


@dataclass
class WorkflowGetResponse:
    workflow_run_id: str
    workflow_status: WorkflowStatus
    results: list[StateCompletionOutput] | Unset = UNSET
    error_type: WorkflowErrorType | Unset = UNSET
    error_message: str | Unset = UNSET


@dataclass
class WorkflowGetDataObjectsResponse:
    objects: list[KeyValue] = field(default_factory=list)


@dataclass
class WorkflowGetSearchAttributesResponse:
    search_attributes: list[SearchAttribute] = field(default_factory=list)


@dataclass
class WorkflowResetResponse:
    workflow_run_id: str


@dataclass
class WorkflowSearchResponseEntry:
    workflow_id: str
    workflow_run_id: str


@dataclass
class WorkflowSearchResponse:
    workflow_executions: list[WorkflowSearchResponseEntry] = field(default_factory=list)
    next_page_token: str | Unset = UNSET
