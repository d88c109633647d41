"""What a state decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from perdure.iwf.iwf_api.models.choices import WorkflowConditionalCloseType
from perdure.iwf.state_movement import StateMovement
from perdure.iwf.workflow_state_options import WorkflowStateOptions

if TYPE_CHECKING:
    from perdure.iwf.workflow_state import WorkflowState


@dataclass
class InternalConditionalClose:
    conditional_close_type: WorkflowConditionalCloseType
    channel_name: str
    close_input: Any = None


@dataclass
class StateDecision:
    next_states: list[StateMovement]
    conditional_close: InternalConditionalClose | None = None

    dead_end: ClassVar[StateDecision]
    """This thread of states ends; the run stays open, even with nothing left to do."""

    @classmethod
    def graceful_complete_workflow(cls, output: Any = None) -> StateDecision:
        return cls([StateMovement.graceful_complete_workflow(output)])

    @classmethod
    def force_complete_workflow(cls, output: Any = None) -> StateDecision:
        return cls([StateMovement.force_complete_workflow(output)])

    @classmethod
    def force_fail_workflow(cls, output: Any = None) -> StateDecision:
        return cls([StateMovement.force_fail_workflow(output)])

    @classmethod
    def single_next_state(
        cls,
        state: str | type[WorkflowState[Any]],
        state_input: Any = None,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateDecision:
        return cls([StateMovement.create(state, state_input, state_options_override, wait_for_key)])

    @classmethod
    def multi_next_states(cls, *next_states: type[WorkflowState[Any]] | StateMovement) -> StateDecision:
        """Start several states at once, each a thread of its own."""
        return cls(
            [state if isinstance(state, StateMovement) else StateMovement.create(state) for state in next_states]
        )

    @classmethod
    def force_complete_if_internal_channel_empty_or_else(
        cls,
        internal_channel_name: str,
        workflow_complete_output: Any = None,
        or_else_state: str | type[WorkflowState[Any]] = "",
        state_input: Any = None,
    ) -> StateDecision:
        """Complete if no message is unread, in one step with looking; else go to a state."""
        close = InternalConditionalClose(
            WorkflowConditionalCloseType.FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY,
            internal_channel_name,
            workflow_complete_output,
        )
        return cls([StateMovement.create(or_else_state, state_input)], close)

    @classmethod
    def force_complete_if_signal_channel_empty_or_else(
        cls,
        signal_channel_name: str,
        workflow_complete_output: Any = None,
        or_else_state: str | type[WorkflowState[Any]] = "",
        state_input: Any = None,
    ) -> StateDecision:
        """Complete if no signal is unread, in one step with looking; else go to a state."""
        close = InternalConditionalClose(
            WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY,
            signal_channel_name,
            workflow_complete_output,
        )
        return cls([StateMovement.create(or_else_state, state_input)], close)


StateDecision.dead_end = StateDecision([StateMovement.dead_end])
