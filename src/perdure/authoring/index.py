"""What an indexed attribute looks like on the index card.

An indexed attribute is kept twice: as a data attribute, which is the truth (typed, lockable, and
loaded with the rest), and mirrored as a search attribute, which only the index reads. A search
attribute alone could not bring an enum or a Decimal back, and would need a second load and lock.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from uuid import UUID

from perdure.model.attributes import SearchAttributeType, SearchValue

INDEX_BY_NAME = {kind.value.lower(): kind for kind in SearchAttributeType}


def search_value(value: object, kind: SearchAttributeType, *, name: str) -> SearchValue | None:
    """Return *value* as the index compares it.

    Raises:
        ValueError: the index has no room for it.
    """
    if isinstance(value, Enum):
        value = value.value if isinstance(value.value, str | int | float) else value.name
    if value is None:
        return None
    found = _converted(value, kind)
    if found is None:
        raise ValueError(
            f"{name}: found {value!r}, expected what an index of kind {kind.value.lower()!r} holds: {HOLDS[kind]}"
        )
    return found


HOLDS = {
    SearchAttributeType.KEYWORD: "str, an enum or UUID",
    SearchAttributeType.TEXT: "str",
    SearchAttributeType.DATETIME: "datetime with a time zone, or date",
    SearchAttributeType.INT: "int",
    SearchAttributeType.DOUBLE: "float, int or Decimal",
    SearchAttributeType.BOOL: "bool",
    SearchAttributeType.KEYWORD_ARRAY: "list, tuple or set of str",
}

MAY_HOLD: dict[SearchAttributeType, tuple[type, ...]] = {
    SearchAttributeType.KEYWORD: (str, int, Enum, UUID),
    SearchAttributeType.TEXT: (str, Enum),
    SearchAttributeType.DATETIME: (date,),
    SearchAttributeType.INT: (int, Enum),
    SearchAttributeType.DOUBLE: (int, float, Decimal, Enum),
    SearchAttributeType.BOOL: (bool,),
    SearchAttributeType.KEYWORD_ARRAY: (list, tuple, set, frozenset),
}


def _converted(value: object, kind: SearchAttributeType) -> SearchValue | None:
    match kind:
        case SearchAttributeType.KEYWORD:
            return str(value) if isinstance(value, str | UUID | int) and not isinstance(value, bool) else None
        case SearchAttributeType.TEXT:
            return value if isinstance(value, str) else None
        case SearchAttributeType.DATETIME:
            return _moment(value)
        case SearchAttributeType.INT:
            return value if isinstance(value, int) and not isinstance(value, bool) else None
        case SearchAttributeType.DOUBLE:
            return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None
        case SearchAttributeType.BOOL:
            return value if isinstance(value, bool) else None
        case SearchAttributeType.KEYWORD_ARRAY:
            return _keywords(value)


def _moment(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo is not None else None
    if isinstance(value, date):
        return datetime.combine(value, time()).isoformat() + "Z"
    return None


def _keywords(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple | set | frozenset):
        return None
    words = [str(word.value if isinstance(word, Enum) else word) for word in value]
    return tuple(words if isinstance(value, list | tuple) else sorted(words))
