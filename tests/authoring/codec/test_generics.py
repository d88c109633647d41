from __future__ import annotations

from typing import Generic, TypeVar

import pytest

from perdure.authoring.codec.codec import Unsupported
from perdure.authoring.codec.generics import hints_of, substituted, type_arguments

A = TypeVar("A")
B = TypeVar("B")


class Pair(Generic[A, B]):
    first: A
    second: list[B]
    either: A | B


class Half(Pair[A, int]):
    pass


class Whole(Half[str]):
    pass


def test_type_parameters_are_found_through_all_bases() -> None:
    assert type_arguments(Whole) == {A: str, B: int}
    assert type_arguments(Half, (bytes,))[A] is bytes


def test_annotations_have_their_parameters_replaced() -> None:
    assert hints_of(Whole) == {"first": str, "second": list[int], "either": str | int}


def test_what_is_not_known_stays() -> None:
    hint = hints_of(Pair)["second"]
    assert substituted(hint, {}) == hint
    assert substituted(int, {A: str}) is int


def test_names_of_a_function_are_found_when_they_are_given() -> None:
    class Inner:
        pass

    class Outer:
        inner: Inner

    with pytest.raises(Unsupported, match="name 'Inner' is not defined"):
        hints_of(Outer)
    assert hints_of(Outer, local={"Inner": Inner}) == {"inner": Inner}
