"""Which search attributes a file has, each of one type for ever, decided by its first use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import InternalError, InvalidRequest
from perdure.store.query_fields import SYSTEM_FIELDS
from perdure.store.search_values import TYPE_NAMES, check

TypeRow = tuple[int, str, SearchAttributeType]
"""An attribute's number in the file, its key and its type."""


class AttributeTypes:
    """Kept in memory. The thread that checks and the thread that writes may be two."""

    def __init__(self, rows: Iterable[TypeRow]) -> None:
        self._numbers: dict[str, int] = {}
        self._types: dict[str, SearchAttributeType] = {}
        self._by_number: dict[int, tuple[str, SearchAttributeType]] = {}
        # Checked and perhaps on its way to the file: two requests of one batch may not both be first.
        self._expected: dict[str, SearchAttributeType] = {}
        self._registered: Mapping[str, SearchAttributeType] | None = None
        self.add(rows)

    @property
    def by_key(self) -> Mapping[str, SearchAttributeType]:
        return MappingProxyType(self._types)

    @property
    def by_number(self) -> Mapping[int, tuple[str, SearchAttributeType]]:
        return MappingProxyType(self._by_number)

    def add(self, rows: Iterable[TypeRow]) -> None:
        """Take in what the file has, or has now."""
        for number, key, kind in rows:
            self._by_number[number] = (key, kind)
            self._numbers[key] = number
            self._types[key] = kind

    def register(self, types: Mapping[str, SearchAttributeType]) -> None:
        """Take only these from now on.

        Raises:
            InvalidRequest: the file has one of them with another type, which it keeps.
        """
        for key, kind in types.items():
            known = self._types.get(key, kind)
            if known is not kind:
                raise InvalidRequest(
                    f"search attribute {key} is registered as {kind.value}, and the file has it as {known.value}: "
                    "register it as that, or give the other a name of its own"
                )
        self._registered = dict(types)

    def check(self, attributes: Iterable[SearchAttribute]) -> str | None:
        """Say why these cannot be indexed together; if they can, later ones must agree with them."""
        first: dict[str, SearchAttributeType] = {}
        for attribute in attributes:
            if problem := check(attribute) or _name_problem(attribute.key):
                return problem
            assert attribute.type is not None, "checked"
            key = attribute.key
            if self._registered is not None and key not in self._registered:
                names = ", ".join(sorted(self._registered)) or "none"
                return f"search attribute {key} is not registered, expected one of: {names}. Register it, with its type"
            known = (
                self._types.get(key)
                or (self._registered or {}).get(key)
                or self._expected.get(key)
                or first.setdefault(key, attribute.type)
            )
            if known is not attribute.type:
                return (
                    f"invalid value for search attribute {key} of type {TYPE_NAMES[known]}: "
                    f"it was given as {TYPE_NAMES[attribute.type]}"
                )
        self._expected.update(first)
        return None

    def numbers_of(self, attributes: Iterable[SearchAttribute]) -> tuple[dict[str, int], list[TypeRow]]:
        """Give the attributes' numbers, and the rows of those which the file does not have yet.

        Raises:
            InternalError: one has another type than the file's; it was never checked.
        """
        numbers: dict[str, int] = {}
        added: dict[str, TypeRow] = {}
        for attribute in attributes:
            key, kind = attribute.key, attribute.type
            assert kind is not None, "normalised"
            known = self._types.get(key) or (added[key][2] if key in added else kind)
            if known is not kind:
                raise InternalError(
                    f"search attribute {key!r} is {known} in this file, found {kind}: it was not checked"
                )
            if key not in self._numbers and key not in added:
                added[key] = (max(self._by_number, default=0) + len(added) + 1, key, kind)
            numbers[key] = added[key][0] if key in added else self._numbers[key]
        return numbers, list(added.values())


def _name_problem(key: str) -> str | None:
    # iWF: an author may name its own ones, whatever comes of it.
    if key in SYSTEM_FIELDS and not key.startswith("Iwf"):
        return f"search attribute {key} is the system's own, a query would never find yours: give it another name"
    return None
