"""What describing a workflow tells."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.iwf.iwf_api.models.choices import WorkflowStatus


@dataclass
class WorkflowInfo:
    workflow_status: WorkflowStatus
