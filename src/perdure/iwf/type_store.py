"""The declared types of names, and of all names that begin alike."""

from __future__ import annotations

import typing
from enum import Enum

from perdure.authoring.codec.codec import Mismatch, Unsupported
from perdure.authoring.codec.compiler import codec_of
from perdure.iwf.communication_schema import CommunicationMethod
from perdure.iwf.errors import NotRegisteredError, WorkflowDefinitionError
from perdure.iwf.persistence_schema import PersistenceField, PersistenceFieldType


class Type(Enum):
    """What the names are names of."""

    INTERNAL_CHANNEL = 1
    DATA_ATTRIBUTE = 2


class TypeStore:
    """Knows names and prefixes. A name counts before a prefix, a prefix before those declared after it."""

    def __init__(self, class_type: Type) -> None:
        self._class_type = class_type
        self._by_name: dict[str, object] = {}
        self._by_prefix: dict[str, object] = {}

    def is_valid_name_or_prefix(self, name: str) -> bool:
        return name in self._by_name or self._prefix_of(name) is not None

    def get_type(self, name: str) -> object:
        """Return the declared type.

        Raises:
            NotRegisteredError: no declaration has the name, or a beginning of it.
        """
        if name in self._by_name:
            return self._by_name[name]
        prefix = self._prefix_of(name)
        if prefix is None:
            kind = self._class_type.name.lower().replace("_", " ")
            known = ", ".join([*self._by_name, *(f"{prefix}*" for prefix in self._by_prefix)]) or "none"
            raise NotRegisteredError(f"found {kind} {name!r}, expected one that is declared: {known}")
        return self._by_prefix[prefix]

    def add_internal_channel_def(self, obj: CommunicationMethod) -> None:
        self._add(obj.name, obj.value_type, is_prefix=obj.is_prefix)

    def add_data_attribute_def(self, obj: PersistenceField) -> None:
        self._add(obj.key, obj.value_type, is_prefix=obj.field_type is PersistenceFieldType.DataAttributePrefix)

    def _add(self, name: str, declared: object, *, is_prefix: bool) -> None:
        store = self._by_prefix if is_prefix else self._by_name
        if name in store:
            kind = self._class_type.name.lower().replace("_", " ")
            raise WorkflowDefinitionError(f"{kind} {'prefix ' if is_prefix else ''}{name!r} is declared twice")
        store[name] = type(None) if declared is None else declared

    def _prefix_of(self, name: str) -> str | None:
        return next((prefix for prefix in self._by_prefix if name.startswith(prefix)), None)


def fits(value: object, declared: object) -> bool:
    """Say whether a value can be kept where a type is declared and read back as that type.

    ``None`` can always be. A type that only an encoder of the user's knows is looked at by its class.
    """
    if value is None:
        return True
    try:
        codec_of(declared).encode(value)
    except Mismatch:
        return False
    except Unsupported:
        origin = typing.get_origin(declared) or declared
        return not isinstance(origin, type) or isinstance(value, origin)
    return True
