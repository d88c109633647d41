from __future__ import annotations

from enum import Enum, Flag, IntEnum, StrEnum, auto
from typing import Literal

import pytest

from perdure.authoring.codec.choice import enum_codec
from perdure.authoring.codec.codec import Mismatch, Unsupported
from perdure.authoring.codec.compiler import codec_of


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Plan(StrEnum):
    FREE = "free"


class Place(Enum):
    HERE = (1, 2)
    THERE = object()


class Right(Flag):
    READ = auto()
    WRITE = auto()


@pytest.mark.parametrize(
    ("member", "raw"),
    [(Colour.RED, "r"), (Level.HIGH, 2), (Plan.FREE, "free"), (Right.READ | Right.WRITE, 3), (Place.THERE, "THERE")],
)
def test_a_member_is_written_as_its_value_or_else_its_name(member: Enum, raw: object) -> None:
    codec = enum_codec(type(member))
    assert codec.encode(member) == raw
    assert type(codec.encode(member)) is type(raw)
    assert codec.decode(raw) is member


@pytest.mark.parametrize("raw", ["green", 1, None, ["r"], {}])
def test_no_member_is_not_read(raw: object) -> None:
    with pytest.raises(Mismatch) as caught:
        enum_codec(Colour).decode(raw)
    assert "one of 'r', 'b'" in caught.value.told("colour")


@pytest.mark.parametrize("raw", [8, "READ", True])
def test_no_flag_is_not_read(raw: object) -> None:
    with pytest.raises(Mismatch):
        enum_codec(Right).decode(raw)


def test_a_value_is_no_member() -> None:
    with pytest.raises(Mismatch):
        enum_codec(Colour).encode("r")


def test_an_enum_without_members_is_refused() -> None:
    class Empty(Enum):
        pass

    with pytest.raises(Unsupported):
        enum_codec(Empty)


def test_literals_are_told_apart_by_type_too() -> None:
    codec = codec_of(Literal[1, "a", Colour.RED])
    assert [codec.encode(value) for value in (1, "a", Colour.RED)] == [1, "a", "r"]
    assert codec.decode("r") is Colour.RED
    with pytest.raises(Mismatch) as caught:
        codec.encode(True)
    assert caught.value.told("x") == "x: found bool True, expected 1 or 'a' or <Colour.RED: 'r'>"
    with pytest.raises(Mismatch):
        codec.decode(True)
