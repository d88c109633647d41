"""The workflows of a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perdure.iwf.definition import Definition
from perdure.iwf.errors import InvalidArgumentError, WorkflowDefinitionError
from perdure.iwf.iwf_api.models.choices import SearchAttributeValueType
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.persistence_options import PersistenceOptions
from perdure.iwf.rpc import RPCInfo
from perdure.iwf.runner import ObjectRunnable
from perdure.iwf.type_store import TypeStore
from perdure.iwf.workflow import ObjectWorkflow
from perdure.iwf.workflow_state import WorkflowState


class Registry:
    """Takes one object of each workflow class.

    Iterated over, it gives what an invoker runs: ``LocalInvoker([*iwf_registry, *native_registry])``.
    """

    def __init__(self) -> None:
        self._definitions: dict[str, Definition] = {}

    def add_workflow(self, wf: ObjectWorkflow) -> None:
        """Take a workflow.

        Raises:
            WorkflowDefinitionError: it contradicts itself, or its type is taken.
        """
        definition = Definition(wf)
        if definition.workflow_type in self._definitions:
            raise WorkflowDefinitionError(f"workflow type {definition.workflow_type!r} is registered twice")
        self._definitions[definition.workflow_type] = definition

    def add_workflows(self, *wfs: ObjectWorkflow) -> None:
        for wf in wfs:
            self.add_workflow(wf)

    def get_workflow_with_check(self, wf_type: str) -> ObjectWorkflow:
        """Return a workflow's object; as every other getter.

        Raises:
            InvalidArgumentError: none of this type is registered.
        """
        return self.definition(wf_type).workflow

    def get_workflow_starting_state(self, wf_type: str) -> WorkflowState[Any] | None:
        starting = self.definition(wf_type).starting
        return None if starting is None else starting.state

    def get_workflow_state_with_check(self, wf_type: str, state_id: str) -> WorkflowState[Any]:
        return self.definition(wf_type).state(state_id).state

    def get_state_store(self, wf_type: str) -> dict[str, WorkflowState[Any]]:
        return {state_id: entry.state for state_id, entry in self.definition(wf_type).states.items()}

    def get_internal_channel_type_store(self, wf_type: str) -> TypeStore:
        return self.definition(wf_type).internal_types

    def get_signal_channel_types(self, wf_type: str) -> dict[str, object]:
        return self.definition(wf_type).signal_types

    def get_data_attribute_types(self, wf_type: str) -> TypeStore:
        return self.definition(wf_type).data_types

    def get_search_attribute_types(self, wf_type: str) -> dict[str, SearchAttributeValueType]:
        return self.definition(wf_type).search_types

    def get_persistence_options(self, wf_type: str) -> PersistenceOptions:
        return self.definition(wf_type).persistence_options

    def get_rpc_infos(self, wf_type: str) -> dict[str, RPCInfo]:
        return dict(self.definition(wf_type).rpcs)

    # Ours

    def definition(self, wf_type: str) -> Definition:
        """Return all that is known of a workflow type.

        Raises:
            InvalidArgumentError: none of this type is registered.
        """
        found = self._definitions.get(wf_type)
        if found is None:
            known = ", ".join(self._definitions) or "none"
            raise InvalidArgumentError(
                f"workflow {wf_type} is not registered; registered are: {known}. Register it: add_workflow({wf_type}())"
            )
        return found

    def state_id_of(self, state: str | type[WorkflowState[Any]]) -> str:
        """Return the id of a state: the one it is registered with, where a workflow has it."""
        if isinstance(state, str):
            return state
        found = next((known for known in self._definitions.values() if known.has(state)), None)
        return state.__name__ if found is None else found.state(state).state_id

    def has_rpc(self, name: str) -> bool:
        return any(name in definition.rpcs for definition in self._definitions.values())

    def runnables(self, object_encoder: ObjectEncoder = ObjectEncoder.default) -> list[ObjectRunnable]:
        """Return what an invoker runs, with an encoder of its own."""
        return [ObjectRunnable(definition, object_encoder) for definition in self._definitions.values()]

    def __iter__(self) -> Iterator[ObjectRunnable]:
        return iter(self.runnables())
