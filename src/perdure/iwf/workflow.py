"""The base class of a workflow."""

from __future__ import annotations

from abc import ABC

from perdure.iwf.communication_schema import CommunicationSchema
from perdure.iwf.persistence_options import PersistenceOptions
from perdure.iwf.persistence_schema import PersistenceSchema
from perdure.iwf.state_schema import StateSchema


class ObjectWorkflow(ABC):  # noqa: B024 - iWF's users may override any of it, and need to override none
    """A workflow: its states, attributes and channels, and methods that are RPCs.

    Its type is the name of its class. Whatever is not overridden is empty.
    """

    def get_workflow_states(self) -> StateSchema:
        return StateSchema()

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema()

    def get_persistence_options(self) -> PersistenceOptions:
        return PersistenceOptions.get_default()

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema()


def get_workflow_type(wf: ObjectWorkflow) -> str:
    return get_workflow_type_by_class(type(wf))


def get_workflow_type_by_class(wf_class: type[ObjectWorkflow]) -> str:
    return wf_class.__name__
