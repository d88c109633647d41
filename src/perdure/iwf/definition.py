"""A workflow object, read once: what a registry keeps of it, and what its decisions mean."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from perdure.iwf.communication_schema import CommunicationMethod, CommunicationMethodType
from perdure.iwf.errors import InvalidArgumentError, WorkflowDefinitionError
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.persistence_schema import PersistenceField, PersistenceFieldType
from perdure.iwf.rpc import RPCInfo, is_rpc, rpc_info
from perdure.iwf.state_decision import StateDecision
from perdure.iwf.state_movement import StateMovement, reserved_state_id_prefix
from perdure.iwf.type_store import Type, TypeStore
from perdure.iwf.workflow import ObjectWorkflow, get_workflow_type
from perdure.iwf.workflow_state import WorkflowState, get_input_type, get_state_id, should_skip_wait_until
from perdure.iwf.workflow_state_options import WorkflowStateOptions, state_options
from perdure.model.attributes import SearchAttributeType
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import StateId, WorkflowType
from perdure.model.options import StateOptions


@dataclass(frozen=True, eq=False)
class StateEntry:
    """One state object of a workflow."""

    state_id: StateId
    state: WorkflowState[Any]
    input_type: object
    skips_wait_until: bool
    declared: WorkflowStateOptions

    @property
    def state_class(self) -> type[WorkflowState[Any]]:
        return type(self.state)


class Definition:
    """What a workflow object declares.

    Raises:
        WorkflowDefinitionError: it contradicts itself; the message says where.
    """

    def __init__(self, workflow: ObjectWorkflow) -> None:
        self.workflow = workflow
        self.workflow_type = WorkflowType(get_workflow_type(workflow))
        self.persistence_options = workflow.get_persistence_options()
        self.states: dict[str, StateEntry] = {}
        self.starting: StateEntry | None = None
        self._read_states()
        channels = workflow.get_communication_schema().communication_methods
        self.internal_types = _internal_types(channels)
        self.signal_types = _signal_types(channels)
        fields = workflow.get_persistence_schema().persistence_fields
        self.data_types = _data_types(fields)
        self.search_types = self._search_types(fields)
        self.rpcs = _rpcs(workflow)
        for entry in self.states.values():
            self.options_of(entry)  # what is wrong with them is said now

    def state(self, state: str | type[WorkflowState[Any]]) -> StateEntry:
        """Return a state by its id or its class.

        Raises:
            InvalidArgumentError: the workflow has no such state.
        """
        found = self.states.get(state) if isinstance(state, str) else self._by_class(state)
        if found is None:
            name = state if isinstance(state, str) else state.__name__
            known = ", ".join(self.states) or "none"
            raise InvalidArgumentError(f"found state {name!r}, expected one of workflow {self.workflow_type}: {known}")
        return found

    def has(self, state_class: type[WorkflowState[Any]]) -> bool:
        return self._by_class(state_class) is not None

    def options_of(self, entry: StateEntry, override: WorkflowStateOptions | None = None) -> StateOptions:
        """Return how a state is called, with the state that recovers it and that one's options.

        Raises:
            WorkflowDefinitionError: the options contradict themselves.
        """
        return self._options(entry, override or entry.declared, above=())

    def decision(self, decision: object, encoder: ObjectEncoder) -> Decision:
        """Return the model's words for what a state decided.

        Raises:
            WorkflowDefinitionError: it is no decision, or one that nobody can follow.
            InvalidArgumentError: it goes to a state that the workflow does not have.
        """
        if not isinstance(decision, StateDecision):
            raise WorkflowDefinitionError(f"execute returned {decision!r}, expected a StateDecision")
        steps = tuple(self.step(movement, encoder) for movement in decision.next_states)
        close = decision.conditional_close
        made = Decision(
            steps,
            None
            if close is None
            else CloseIfEmpty(
                EmptyCheck(close.conditional_close_type.value), close.channel_name, encoder.seal(close.close_input)
            ),
        )
        if problem := made.problem():
            raise WorkflowDefinitionError(problem)
        return made

    def step(self, movement: StateMovement, encoder: ObjectEncoder) -> Movement | Closing:
        value = encoder.seal(movement.state_input)
        if movement.state_id.startswith(reserved_state_id_prefix):
            return Closing(ClosingKind(movement.state_id), value)
        entry = self.state(movement.state_class or movement.state_id)
        options = self.options_of(entry, movement.state_options_override)
        return Movement(entry.state_id, value, options, movement.wait_for_key)

    def _by_class(self, state_class: type[WorkflowState[Any]]) -> StateEntry | None:
        return next((entry for entry in self.states.values() if entry.state_class is state_class), None)

    def _options(self, entry: StateEntry, declared: WorkflowStateOptions, *, above: tuple[str, ...]) -> StateOptions:
        options = state_options(declared, skip_wait_until=entry.skips_wait_until)
        recovery = declared.proceed_to_state_when_execute_retry_exhausted
        # Options travel whole, so of states that recover each other the second pass has no recovery.
        if recovery is None or entry.state_id in above:
            return options
        target = self.state(recovery)
        return replace(
            options,
            recover_state_id=target.state_id,
            recover_options=self._options(target, target.declared, above=(*above, entry.state_id)),
        )

    def _read_states(self) -> None:
        for definition in self.workflow.get_workflow_states().states:
            state = definition.state
            entry = StateEntry(
                StateId(get_state_id(state)),
                state,
                get_input_type(state),
                should_skip_wait_until(state),
                state.get_state_options(),
            )
            if entry.state_id in self.states:
                raise WorkflowDefinitionError(f"workflow {self.workflow_type} has two states {entry.state_id!r}")
            if definition.can_start_workflow:
                if self.starting is not None:
                    raise WorkflowDefinitionError(
                        f"workflow {self.workflow_type} starts with {self.starting.state_id!r} and with "
                        f"{entry.state_id!r}, expected one starting state"
                    )
                self.starting = entry
            self.states[entry.state_id] = entry

    def _search_types(self, fields: list[PersistenceField]) -> dict[str, SearchAttributeType]:
        types: dict[str, SearchAttributeType] = {}
        for declared in fields:
            if declared.field_type is not PersistenceFieldType.SearchAttribute:
                continue
            if declared.search_attribute_type is None:
                raise WorkflowDefinitionError(f"search attribute {declared.key!r} of {self.workflow_type} has no type")
            if declared.key in types:
                raise WorkflowDefinitionError(f"search attribute {declared.key!r} is declared twice")
            types[declared.key] = declared.search_attribute_type
        return types


def _internal_types(channels: list[CommunicationMethod]) -> TypeStore:
    types = TypeStore(Type.INTERNAL_CHANNEL)
    for channel in channels:
        if channel.method_type is CommunicationMethodType.InternalChannel:
            types.add_internal_channel_def(channel)
    return types


def _signal_types(channels: list[CommunicationMethod]) -> dict[str, object]:
    return {
        channel.name: channel.value_type
        for channel in channels
        if channel.method_type is CommunicationMethodType.SignalChannel
    }


def _data_types(fields: list[PersistenceField]) -> TypeStore:
    types = TypeStore(Type.DATA_ATTRIBUTE)
    for declared in fields:
        if declared.field_type is not PersistenceFieldType.SearchAttribute:
            types.add_data_attribute_def(declared)
    return types


def _rpcs(workflow: ObjectWorkflow) -> Mapping[str, RPCInfo]:
    return {
        name: rpc_info(getattr(workflow, name))
        for name in dir(type(workflow))
        if is_rpc(inspect.getattr_static(type(workflow), name))
    }
