"""Codecs of values that are one of a known few: enums and literals."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, Flag

from perdure.authoring.codec.codec import Codec, Kind, Mismatch, Unsupported, kind_of

Compile = Callable[[object], Codec]

_PLAIN = (bool, int, float, str)


def enum_codec(kind: type[Enum]) -> Codec:
    """Write a member as its value where that is plain JSON for all of them, else as its name."""
    if issubclass(kind, Flag):
        return _flag_codec(kind)
    by_value = all(type(member.value) in _PLAIN for member in kind)
    written: dict[Enum, object] = {member: member.value if by_value else member.name for member in kind}
    members = {(type(raw), raw): member for member, raw in written.items()}
    name = kind.__name__
    if not written:
        raise Unsupported(f"{name} has no members")

    def encode(value: object) -> object:
        if isinstance(value, kind):
            return written[value]
        raise Mismatch(value, name)

    def decode(raw: object) -> object:
        try:
            return members[type(raw), raw]
        except (KeyError, TypeError):  # TypeError: a list or an object, which no key can be
            raise Mismatch(raw, name, because=f"one of {_listed(list(written.values()))}") from None

    return Codec(name, encode, decode, frozenset(kind_of(raw) for raw in written.values()), python=kind)


def _flag_codec(kind: type[Flag]) -> Codec:
    name = kind.__name__

    def encode(value: object) -> object:
        if isinstance(value, kind):
            return int(value.value)
        raise Mismatch(value, name)

    def decode(raw: object) -> object:
        if type(raw) is not int:
            raise Mismatch(raw, name)
        try:
            return kind(raw)
        except ValueError as error:
            raise Mismatch(raw, name, because=str(error)) from None

    return Codec(name, encode, decode, frozenset({Kind.INT}), python=kind)


def literal_codec(values: tuple[object, ...], compile_: Compile) -> Codec:
    written = [(value, compile_(type(value)).encode(value)) for value in values]
    name = " or ".join(repr(value) for value in values)

    def encode(value: object) -> object:
        for known, raw in written:
            if type(known) is type(value) and known == value:
                return raw
        raise Mismatch(value, name)

    def decode(raw: object) -> object:
        for known, wanted in written:
            if type(wanted) is type(raw) and wanted == raw:
                return known
        raise Mismatch(raw, name)

    return Codec(name, encode, decode, frozenset(kind_of(raw) for _, raw in written))


def _listed(raws: list[object]) -> str:
    return ", ".join(repr(raw) for raw in raws)
