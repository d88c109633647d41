"""What can be said of two annotations by looking at them."""

from __future__ import annotations

import re
import typing
from typing import Any, TypeVar

from perdure.authoring.converter import ANYTHING
from perdure.authoring.index import MAY_HOLD
from perdure.model.attributes import SearchAttributeType

_MODULES = re.compile(r"\b(?:\w+\.)+(?=\w)")


def parts(declared: object) -> list[object]:
    """Return the members of a union but ``None``; of anything else, itself."""
    origin = typing.get_origin(declared)
    if origin is typing.Union or type(declared).__name__ == "UnionType":
        return [part for part in typing.get_args(declared) if part is not type(None)]
    return [declared]


def assignable(given: object, wanted: object) -> bool:
    """Say whether a value of one type can stand where another is wanted, as far as that can be seen."""
    if given is None:
        given = type(None)
    if wanted is None:
        wanted = type(None)
    if given == wanted or ANYTHING in (given, wanted) or object in (given, wanted):
        return True
    if isinstance(given, TypeVar) or isinstance(wanted, TypeVar):
        return True
    given_parts, wanted_parts = members(given), members(wanted)
    if len(given_parts) > 1 or len(wanted_parts) > 1:
        return all(any(assignable(part, other) for other in wanted_parts) for part in given_parts)
    if (
        isinstance(given, type)
        and isinstance(wanted, type)
        and typing.get_origin(given) is None
        and typing.get_origin(wanted) is None
    ):
        return issubclass(given, wanted) or (given is int and wanted is float)
    return False


def members(declared: object) -> list[object]:
    origin = typing.get_origin(declared)
    if origin is typing.Union or type(declared).__name__ == "UnionType":
        return list(typing.get_args(declared))
    return [declared]


def indexable(declared: object, kind: SearchAttributeType) -> bool:
    """Say whether the index may have room for values of a type; one that cannot be judged here is judged by its values."""
    words = MAY_HOLD[kind]
    if not isinstance(declared, type):
        origin = typing.get_origin(declared)
        if isinstance(origin, type):
            return issubclass(origin, words)
        return True
    return declared in (Any, object) or issubclass(declared, words)


def written(declared: object) -> str:
    """Return a type as an author writes it."""
    if declared is None or declared is type(None):
        return "None"
    if isinstance(declared, type) and typing.get_origin(declared) is None:
        return declared.__name__
    return _MODULES.sub("", str(declared))


def told_apart(found: object, expected: type) -> str:
    """Return a type by its name, and by its module too if the expected one has the same name."""
    name = written(found)
    return f"{found.__module__}.{name}" if isinstance(found, type) and name == expected.__name__ else name
