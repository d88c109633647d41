"""An event without what authors and people have put into it: values, attributes, texts of errors, reasons.

Rule 1: nothing that a rule looks at is changed, so what is left folds as before: states, calls, times
        and ids are the same, and in each place where there was a value there is one that says that
        it was erased.
Rule 2: names stay: of workflows, states, channels, attributes, conditions, RPCs, and the keys that an
        author makes at run time. They are how a history is read, and no place for what is private.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from perdure.interpreter.events import CallRejected, Event, Resumed, Stopped
from perdure.model.attributes import SearchAttribute
from perdure.model.calls import Failure
from perdure.model.outcome import Outcome
from perdure.model.value import ERASED, EncodedValue

ERASED_TEXT = "(erased)"

QUOTING_KINDS = frozenset({"call-exhausted", "call-rejected", "stopped", "resumed"})
"""Kinds of events whose bodies hold texts that somebody has written: the bodies of all others are without."""

T = TypeVar("T")


def erased(event: Event) -> Event:
    """Return *event* as it is kept once it is erased. To erase it again changes nothing."""
    return without_values(event)


def without_values(thing: T) -> T:
    """Return an event, an effect or any part of them without what is in its values."""
    return cast("T", _emptied(thing))


def erased_reason(reason: str) -> str:
    """Return what is left of what somebody has written down as a reason."""
    return ERASED_TEXT if reason else ""


def _emptied(thing: Any) -> Any:
    match thing:
        case EncodedValue():
            return ERASED
        case SearchAttribute():
            return replace(thing, value=None)
        case tuple():
            return tuple([_emptied(item) for item in thing])
        case Failure():
            return replace(thing, message=erased_reason(thing.message), detail=erased_reason(thing.detail))
        case CallRejected():
            return replace(thing, message=erased_reason(thing.message))
        case Stopped():
            return replace(thing, reason=erased_reason(thing.reason))
        case Resumed():
            parts = _emptied_fields(thing)
            return replace(thing, **{**parts, "reason": erased_reason(thing.reason)})
        case Outcome():
            parts = _emptied_fields(thing)
            message = thing.error_message and ERASED_TEXT
            return replace(thing, **{**parts, "error_message": message})
        case _ if is_dataclass(thing) and not isinstance(thing, type):
            return replace(thing, **_emptied_fields(thing))
        case _:
            return thing


def _emptied_fields(thing: Any) -> dict[str, Any]:
    return {field.name: _emptied(getattr(thing, field.name)) for field in fields(thing)}
