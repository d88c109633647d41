"""One thing a decision leads to: another state, or an end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.workflow_state_options import WorkflowStateOptions
from perdure.model.decisions import ClosingKind

if TYPE_CHECKING:
    from perdure.iwf.workflow_state import WorkflowState

reserved_state_id_prefix = "_SYS_"
graceful_completing_sys_state_id = ClosingKind.GRACEFUL_COMPLETE.value
force_completing_sys_state_id = ClosingKind.FORCE_COMPLETE.value
force_failing_sys_state_id = ClosingKind.FORCE_FAIL.value
dead_end_sys_state_id = ClosingKind.DEAD_END.value


@dataclass
class StateMovement:
    state_id: str
    state_input: Any = None
    state_options_override: WorkflowStateOptions | None = None
    """Used instead of the state's own options, not on top of them."""
    wait_for_key: str | None = None
    state_class: type[WorkflowState[Any]] | None = field(default=None, compare=False)
    """The state, if it was named by its class: its id is then the one it is registered with."""

    dead_end: ClassVar[StateMovement]
    """This thread of states ends; the run stays open."""

    @classmethod
    def graceful_complete_workflow(cls, output: Any = None) -> StateMovement:
        """End this thread; the run completes once every other has ended too."""
        return cls(graceful_completing_sys_state_id, output)

    @classmethod
    def force_complete_workflow(cls, output: Any = None) -> StateMovement:
        """Complete the run now; what else is under way is abandoned."""
        return cls(force_completing_sys_state_id, output)

    @classmethod
    def force_fail_workflow(cls, output: Any = None) -> StateMovement:
        """Fail the run now; what else is under way is abandoned."""
        return cls(force_failing_sys_state_id, output)

    @classmethod
    def create(
        cls,
        state: str | type[WorkflowState[Any]],
        state_input: Any = None,
        state_options_override: WorkflowStateOptions | None = None,
        wait_for_key: str | None = None,
    ) -> StateMovement:
        """Go to a state, named by its class or its id.

        Raises:
            WorkflowDefinitionError: the id is reserved.
        """
        name = state if isinstance(state, str) else state.__name__
        if name.startswith(reserved_state_id_prefix):
            raise WorkflowDefinitionError(
                f"found state id {name!r}, expected one that does not begin with {reserved_state_id_prefix!r}"
            )
        state_class = None if isinstance(state, str) else state
        return cls(name, state_input, state_options_override, wait_for_key, state_class)


StateMovement.dead_end = StateMovement(dead_end_sys_state_id)
