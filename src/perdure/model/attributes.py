"""What a workflow remembers: data attributes (its memory) and search attributes (its index card)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from perdure.model.value import EncodedValue


@dataclass(frozen=True, slots=True)
class DataAttribute:
    """A named value. Written by key, the last write wins; a write without a value keeps the key."""

    key: str
    value: EncodedValue | None = None


class SearchAttributeType(StrEnum):
    """How the index compares a search attribute."""

    KEYWORD = "KEYWORD"
    TEXT = "TEXT"
    DATETIME = "DATETIME"
    INT = "INT"
    DOUBLE = "DOUBLE"
    BOOL = "BOOL"
    KEYWORD_ARRAY = "KEYWORD_ARRAY"


SearchValue = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchAttribute:
    """A named, typed, indexed value, kept as written.

    A ``DATETIME`` is text here: RFC 3339 with an offset, Unix nanoseconds, or a time ago (``3d``);
    what the index makes of it is the store's business. ``type`` is absent only in input that is
    about to be refused.
    """

    key: str
    type: SearchAttributeType | None
    value: SearchValue | None = None


class Loading(StrEnum):
    """Which attributes a call receives."""

    ALL = "ALL"
    PARTIAL = "PARTIAL"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class LoadingPolicy:
    """Which attributes a call receives and which it holds while it runs."""

    load: Loading = Loading.ALL
    keys: tuple[str, ...] = ()
    """The attributes of a ``PARTIAL`` load; locked keys are loaded in any case."""
    keys_are_prefixes: bool = False
    """Each of ``keys`` stands for every attribute whose key begins with it."""
    locks: tuple[str, ...] | None = None
    """Keys held exclusively during the call. ``None``: the call does not lock; ``()``: it runs
    as a locking call that holds nothing, which still makes an RPC's read and write one step."""


LOAD_ALL = LoadingPolicy()
LOAD_NONE = LoadingPolicy(Loading.NONE)
