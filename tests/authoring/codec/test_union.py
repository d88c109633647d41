from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Any, Literal
from uuid import UUID

import pytest

from perdure.authoring.codec.codec import Mismatch, Unsupported
from perdure.authoring.codec.compiler import codec_of


@dataclass(frozen=True)
class Card:
    number: str
    kind: Literal["card"] = "card"


@dataclass(frozen=True)
class Bank:
    number: str
    kind: Literal["bank"] = "bank"


@dataclass(frozen=True)
class Cat:
    name: str


@dataclass(frozen=True)
class Dog:
    name: str


@dataclass(frozen=True)
class Puppy:
    name: str
    weeks: int


class Colour(Enum):
    RED = "r"


class Plan(StrEnum):
    FREE = "free"


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        (int | None, [1, None]),
        (int | str | None, [1, "a", None]),
        (int | float, [1, 1.0]),
        (float | int, [1, 1.5]),
        (bool | int, [True, 1]),
        (Card | Bank, [Card("1"), Bank("1")]),
        (Dog | Puppy, [Dog("a"), Puppy("a", 3)]),
        (list[int] | dict[str, int], [[1], {"a": 1}]),
        (list[int] | list[str], [[1], ["a"], []]),
        (date | datetime, [date(2026, 1, 1), datetime(2026, 1, 1, 1)]),  # noqa: DTZ001 - without a zone too
        (UUID | date, [UUID(int=0), date(2026, 1, 1)]),
        (Colour | int, [Colour.RED, 3]),
        (Plan | str, [Plan.FREE, "other"]),
        (Literal["a"] | str, ["a", "b"]),
        (Card | str | None, [Card("1"), "x", None]),
    ],
)
def test_each_member_comes_back_as_itself(declared: object, values: list[object]) -> None:
    codec = codec_of(declared)
    for value in values:
        read = codec.decode(codec.encode(value))
        assert read == value
        assert type(read) is type(value)


def test_the_order_of_members_changes_nothing() -> None:
    for declared in (date | UUID, UUID | date):
        assert codec_of(declared).decode("2026-01-01") == date(2026, 1, 1)


def test_a_value_that_would_come_back_as_another_is_refused() -> None:
    with pytest.raises(Mismatch) as caught:
        codec_of(Cat | Dog).encode(Dog("a"))
    assert "would be read back as Cat; tell them apart by a field with a Literal" in caught.value.told("pet")


@pytest.mark.parametrize("declared", [str | UUID, bytes | str, datetime | str | None])
def test_members_that_are_both_any_text_are_refused(declared: object) -> None:
    with pytest.raises(Unsupported, match="cannot be told apart"):
        codec_of(declared)


@pytest.mark.parametrize(
    ("declared", "raw", "told"),
    [
        (int | str, 1.5, "x: found float 1.5, expected int | str"),
        (Cat | None, {"name": 3}, "x.name: found int 3, expected str"),
        (
            Card | Bank,
            {"kind": "cash", "number": "1"},
            "x: found dict {'kind': 'cash', 'number': '1'}, expected Bank | Card",
        ),
    ],
)
def test_what_cannot_be_read_is_told(declared: object, raw: object, told: str) -> None:
    with pytest.raises(Mismatch) as caught:
        codec_of(declared).decode(raw)
    assert sorted(caught.value.told("x")) == sorted(told)


def test_what_is_wrong_inside_the_right_member_is_told() -> None:
    with pytest.raises(Mismatch) as caught:
        codec_of(Cat | None).encode(Cat(name=3))  # type: ignore[arg-type]  # what a checker would have found
    assert caught.value.told("x") == "x.name: found int 3, expected str"


def test_what_is_no_member_is_told() -> None:
    with pytest.raises(Mismatch) as caught:
        codec_of(int | None).encode("a")
    assert caught.value.told("x") == "x: found str 'a', expected int | None"


def test_anything_stands_beside_others() -> None:
    codec = codec_of(Any | None)
    assert codec.decode(codec.encode({"a": 1})) == {"a": 1}
