"""Codecs of values with named parts: dataclasses, attrs classes, named tuples, typed dicts."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perdure.authoring.codec.codec import MISSING, Codec, Kind, Mismatch, Unsupported
from perdure.authoring.codec.generics import hints_of

Compile = Callable[[object], Codec]

_DICT = frozenset({Kind.DICT})


@dataclass(frozen=True, slots=True)
class Part:
    """One named part of a record."""

    name: str
    codec: Codec
    required: bool
    argument: str
    """What the constructor calls it."""


def _step(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{name!r}]"


def _read_parts(parts: tuple[Part, ...], raw: object, expected: str) -> dict[str, object]:
    """Read what is there; keys that no part has are ignored, so that older code reads newer values."""
    if not isinstance(raw, dict):
        raise Mismatch(raw, expected)
    read: dict[str, object] = {}
    for part in parts:
        inner = raw.get(part.name, MISSING)
        if inner is MISSING:
            if part.required:
                raise Mismatch(MISSING, part.codec.expected).below(_step(part.name))
            continue
        try:
            read[part.argument] = part.codec.decode(inner)
        except Mismatch as mismatch:
            raise mismatch.below(_step(part.name)) from None
    return read


def _write_part(part: Part, value: object) -> object:
    try:
        return part.codec.encode(value)
    except Mismatch as mismatch:
        raise mismatch.below(_step(part.name)) from None


def _object_codec(kind: type, parts: tuple[Part, ...], *, expected: str, immutable: bool) -> Codec:
    """Return the codec of a class whose constructor takes its parts by name."""

    def encode(value: object) -> object:
        if type(value) is not kind:
            because = f"what {type(value).__name__} adds would be lost" if isinstance(value, kind) else ""
            raise Mismatch(value, expected, because=because)
        return {part.name: _write_part(part, getattr(value, part.name)) for part in parts}

    def decode(raw: object) -> object:
        arguments = _read_parts(parts, raw, expected)
        try:
            return kind(**arguments)
        except (TypeError, ValueError) as error:
            raise Mismatch(raw, expected, because=str(error)) from None

    keys = frozenset(part.name for part in parts)
    immutable = immutable and all(part.codec.immutable for part in parts)
    return Codec(expected, encode, decode, _DICT, immutable=immutable, python=kind, keys=keys)


def dataclass_codec(kind: type, arguments: tuple[object, ...], compile_: Compile, expected: str) -> Codec:
    hints = hints_of(kind, arguments)
    fields = dataclasses.fields(kind)
    needed = {name for name, hint in hints.items() if isinstance(hint, dataclasses.InitVar) and not hasattr(kind, name)}
    if needed:
        raise Unsupported(f"{expected} needs {', '.join(sorted(needed))} to be made and does not keep it")
    parts = tuple(
        Part(
            field.name,
            _part_codec(compile_, hints.get(field.name, field.type), f"{expected}.{field.name}"),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            field.name,
        )
        for field in fields
        if field.init
    )
    frozen = bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]  # as above
    return _object_codec(kind, parts, expected=expected, immutable=frozen)


def attrs_codec(kind: type, arguments: tuple[object, ...], compile_: Compile, expected: str) -> Codec:
    nothing: object = sys.modules["attr"].NOTHING
    hints = hints_of(kind, arguments)
    parts = tuple(
        Part(
            attribute.name,
            _part_codec(compile_, hints.get(attribute.name, object), f"{expected}.{attribute.name}"),
            attribute.default is nothing,
            attribute.alias,
        )
        for attribute in kind.__attrs_attrs__  # type: ignore[attr-defined]  # the caller saw that it has them
        if attribute.init
    )
    return _object_codec(kind, parts, expected=expected, immutable=False)


def named_tuple_codec(kind: type, arguments: tuple[object, ...], compile_: Compile, expected: str) -> Codec:
    hints = hints_of(kind, arguments)
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]  # the caller saw that it has them
    defaults: Mapping[str, object] = kind._field_defaults  # type: ignore[attr-defined]  # as above
    parts = tuple(
        Part(name, _part_codec(compile_, hints.get(name, object), f"{expected}.{name}"), name not in defaults, name)
        for name in names
    )
    return _object_codec(kind, parts, expected=expected, immutable=True)


def typed_dict_codec(kind: type, arguments: tuple[object, ...], compile_: Compile, expected: str) -> Codec:
    required = _required_keys(kind)
    parts = tuple(
        Part(name, _part_codec(compile_, hint, f"{expected}.{name}"), name in required, name)
        for name, hint in hints_of(kind, arguments).items()
    )
    by_name = {part.name: part for part in parts}

    def encode(value: object) -> object:
        if not isinstance(value, dict):
            raise Mismatch(value, expected)
        for name in value:
            if name not in by_name:
                raise Mismatch(value[name], f"no such key in {expected}").below(f"[{name!r}]")
        for part in parts:
            if part.required and part.name not in value:
                raise Mismatch(MISSING, part.codec.expected).below(_step(part.name))
        return {name: _write_part(by_name[name], inner) for name, inner in value.items()}

    def decode(raw: object) -> object:
        return _read_parts(parts, raw, expected)

    return Codec(expected, encode, decode, _DICT, immutable=False, python=dict, keys=frozenset(by_name))


def _required_keys(kind: type) -> set[str]:
    required: set[str] = set(kind.__required_keys__)  # type: ignore[attr-defined]  # the caller saw that it has them
    # Python 3.11 does not see a NotRequired[…] in an annotation that is still text.
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        origin = typing.get_origin(hint)
        if origin is typing.NotRequired:
            required.discard(name)
        elif origin is typing.Required:
            required.add(name)
    return required


def _part_codec(compile_: Compile, hint: object, place: str) -> Codec:
    try:
        return compile_(hint)
    except Unsupported as unsupported:
        raise Unsupported(f"{place}: {unsupported}") from None


def is_typed_dict(kind: object) -> bool:
    return typing.is_typeddict(kind)


def is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def is_attrs(kind: type) -> bool:
    return "attr" in sys.modules and hasattr(kind, "__attrs_attrs__")
