"""How a workflow is started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from perdure.iwf.iwf_api.models.choices import IDReusePolicy
from perdure.iwf.iwf_api.models.policies import WorkflowAlreadyStartedOptions, WorkflowConfig, WorkflowRetryPolicy
from perdure.iwf.workflow_state import WorkflowState

StateRef = str | type[WorkflowState[Any]]


@dataclass
class WorkflowOptions:
    workflow_id_reuse_policy: IDReusePolicy | None = None
    """``ALLOW_IF_NO_RUNNING`` if left out."""
    workflow_cron_schedule: str | None = None
    """Five fields, in UTC."""
    workflow_start_delay_seconds: int | None = None
    workflow_retry_policy: WorkflowRetryPolicy | None = None
    workflow_already_started_options: WorkflowAlreadyStartedOptions | None = None
    workflow_config_override: WorkflowConfig | None = None
    initial_data_attributes: dict[str, Any] | None = None
    _wait_for_completion_state_ids: list[StateRef] = field(default_factory=list)
    _wait_for_completion_state_execution_ids: list[tuple[StateRef, int] | str] = field(default_factory=list)
    initial_search_attributes: dict[str, Any] | None = None

    @property
    def wait_for_completion_state_ids(self) -> list[StateRef]:
        """States whose completions can be waited for, by their classes or ids, whatever their number or key."""
        return self._wait_for_completion_state_ids

    @wait_for_completion_state_ids.setter
    def wait_for_completion_state_ids(self, states: Iterable[StateRef]) -> None:
        self._wait_for_completion_state_ids = list(states)

    def add_wait_for_completion_state_ids(self, *states: StateRef) -> None:
        self._wait_for_completion_state_ids.extend(states)

    @property
    def wait_for_completion_state_execution_ids(self) -> list[tuple[StateRef, int] | str]:
        """State executions whose completions can be waited for: ``verify-2``, or a class and a number."""
        return self._wait_for_completion_state_execution_ids

    @wait_for_completion_state_execution_ids.setter
    def wait_for_completion_state_execution_ids(self, val: Iterable[tuple[StateRef, int] | str]) -> None:
        self._wait_for_completion_state_execution_ids = list(val)

    def add_wait_for_completion_state_execution_id(self, state: StateRef, number: int) -> None:
        self._wait_for_completion_state_execution_ids.append((state, number))
