"""From an annotation to its codec."""

from __future__ import annotations

import collections.abc
import dataclasses
import types
import typing
from enum import Enum
from typing import Any, Literal, NewType, TypeVar, Union

from perdure.authoring.codec.choice import enum_codec, literal_codec
from perdure.authoring.codec.codec import ALL_KINDS, Codec, Unsupported
from perdure.authoring.codec.container import (
    anything_codec,
    dict_codec,
    fixed_tuple_codec,
    list_codec,
    set_codec,
    tuple_codec,
)
from perdure.authoring.codec.foreign import is_msgspec, is_pydantic, msgspec_codec, pydantic_codec
from perdure.authoring.codec.record import (
    attrs_codec,
    dataclass_codec,
    is_attrs,
    is_named_tuple,
    is_typed_dict,
    named_tuple_codec,
    typed_dict_codec,
)
from perdure.authoring.codec.scalar import SCALARS
from perdure.authoring.codec.union import union_codec

_CACHE: dict[object, Codec] = dict(SCALARS)
"""Codecs by annotation. Two threads may compile the same one; either result serves."""

_LISTS: dict[object, str] = {
    list: "list",
    collections.abc.Sequence: "Sequence",
    collections.abc.MutableSequence: "MutableSequence",
    collections.abc.Collection: "Collection",
    collections.abc.Iterable: "Iterable",
}
_DICTS: dict[object, str] = {
    dict: "dict",
    collections.abc.Mapping: "Mapping",
    collections.abc.MutableMapping: "MutableMapping",
}
_SETS: dict[object, type[set[object]] | type[frozenset[object]]] = {
    set: set,
    collections.abc.MutableSet: set,
    frozenset: frozenset,
    collections.abc.Set: frozenset,
}


def codec_of(declared: object) -> Codec:
    """Return the codec of an annotation, compiled when it is first asked for.

    Raises:
        Unsupported: no codec can write its values and read them back.
    """
    try:
        codec = _CACHE.get(declared)
    except TypeError:  # an annotation with something unhashable in it
        return _Compiler().compile(declared)
    return _Compiler().compile(declared) if codec is None else codec


class _Compiler:
    """Compiles one annotation; remembers what it is in the middle of, for types that contain themselves."""

    def __init__(self) -> None:
        self._open: dict[object, list[Codec]] = {}
        self._done: dict[object, Codec] = {}

    def compile(self, declared: object) -> Codec:
        declared = _bare(declared)
        try:
            known = _CACHE.get(declared) or self._done.get(declared)
        except TypeError:
            raise Unsupported(f"{declared!r} is no type") from None
        if known is not None:
            return known
        if declared in self._open:
            return _deferred(self._open[declared], str(declared))
        compiled = self._open[declared] = []
        try:
            codec = self._made(declared)
        finally:
            del self._open[declared]
        compiled.append(codec)
        self._done[declared] = codec
        if not self._open:  # only now is every codec in it whole
            _CACHE.update(self._done)
        return codec

    def _made(self, declared: object) -> Codec:
        origin, arguments = typing.get_origin(declared) or declared, typing.get_args(declared)
        if origin in (Any, object):
            return anything_codec(codec_of)
        if origin in (Union, types.UnionType):
            return union_codec(tuple(self.compile(argument) for argument in arguments))
        if origin is Literal:
            return literal_codec(arguments, self.compile)
        if origin in _LISTS:
            return list_codec(self._argument(arguments, 0), name=_LISTS[origin])
        if origin in _DICTS:
            return dict_codec(self._argument(arguments, 0), self._argument(arguments, 1), name=_DICTS[origin])
        if origin in _SETS:
            return set_codec(self._argument(arguments, 0), _SETS[origin])
        if origin is tuple:
            return self._tuple(declared, arguments)
        if isinstance(origin, type):
            return self._class(origin, declared, arguments)
        raise Unsupported(f"{declared!r} is no type whose values can be kept")

    def _argument(self, arguments: tuple[object, ...], place: int) -> Codec:
        return self.compile(arguments[place] if place < len(arguments) else Any)

    def _tuple(self, declared: object, arguments: tuple[object, ...]) -> Codec:
        if declared is tuple:
            return tuple_codec(self.compile(Any))
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple_codec(self.compile(arguments[0]))
        return fixed_tuple_codec(tuple(self.compile(argument) for argument in arguments))

    def _class(self, kind: type, declared: object, arguments: tuple[object, ...]) -> Codec:
        expected = _name(kind, arguments)
        if issubclass(kind, Enum):
            return enum_codec(kind)
        if is_pydantic(kind):
            return pydantic_codec(kind, declared)
        if is_msgspec(kind):
            return msgspec_codec(kind, declared)
        if is_typed_dict(kind):
            return typed_dict_codec(kind, arguments, self.compile, expected)
        if is_named_tuple(kind):
            return named_tuple_codec(kind, arguments, self.compile, expected)
        if dataclasses.is_dataclass(kind):
            return dataclass_codec(kind, arguments, self.compile, expected)
        if is_attrs(kind):
            return attrs_codec(kind, arguments, self.compile, expected)
        raise Unsupported(
            f"{expected} cannot be written as JSON and read back; use a dataclass, or a type of the standard library"
        )


def _bare(declared: object) -> object:
    """Take off what says nothing about how a value is written."""
    while True:
        if typing.get_origin(declared) is typing.Annotated:
            declared = declared.__origin__  # type: ignore[attr-defined]  # an Annotated has it
        elif isinstance(declared, NewType):
            declared = declared.__supertype__
        elif isinstance(declared, TypeVar):
            declared = declared.__bound__ or Any
        elif type(declared).__name__ == "TypeAliasType":  # Python 3.12's `type` statement
            declared = declared.__value__  # type: ignore[attr-defined]  # an alias has it
        elif isinstance(declared, str | typing.ForwardRef):
            raise Unsupported(f"{declared!r} cannot be read as a type")
        else:
            return declared


def _deferred(compiled: list[Codec], expected: str) -> Codec:
    """Return a codec that stands for one that is still being compiled."""
    return Codec(
        expected,
        lambda value: compiled[0].encode(value),
        lambda raw: compiled[0].decode(raw),
        ALL_KINDS,
        immutable=False,
    )


def _name(kind: type, arguments: tuple[object, ...]) -> str:
    if not arguments:
        return kind.__name__
    return f"{kind.__name__}[{', '.join(getattr(argument, '__name__', str(argument)) for argument in arguments)}]"


def is_immutable(declared: object) -> bool:
    """Say whether no value of this type can change in place."""
    return codec_of(declared).immutable
