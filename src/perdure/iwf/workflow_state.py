"""The base class of a state."""

from __future__ import annotations

from abc import ABC
from typing import Any, Generic, TypeVar

from perdure.authoring.codec.generics import type_arguments
from perdure.iwf.command_request import CommandRequest
from perdure.iwf.command_results import CommandResults
from perdure.iwf.communication import Communication
from perdure.iwf.persistence import Persistence
from perdure.iwf.state_decision import StateDecision
from perdure.iwf.workflow_context import WorkflowContext
from perdure.iwf.workflow_state_options import WorkflowStateOptions

T = TypeVar("T")


class WorkflowState(ABC, Generic[T]):
    """One step of a workflow: it waits until something, then executes and decides what comes next.

    Both methods may run again after a crash or a failure. What they write is applied in one step when
    they return.
    """

    def wait_until(
        self, ctx: WorkflowContext, input: T, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        """Say what to wait for. A state whose class leaves this out executes at once."""
        raise NotImplementedError(f"{type(self).__name__} has no wait_until")

    def execute(
        self,
        ctx: WorkflowContext,
        input: T,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        """Do the work, and decide what comes next."""
        raise NotImplementedError(f"{type(self).__name__} has no execute")

    def get_state_options(self) -> WorkflowStateOptions:
        return WorkflowStateOptions()


def get_state_id(state: WorkflowState[Any]) -> str:
    """Return the name of a state in the store: the one its options give, or that of its class."""
    return state.get_state_options().state_id or get_state_id_by_class(type(state))


def get_state_id_by_class(state: type[WorkflowState[Any]]) -> str:
    """Return the name of a state whose options give it none. A registry knows the others."""
    return state.__name__


def get_state_execution_id(state: type[WorkflowState[Any]], number: int) -> str:
    return f"{get_state_id_by_class(state)}-{number}"


def should_skip_wait_until(state: WorkflowState[Any]) -> bool:
    """Say whether neither the state's class nor any of its bases has a ``wait_until`` of its own."""
    return type(state).wait_until is WorkflowState.wait_until


def get_input_type(state: WorkflowState[Any]) -> object:
    """Return what ``T`` stands for, through all bases; anything at all where nothing says it."""
    declared = type_arguments(type(state)).get(T, Any)
    return Any if isinstance(declared, TypeVar) else declared
