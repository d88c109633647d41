from __future__ import annotations

from typing import Any, Literal, TypeVar

import pytest

from perdure import Decision
from perdure.authoring.annotation import assignable, indexable, members, parts, told_apart, written
from perdure.model.attributes import SearchAttributeType
from perdure.model.decisions import Decision as ModelDecision

T = TypeVar("T")


@pytest.mark.parametrize(
    ("given", "wanted", "fits"),
    [
        (int, int, True),
        (bool, int, True),
        (int, float, True),
        (str, int, False),
        (int, int | None, True),
        (int | None, int, False),
        (None, int | None, True),
        (None, None, True),
        (int, None, False),
        (int, Any, True),
        (list[int], list[int], True),
        (list[int], list[str], False),
        (T, int, True),
    ],
)
def test_what_can_stand_for_what(given: object, wanted: object, *, fits: bool) -> None:
    assert assignable(given, wanted) is fits


def test_unions_are_taken_apart() -> None:
    assert parts(int | None) == [int]
    assert members(int | None) == [int, type(None)]
    assert parts(list[int]) == [list[int]]


@pytest.mark.parametrize(
    ("declared", "kind", "fits"),
    [
        (str, "KEYWORD", True),
        (str, "INT", False),
        (list[str], "KEYWORD_ARRAY", True),
        (dict[str, int], "TEXT", False),
        (Literal["a"], "KEYWORD", True),
        (Any, "INT", True),
    ],
)
def test_what_an_index_may_hold(declared: object, kind: str, *, fits: bool) -> None:
    assert indexable(declared, SearchAttributeType(kind)) is fits


def test_types_are_written_as_authors_do() -> None:
    assert [written(declared) for declared in (None, int, int | None, list[int])] == [
        "None",
        "int",
        "int | None",
        "list[int]",
    ]


def test_two_classes_of_one_name_are_told_apart() -> None:
    assert told_apart(ModelDecision, Decision) == "perdure.model.decisions.Decision"
    assert told_apart(int, Decision) == "int"
