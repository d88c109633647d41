"""Between an author's declarations and values, and the names and sealed values a backend takes.

Pure. Where only text is given for a declaration it is the stored name, and values are plain JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perdure.authoring.attribute import AnyAttribute
from perdure.authoring.attribute_map import SEPARATOR
from perdure.authoring.channel import AnyInbox
from perdure.authoring.converter import ANYTHING, JSON, ConversionError, Converter
from perdure.authoring.decision import AnyState
from perdure.authoring.definition import ABSENT, AttributeDefinition
from perdure.authoring.inspection import AnyWorkflow, definition_of
from perdure.authoring.requests import PreparedRpc, attribute_of, attribute_writes, message_to, rpc_call
from perdure.authoring.rpc import AnyRpc
from perdure.client.options import state_id
from perdure.client.result import MissingValue
from perdure.model.attributes import DataAttribute, SearchAttribute
from perdure.model.errors import InvalidRequest
from perdure.model.ids import RunId, StateId, WorkflowId
from perdure.model.value import EncodedValue, Message


class Translator:
    """Speaks for one workflow of one class.

    Raises:
        InvalidRequest: from every method, where a declaration is not the class's or a value does not fit.
    """

    def __init__(self, workflow: type[AnyWorkflow] | None, workflow_id: WorkflowId) -> None:
        self.workflow = workflow
        self.definition = None if workflow is None else definition_of(workflow)
        self._converter: Converter = JSON if self.definition is None else self.definition.converter
        self._id = workflow_id

    def state(self, state: AnyState | str) -> StateId:
        try:
            return state_id(self.definition, state)
        except ValueError as error:
            raise self._invalid(error) from None

    def message(self, inbox: AnyInbox | str, value: object) -> Message:
        try:
            if isinstance(inbox, str):
                return Message(inbox, self._converter.encode(value, name=f"message to {inbox}"))
            if self.definition is None:
                return Message(inbox.channel, self._converter.encode(value, name=f"message to {inbox.channel}"))
            return message_to(self.definition, inbox, value)
        except ValueError as error:
            raise self._invalid(error) from error

    def rpc(
        self, rpc: AnyRpc, args: tuple[object, ...], kwargs: Mapping[str, object], *, run_id: RunId | None
    ) -> PreparedRpc:
        return rpc_call(rpc, self._id, args, kwargs, run_id=run_id, workflow=self.workflow)

    def attribute(self, attribute: AnyAttribute) -> AttributeDefinition:
        if self.definition is None:
            return AttributeDefinition(attribute.key, attribute.member, ANYTHING)
        try:
            return attribute_of(self.definition, attribute)
        except ValueError as error:
            raise self._invalid(error) from None

    def writes(
        self, attribute: AnyAttribute | str, value: object
    ) -> tuple[tuple[DataAttribute, ...], tuple[SearchAttribute, ...]]:
        """Return what is written for one attribute, or for some keys of a map."""
        try:
            if isinstance(attribute, str):
                return (DataAttribute(attribute, self._converter.encode(value, name=attribute)),), ()
            definition = self.attribute(attribute)
            if definition.is_map:
                return self._map_writes(definition, value), ()
            if self.definition is not None:
                return attribute_writes(self.definition, {attribute: value})
            return (DataAttribute(definition.name, self._converter.encode(value, name=definition.name)),), ()
        except ValueError as error:
            raise self._invalid(error) from error

    def open_attribute(self, definition: AttributeDefinition, found: Iterable[DataAttribute]) -> object:
        """Return an attribute's value from what was read of it, or its default.

        Raises:
            MissingValue: it has neither.
        """
        for data in found:
            if data.value is not None:
                return self._converter.decode(data.value, definition.type, name=data.key)
        if definition.factory is not None:
            return definition.factory()
        if definition.default is not ABSENT:
            return definition.default
        raise MissingValue(
            f"attribute {definition.name!r} of workflow {self._id!r} has no value yet, and no default",
            workflow_id=self._id,
        )

    def open_map(self, definition: AttributeDefinition, found: Iterable[DataAttribute]) -> dict[str, object]:
        """Return those of the attributes read that belong to a map, by their keys in it."""
        prefix = definition.name + SEPARATOR
        return {
            data.key.removeprefix(prefix): self._converter.decode(data.value, definition.type, name=data.key)
            for data in found
            if data.key.startswith(prefix) and data.value is not None
        }

    def open_all(self, found: Iterable[DataAttribute]) -> dict[str, object]:
        """Return all attributes read by their stored names, those without a value left out."""
        return {
            data.key: self._converter.decode(data.value, self._type_of(data.key), name=data.key)
            for data in found
            if data.value is not None
        }

    def open_output(self, output: EncodedValue | None) -> object:
        """Return what a run ended with.

        Raises:
            ConversionError: it is not what the class says it gives.
        """
        return self.open_plain(output) if self.definition is None else self.definition.decode_output(output)

    def seal_plain(self, value: object) -> EncodedValue | None:
        try:
            return self._converter.encode(value)
        except ConversionError as error:
            raise self._invalid(error) from error

    def open_plain(self, value: EncodedValue | None) -> object:
        return self._converter.decode(value)

    def _map_writes(self, definition: AttributeDefinition, value: object) -> tuple[DataAttribute, ...]:
        if not isinstance(value, Mapping):
            raise ValueError(f"found {value!r} for the map {definition.member!r}, expected a mapping from its keys")
        keys = {f"{definition.name}{SEPARATOR}{key}": given for key, given in value.items()}
        return tuple(
            DataAttribute(key, self._converter.encode(given, definition.type, name=key)) for key, given in keys.items()
        )

    def _type_of(self, key: str) -> object:
        if self.definition is None:
            return ANYTHING
        for definition in self.definition.attributes.values():
            own = key.startswith(definition.name + SEPARATOR) if definition.is_map else key == definition.name
            if own:
                return definition.type
        return ANYTHING

    def _invalid(self, error: ValueError) -> InvalidRequest:
        return InvalidRequest(str(error), workflow_id=self._id)
