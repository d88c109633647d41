"""A user's value, sealed: the engine carries it and never looks inside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncodedValue:
    """A user's value as text, with the name of the encoding that can read it.

    Every field may be absent, and absent is not the same as empty: a value comes back exactly as
    it was given. "No value at all" is ``None`` in the place of an ``EncodedValue``.
    """

    data: str | None = None
    encoding: str | None = None
    external_store_id: str | None = None
    """The blob store that holds the data of a large value; the data itself is absent then."""
    external_path: str | None = None


EMPTY_VALUE = EncodedValue()
"""What iWF writes as ``{}``: a value is there, and nothing is in it."""


ERASED = EncodedValue(encoding="perdure.erased")
"""What stands where a value was before it was erased, with all else that was known of a person."""


@dataclass(frozen=True, slots=True)
class Message:
    """One value on its way to a channel."""

    channel: str
    value: EncodedValue | None = None
