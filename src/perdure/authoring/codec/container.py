"""Codecs of values with values inside: lists, tuples, sets, dicts, and anything at all."""

from __future__ import annotations

import json
from collections.abc import Callable

from perdure.authoring.codec.codec import ALL_KINDS, Codec, Kind, Mismatch, Unsupported

Compile = Callable[[object], Codec]

_LIST = frozenset({Kind.LIST})
_DICT = frozenset({Kind.DICT})


def _each(items: list[object] | tuple[object, ...], convert: Callable[[object], object]) -> list[object]:
    converted: list[object] = []
    try:
        for item in items:
            converted.append(convert(item))  # noqa: PERF401 - its length is the index of the item that does not fit
    except Mismatch as mismatch:
        raise mismatch.below(f"[{len(converted)}]") from None
    return converted


def list_codec(item: Codec, *, name: str = "list") -> Codec:
    """Return the codec of a list; an abstract sequence also takes a tuple, which comes back as a list."""
    expected = f"{name}[{item.expected}]"
    taken: tuple[type, ...] = (list,) if name == "list" else (list, tuple)

    def encode(value: object) -> object:
        if isinstance(value, taken) and isinstance(value, list | tuple):
            return _each(value, item.encode)
        raise Mismatch(value, expected)

    def decode(raw: object) -> object:
        if isinstance(raw, list):
            return _each(raw, item.decode)
        raise Mismatch(raw, expected)

    return Codec(expected, encode, decode, _LIST, immutable=False, python=list)


def tuple_codec(item: Codec) -> Codec:
    """Return the codec of a tuple of any length."""
    expected = f"tuple[{item.expected}, ...]"

    def encode(value: object) -> object:
        if isinstance(value, tuple):
            return _each(value, item.encode)
        raise Mismatch(value, expected)

    def decode(raw: object) -> object:
        if isinstance(raw, list):
            return tuple(_each(raw, item.decode))
        raise Mismatch(raw, expected)

    return Codec(expected, encode, decode, _LIST, immutable=item.immutable, python=tuple)


def fixed_tuple_codec(items: tuple[Codec, ...]) -> Codec:
    """Return the codec of a tuple with a type for each place."""
    expected = f"tuple[{', '.join(item.expected for item in items) or '()'}]"

    def walk(values: list[object] | tuple[object, ...], *, writing: bool) -> list[object]:
        if len(values) != len(items):
            raise Mismatch(values, expected, because=f"{len(items)} items, not {len(values)}")
        places = iter(items)
        return _each(values, lambda value: next(places).encode(value) if writing else next(places).decode(value))

    def encode(value: object) -> object:
        if isinstance(value, tuple):
            return walk(value, writing=True)
        raise Mismatch(value, expected)

    def decode(raw: object) -> object:
        if isinstance(raw, list):
            return tuple(walk(raw, writing=False))
        raise Mismatch(raw, expected)

    return Codec(expected, encode, decode, _LIST, immutable=all(item.immutable for item in items), python=tuple)


def set_codec(item: Codec, kind: type[set[object]] | type[frozenset[object]]) -> Codec:
    """Write the items in a fixed order, so that equal sets are written alike."""
    expected = f"{kind.__name__}[{item.expected}]"

    def encode(value: object) -> object:
        if isinstance(value, kind):
            return sorted((item.encode(member) for member in value), key=_as_json)
        raise Mismatch(value, expected)

    def decode(raw: object) -> object:
        if not isinstance(raw, list):
            raise Mismatch(raw, expected)
        try:
            return kind(_each(raw, item.decode))
        except TypeError as error:
            raise Mismatch(raw, expected, because=str(error)) from None

    immutable = kind is frozenset and item.immutable
    return Codec(expected, encode, decode, _LIST, immutable=immutable, python=kind)


def _as_json(raw: object) -> str:
    return json.dumps(raw, sort_keys=True)


def dict_codec(key: Codec, value: Codec, *, name: str = "dict") -> Codec:
    expected = f"{name}[{key.expected}, {value.expected}]"
    write_key, read_key = _key_writer(key), _key_reader(key)

    def encode(whole: object) -> object:
        if not isinstance(whole, dict):
            raise Mismatch(whole, expected)
        written: dict[str, object] = {}
        for name, inner in whole.items():
            try:
                written[write_key(name)] = value.encode(inner)
            except Mismatch as mismatch:
                raise mismatch.below(f"[{name!r}]") from None
        return written

    def decode(raw: object) -> object:
        if not isinstance(raw, dict):
            raise Mismatch(raw, expected)
        read: dict[object, object] = {}
        for text, inner in raw.items():
            try:
                read[read_key(text)] = value.decode(inner)
            except Mismatch as mismatch:
                raise mismatch.below(f"[{text!r}]") from None
        return read

    return Codec(expected, encode, decode, _DICT, immutable=False, python=dict)


def _key_writer(key: Codec) -> Callable[[object], str]:
    if key.writes not in ({Kind.STR}, {Kind.INT}) and key.writes != ALL_KINDS:
        raise Unsupported(f"{key.expected} cannot be the key of a JSON object; use str, int, an enum or a UUID")

    def write(name: object) -> str:
        raw = key.encode(name)
        if type(raw) is str:
            return raw
        if type(raw) is int and key.writes == {Kind.INT}:
            return str(raw)
        raise Mismatch(name, "str", because="the key of a JSON object without a declared type")

    return write


def _key_reader(key: Codec) -> Callable[[str], object]:
    if key.writes != {Kind.INT}:
        return key.decode

    def read(text: str) -> object:
        try:
            raw = int(text)
        except ValueError:
            raise Mismatch(text, key.expected) from None
        return key.decode(raw)

    return read


def anything_codec(compile_: Compile) -> Codec:
    """Return the codec of a value that no annotation describes: written by its own type, read as plain JSON."""

    def encode(value: object) -> object:
        kind = type(value)
        if kind in (type(None), bool, int, str):
            return value
        if kind in (list, tuple):
            return _each(value, encode)  # type: ignore[arg-type]  # its class was just looked at
        if kind is dict:
            return anything_dict.encode(value)
        try:
            if kind is object:  # declared, it stands for anything; as a value it is nothing that could be read back
                raise Unsupported("a bare object has nothing to write")
            codec = compile_(kind)
        except Unsupported as unsupported:
            raise Mismatch(value, "a value that JSON can hold", because=str(unsupported)) from None
        return codec.encode(value)

    def decode(raw: object) -> object:
        return raw

    anything = Codec("anything", encode, decode, ALL_KINDS, immutable=False)
    anything_dict = dict_codec(anything, anything)
    return anything
