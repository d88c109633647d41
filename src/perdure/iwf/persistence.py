"""A workflow's attributes, as a handler reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perdure.iwf.errors import NotRegisteredError, WorkflowDefinitionError
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.type_store import TypeStore, fits
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType, SearchValue
from perdure.model.calls import Event, LoadedAttributes
from perdure.model.value import EncodedValue


class Persistence:
    """What one call of a handler reads and writes. It sees its own writes; others see them when it returns."""

    def __init__(
        self,
        loaded: LoadedAttributes,
        *,
        types: TypeStore,
        search_types: Mapping[str, SearchAttributeType],
        encoder: ObjectEncoder,
        state_locals: tuple[DataAttribute, ...] = (),
    ) -> None:
        self._types = types
        self._search_types = search_types
        self._encoder = encoder
        self._data: dict[str, EncodedValue | None] = {found.key: found.value for found in loaded.data}
        self._search = {found.key: found for found in loaded.search}
        self._locals: dict[str, EncodedValue | None] = {found.key: found.value for found in state_locals}
        self._written_data: dict[str, EncodedValue | None] = {}
        self._written_search: dict[str, SearchAttribute] = {}
        self._written_locals: dict[str, EncodedValue | None] = {}
        self._events: dict[str, EncodedValue | None] = {}

    # Data attributes

    def get_data_attribute(self, key: str) -> Any:
        """Return the value; ``None`` where there is none, or it was not loaded.

        Raises:
            WorkflowDefinitionError: no schema declares the key.
        """
        declared = self._declared(key)
        return self._encoder.decode(self._written_data.get(key, self._data.get(key)), declared)

    def set_data_attribute(self, key: str, value: Any) -> None:
        """Write a value; ``None`` empties the attribute.

        Raises:
            WorkflowDefinitionError: no schema declares the key, or the value is not of its type.
        """
        declared = self._declared(key)
        if not fits(value, declared):
            raise WorkflowDefinitionError(f"data attribute {key!r}: found {value!r}, expected {_name(declared)}")
        self._written_data[key] = self._encoder.seal(value)

    def _declared(self, key: str) -> object:
        try:
            return self._types.get_type(key)
        except NotRegisteredError as error:
            raise WorkflowDefinitionError(str(error)) from error

    # Search attributes

    def get_search_attribute_int64(self, key: str) -> int | None:
        value = self._search_value(key, SearchAttributeType.INT)
        return None if value is None else int(value)  # type: ignore[arg-type]  # of its type, an int

    def set_search_attribute_int64(self, key: str, value: int | None) -> None:
        self._set_search(key, value, SearchAttributeType.INT)

    def get_search_attribute_double(self, key: str) -> float | None:
        value = self._search_value(key, SearchAttributeType.DOUBLE)
        return None if value is None else float(value)  # type: ignore[arg-type]  # of its type, a number

    def set_search_attribute_double(self, key: str, value: float | None) -> None:
        self._set_search(key, value, SearchAttributeType.DOUBLE)

    def get_search_attribute_boolean(self, key: str) -> bool | None:
        value = self._search_value(key, SearchAttributeType.BOOL)
        return None if value is None else bool(value)

    def set_search_attribute_boolean(self, key: str, value: bool | None) -> None:
        self._set_search(key, value, SearchAttributeType.BOOL)

    def get_search_attribute_keyword(self, key: str) -> str | None:
        return self._search_text(key, SearchAttributeType.KEYWORD)

    def set_search_attribute_keyword(self, key: str, value: str | None) -> None:
        self._set_search(key, value, SearchAttributeType.KEYWORD)

    def get_search_attribute_text(self, key: str) -> str | None:
        return self._search_text(key, SearchAttributeType.TEXT)

    def set_search_attribute_text(self, key: str, value: str | None) -> None:
        self._set_search(key, value, SearchAttributeType.TEXT)

    def get_search_attribute_datetime(self, key: str) -> str | None:
        """Return the text as it was written."""
        return self._search_text(key, SearchAttributeType.DATETIME)

    def set_search_attribute_datetime(self, key: str, value: str | None) -> None:
        """Write a date with an offset, such as ``2030-01-01T00:00:00+00:00``, or Unix nanoseconds."""
        self._set_search(key, value, SearchAttributeType.DATETIME)

    def get_search_attribute_keyword_array(self, key: str) -> list[str] | None:
        value = self._search_value(key, SearchAttributeType.KEYWORD_ARRAY)
        return list(value) if isinstance(value, tuple) else None

    def set_search_attribute_keyword_array(self, key: str, value: list[str] | None) -> None:
        self._set_search(key, None if value is None else tuple(value), SearchAttributeType.KEYWORD_ARRAY)

    def _search_text(self, key: str, kind: SearchAttributeType) -> str | None:
        value = self._search_value(key, kind)
        return value if isinstance(value, str) else None

    def _search_value(self, key: str, kind: SearchAttributeType) -> SearchValue | None:
        """A getter of another kind finds nothing, as in iWF."""
        found = self._search.get(key)
        return found.value if found is not None and found.type is kind else None

    def _set_search(self, key: str, value: SearchValue | None, kind: SearchAttributeType) -> None:
        declared = self._search_types.get(key)
        if declared is not kind:
            expected = "one that is declared" if declared is None else f"the setter of {declared.value}"
            raise WorkflowDefinitionError(f"search attribute {key!r} is set as {kind.value}, expected {expected}")
        self._search[key] = self._written_search[key] = SearchAttribute(key, kind, value)

    # What only this state execution sees, and what only people see

    def get_state_execution_local(self, key: str) -> Any:
        """Return what ``wait_until`` left for ``execute`` of the same state execution; ``None`` if nothing."""
        return self._encoder.decode(self._written_locals.get(key, self._locals.get(key)))

    def set_state_execution_local(self, key: str, value: Any) -> None:
        self._written_locals[key] = self._encoder.seal(value)

    def record_event(self, key: str, *event_data: Any) -> None:
        """Write an event into the history, for people to find; several values as a list.

        Raises:
            WorkflowDefinitionError: this call has recorded one of this name already.
        """
        if key in self._events:
            raise WorkflowDefinitionError(f"event {key!r} is recorded twice in one call")
        self._events[key] = self._encoder.seal(event_data[0] if len(event_data) == 1 else list(event_data))

    # What it wrote

    def data_writes(self) -> tuple[DataAttribute, ...]:
        return _attributes(self._written_data)

    def search_writes(self) -> tuple[SearchAttribute, ...]:
        return tuple(self._written_search.values())

    def local_writes(self) -> tuple[DataAttribute, ...]:
        return _attributes(self._written_locals)

    def events(self) -> tuple[Event, ...]:
        return tuple(Event(name, value) for name, value in self._events.items())


def _attributes(values: Mapping[str, EncodedValue | None]) -> tuple[DataAttribute, ...]:
    return tuple(DataAttribute(key, value) for key, value in values.items())


def _name(declared: object) -> str:
    return declared.__name__ if type(declared) is type else str(declared)
