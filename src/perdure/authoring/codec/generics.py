"""What a class's type parameters stand for, through all its bases."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import TypeVar

from perdure.authoring.codec.codec import Unsupported


def type_arguments(kind: type, arguments: tuple[object, ...] = ()) -> dict[object, object]:
    """Return what each type parameter of *kind* and of its generic bases stands for."""
    parameters: tuple[object, ...] = getattr(kind, "__parameters__", ())
    known: dict[object, object] = dict(zip(parameters, arguments, strict=False))
    bases: tuple[object, ...] = kind.__dict__.get("__orig_bases__", kind.__bases__)
    for base in bases:
        origin = typing.get_origin(base) or base
        if not isinstance(origin, type) or origin in (object, typing.Generic, typing.Protocol):
            continue
        inner = tuple(substituted(argument, known) for argument in typing.get_args(base))
        for parameter, argument in type_arguments(origin, inner).items():
            known.setdefault(parameter, argument)
    return known


def substituted(hint: object, known: Mapping[object, object]) -> object:
    """Return *hint* with its type parameters replaced by what they stand for."""
    if isinstance(hint, TypeVar):
        return known.get(hint, hint)
    parameters: tuple[object, ...] = getattr(hint, "__parameters__", ())
    if isinstance(hint, type) or not parameters:
        return hint
    return hint[tuple(known.get(parameter, parameter) for parameter in parameters)]  # type: ignore[index]  # a generic alias


def hints_of(
    kind: type, arguments: tuple[object, ...] = (), local: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return the annotations of a class and its bases, evaluated, with type parameters replaced.

    Raises:
        Unsupported: an annotation cannot be evaluated; the message says which name is missing.
    """
    try:
        hints: dict[str, object] = typing.get_type_hints(kind, localns=None if local is None else dict(local))
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise Unsupported(f"the annotations of {kind.__qualname__} cannot be read: {error}") from None
    known = type_arguments(kind, arguments)
    return {name: substituted(hint, known) for name, hint in hints.items()}
