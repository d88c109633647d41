"""How a workflow is stopped."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.iwf.iwf_api.models.choices import WorkflowStopType


@dataclass
class StopWorkflowOptions:
    workflow_stop_type: WorkflowStopType
    reason: str
