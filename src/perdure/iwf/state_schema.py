"""Which states a workflow has, and with which it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from perdure.iwf.workflow_state import WorkflowState


@dataclass
class StateDef:
    state: WorkflowState[Any]
    can_start_workflow: bool

    @classmethod
    def starting_state(cls, state: WorkflowState[Any]) -> StateDef:
        return cls(state, can_start_workflow=True)

    @classmethod
    def non_starting_state(cls, state: WorkflowState[Any]) -> StateDef:
        return cls(state, can_start_workflow=False)


@dataclass
class StateSchema:
    states: list[StateDef] = field(default_factory=list)

    @classmethod
    def with_starting_state(
        cls, starting_state: WorkflowState[Any], *non_starting_states: WorkflowState[Any]
    ) -> StateSchema:
        return cls([StateDef.starting_state(starting_state), *map(StateDef.non_starting_state, non_starting_states)])

    @classmethod
    def no_starting_state(cls, *non_starting_states: WorkflowState[Any]) -> StateSchema:
        """A run then idles until an RPC starts a state."""
        return cls([StateDef.non_starting_state(state) for state in non_starting_states])
