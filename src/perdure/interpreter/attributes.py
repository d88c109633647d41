"""A run's data and search attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from perdure.model.attributes import DataAttribute, Loading, LoadingPolicy, SearchAttribute
from perdure.model.calls import LoadedAttributes

_Attribute = TypeVar("_Attribute", DataAttribute, SearchAttribute)


class Attributes:
    """Written by key, the last write wins; read by loading policy."""

    def __init__(self) -> None:
        self.data: dict[str, DataAttribute] = {}
        self.search: dict[str, SearchAttribute] = {}

    def write(self, data: tuple[DataAttribute, ...], search: tuple[SearchAttribute, ...]) -> None:
        for found in search:
            self.search[found.key] = found
        for item in data:
            self.data[item.key] = item

    def load(self, data: LoadingPolicy, search: LoadingPolicy) -> LoadedAttributes:
        return LoadedAttributes(
            data=_select(self.data, data),
            search=_select(self.search, search),
            data_loading=data.load,
            search_loading=search.load,
        )


def _select(attributes: Mapping[str, _Attribute], policy: LoadingPolicy) -> tuple[_Attribute, ...]:
    """iWF 4.6. Sorted by key: code points sort as their UTF-8 bytes do."""
    match policy.load:
        case Loading.NONE:
            return ()
        case Loading.ALL:
            return tuple(attributes[key] for key in sorted(attributes))
        case Loading.PARTIAL if policy.keys_are_prefixes:
            wanted = (*policy.keys, *(policy.locks or ()))
            return tuple(attributes[key] for key in sorted(attributes) if key.startswith(wanted))
        case Loading.PARTIAL:
            keys = sorted({*policy.keys, *(policy.locks or ())})
            return tuple(attributes[key] for key in keys if key in attributes)
