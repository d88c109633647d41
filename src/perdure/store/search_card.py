"""What the index keeps of a run's search attributes: one entry for each, from which all terms follow.

An entry is the attribute's one term; for KEYWORD_ARRAY the list; for TEXT a list that begins with
the text and goes on with its words; ``None`` where the attribute has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from perdure.model.attributes import SearchAttribute, SearchAttributeType, SearchValue
from perdure.store.search_values import IndexTerm, format_datetime, terms

Entry = IndexTerm | list[Any] | None


def entry_of(attribute: SearchAttribute) -> tuple[Entry, tuple[IndexTerm, ...]]:
    """Give an attribute's entry and its terms.

    Args:
        attribute: as ``search_values.normalise`` gives it.
    """
    found_by = terms(attribute)
    if not found_by:
        return None, ()
    if attribute.type is SearchAttributeType.TEXT:
        return [attribute.value, *found_by], found_by
    if isinstance(attribute.value, tuple):
        return list(attribute.value), found_by
    return found_by[0], found_by


def read_card(
    card: Mapping[str, Entry], types: Mapping[int, tuple[str, SearchAttributeType]]
) -> dict[str, SearchAttribute]:
    """Read a run's card, sorted by key."""
    attributes = {}
    for number, entry in card.items():
        if entry is not None:
            key, kind = types[int(number)]
            attributes[key] = SearchAttribute(key, kind, _value_of(kind, entry))
    return dict(sorted(attributes.items()))


def _value_of(kind: SearchAttributeType, entry: Any) -> SearchValue:
    match kind:
        case SearchAttributeType.TEXT:
            return str(entry[0])
        case SearchAttributeType.KEYWORD_ARRAY:
            return tuple(entry)
        case SearchAttributeType.DATETIME:
            return format_datetime(entry)
        case SearchAttributeType.BOOL:
            return bool(entry)
        case SearchAttributeType.DOUBLE:
            return float(entry)
        case SearchAttributeType.KEYWORD:
            return str(entry)
        case SearchAttributeType.INT:
            return int(entry)
        case _:
            assert_never(kind)
