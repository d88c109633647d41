from __future__ import annotations

from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from datetime import date
from typing import Generic, NamedTuple, NotRequired, TypedDict, TypeVar

import attrs
import pytest

from perdure.authoring.codec.codec import Mismatch, Unsupported
from perdure.authoring.codec.compiler import codec_of, is_immutable

T = TypeVar("T")


@dataclass(frozen=True)
class Form:
    name: str
    email: str
    born: date | None = None
    tags: tuple[str, ...] = ()


@dataclass
class Account:
    form: Form
    logins: list[int] = field(default_factory=list)
    shown: str = field(init=False, default="")


@dataclass(frozen=True)
class Box(Generic[T]):
    inside: T
    more: list[T]


@dataclass(frozen=True)
class IntBox(Box[int]):
    label: str = ""


@dataclass(frozen=True)
class Tree:
    value: int
    children: tuple[Tree, ...] = ()


@dataclass
class Positive:
    n: int

    def __post_init__(self) -> None:
        if self.n <= 0:
            raise ValueError(f"n is {self.n}, expected more than 0")


class Point(NamedTuple):
    x: int
    y: int = 0


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


@attrs.define
class Parcel:
    weight: float
    _secret: str = "none"


@pytest.mark.parametrize(
    ("declared", "value", "raw"),
    [
        (Form, Form("ada", "a@b"), {"name": "ada", "email": "a@b", "born": None, "tags": []}),
        (
            Account,
            Account(Form("a", "b"), [1]),
            {"form": {"name": "a", "email": "b", "born": None, "tags": []}, "logins": [1]},
        ),
        (Box[int], Box(1, [2]), {"inside": 1, "more": [2]}),
        (Box[date], Box(date(2026, 1, 1), []), {"inside": "2026-01-01", "more": []}),
        (IntBox, IntBox(1, [2], "a"), {"inside": 1, "more": [2], "label": "a"}),
        (Tree, Tree(1, (Tree(2),)), {"value": 1, "children": [{"value": 2, "children": []}]}),
        (Point, Point(1), {"x": 1, "y": 0}),
        (Movie, {"title": "M"}, {"title": "M"}),
        (Movie, {"title": "M", "year": 1931}, {"title": "M", "year": 1931}),
        (Parcel, Parcel(1.5, "s"), {"weight": 1.5, "_secret": "s"}),
    ],
)
def test_a_record_is_written_so_and_read_back(declared: object, value: object, raw: object) -> None:
    codec = codec_of(declared)
    assert codec.encode(value) == raw
    read = codec.decode(raw)
    assert read == value
    assert type(read) is type(value)


def test_a_newer_value_is_read_by_an_older_class_and_an_older_one_by_a_newer() -> None:
    assert codec_of(Form).decode({"name": "a", "email": "b", "phone": "c"}) == Form("a", "b")


@pytest.mark.parametrize(
    ("declared", "raw", "told"),
    [
        (Form, {"name": "ada", "email": 3}, "form.email: found int 3, expected str"),
        (Form, {"name": "ada"}, "form.email: found nothing, expected str"),
        (Form, [], "form: found list [], expected Form"),
        (Account, {"form": {"name": "a", "email": "b", "tags": [1]}}, "form.form.tags[0]: found int 1, expected str"),
        (Positive, {"n": 0}, "form: found dict {'n': 0}, expected Positive (n is 0, expected more than 0)"),
        (Movie, {"year": 3}, "form.title: found nothing, expected str"),
        (Box[int], {"inside": "a", "more": []}, "form.inside: found str 'a', expected int"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(declared: object, raw: object, told: str) -> None:
    with pytest.raises(Mismatch) as caught:
        codec_of(declared).decode(raw)
    assert caught.value.told("form") == told


def test_what_a_subclass_adds_is_not_lost_in_silence() -> None:
    with pytest.raises(Mismatch) as caught:
        codec_of(Box[int]).encode(IntBox(1, [], "label"))
    assert "what IntBox adds would be lost" in caught.value.told("box")


@pytest.mark.parametrize("value", [{"title": "M", "sequel": True}, {"year": 1}, []])
def test_a_typed_dict_is_held_to_its_keys(value: object) -> None:
    with pytest.raises(Mismatch):
        codec_of(Movie).encode(value)


def test_a_field_of_no_use_is_told_with_its_class() -> None:
    @dataclass
    class Bad:
        inner: list[complex]

    with pytest.raises(Unsupported, match=r"Bad\.inner: complex cannot be written as JSON"):
        codec_of(Bad)


def test_a_class_that_cannot_be_made_again_is_refused() -> None:
    @dataclass
    class Salted:
        n: int
        salt: InitVar[int]

    with pytest.raises(Unsupported, match="needs salt to be made and does not keep it"):
        codec_of(Salted)


def test_an_annotation_that_cannot_be_read_is_told() -> None:
    namespace: dict[str, object] = {}
    exec("from dataclasses import dataclass\n@dataclass\nclass Lost:\n    x: 'Nowhere'\n", namespace)
    with pytest.raises(Unsupported, match="name 'Nowhere' is not defined"):
        codec_of(namespace["Lost"])


def test_an_untyped_named_tuple_holds_anything() -> None:
    pair = namedtuple("pair", "a b")
    assert codec_of(pair).decode(codec_of(pair).encode(pair(1, "x"))) == pair(1, "x")


def test_only_what_is_frozen_all_through_is_immutable() -> None:
    assert is_immutable(Form)
    assert is_immutable(Point)
    assert not is_immutable(Account)
    assert not is_immutable(Box[int])
    assert not is_immutable(Parcel)
