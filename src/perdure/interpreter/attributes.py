"""A run's data and search attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from perdure.model.attributes import LOAD_ALL, DataAttribute, Loading, LoadingPolicy, SearchAttribute
from perdure.model.calls import LoadedAttributes

_Attribute = TypeVar("_Attribute", DataAttribute, SearchAttribute)


class Attributes:
    """Written by key, the last write wins; read by loading policy."""

    def __init__(self) -> None:
        self.data: dict[str, DataAttribute] = {}
        self.search: dict[str, SearchAttribute] = {}
        self._all: LoadedAttributes | None = None
        """All of them as the last call loaded them, while nothing has been written since."""

    def write(self, data: tuple[DataAttribute, ...], search: tuple[SearchAttribute, ...]) -> None:
        if data or search:
            self._all = None
        for found in search:
            self.search[found.key] = found
        for item in data:
            self.data[item.key] = item

    def load(self, data: LoadingPolicy, search: LoadingPolicy) -> LoadedAttributes:
        if data is LOAD_ALL and search is LOAD_ALL:  # as nearly every call does
            if self._all is None:
                self._all = self._load(data, search)
            return self._all
        return self._load(data, search)

    def _load(self, data: LoadingPolicy, search: LoadingPolicy) -> LoadedAttributes:
        return LoadedAttributes(_select(self.data, data), _select(self.search, search), data.load, search.load)


def _select(attributes: Mapping[str, _Attribute], policy: LoadingPolicy) -> tuple[_Attribute, ...]:
    """iWF 4.6. Sorted by key: code points sort as their UTF-8 bytes do."""
    if not attributes:
        return ()
    match policy.load:
        case Loading.NONE:
            return ()
        case Loading.ALL:
            return tuple([attributes[key] for key in sorted(attributes)])
        case Loading.PARTIAL if policy.keys_are_prefixes:
            wanted = (*policy.keys, *(policy.locks or ()))
            return tuple(attributes[key] for key in sorted(attributes) if key.startswith(wanted))
        case Loading.PARTIAL:
            keys = sorted({*policy.keys, *(policy.locks or ())})
            return tuple(attributes[key] for key in keys if key in attributes)
