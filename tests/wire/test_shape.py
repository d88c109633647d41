from typing import Any

import pytest

from perdure.wire.document import Malformed
from perdure.wire.shape import Choice, Flag, Later, ListOf, MapOf, Number, Object, Shape, Text, Whole

POINT = Object({"x": Whole(32), "name": Text()}, always=("x",))
TREE: Object = Object({"label": Text(), "child": Later(lambda: TREE)})


@pytest.mark.parametrize(
    ("shape", "value", "read"),
    [
        (Text(), "a", "a"),
        (Flag(), False, False),
        (Whole(32), -(2**31), -(2**31)),
        (Whole(64), 2**63 - 1, 2**63 - 1),
        (Number(), 3, 3.0),
        (Number(), 0.5, 0.5),
        (Choice("Colour", "RED", "BLUE"), "RED", "RED"),
        (ListOf(Text()), [], []),
        (ListOf(Text()), ["a", None], ["a", ""]),
        (ListOf(POINT), [None, {"x": 1}], [{"x": 0}, {"x": 1}]),
        (POINT, None, {"x": 0}),
        (POINT, {"name": "p"}, {"x": 0, "name": "p"}),
        (POINT, {"X": 1, "NAME": "p", "colour": "red"}, {"x": 1, "name": "p"}),
        (POINT, {"x": 1, "name": None}, {"x": 1}),
        (POINT, {"x": 1, "X": 2}, {"x": 2}),
        (TREE, {"child": {"child": {"label": "leaf"}}}, {"child": {"child": {"label": "leaf"}}}),
        (ListOf(TREE), [None], [{}]),
        (ListOf(Later(lambda: POINT)), [None], [{"x": 0}]),
        (ListOf(POINT, nulls=True), [None, {}], [None, {"x": 0}]),
        (MapOf(POINT), {"any Name": {"X": 1}, "b": None}, {"any Name": {"x": 1}, "b": {"x": 0}}),
    ],
)
def test_a_value_of_its_shape_comes_out_in_the_protocols_spelling(shape: Shape, value: Any, read: Any) -> None:
    assert shape.read(value) == read


@pytest.mark.parametrize(
    ("shape", "value", "problem"),
    [
        (Text(), 7, "is a whole number, expected a text"),
        (Text(), None, "is null, expected a text"),
        (Flag(), 1, "is a whole number, expected true or false"),
        (Whole(32), True, "is true, expected a whole number"),
        (Whole(32), 1.0, "is a fraction, expected a whole number"),
        (Whole(32), 2**31, "is 2147483648, expected a number below 2147483648"),
        (Number(), "1", "is a text, expected a number"),
        (Number(), 10**400, "is a number too large to be kept"),
        (Number(), float("inf"), "is a number too large to be kept"),
        (Choice("Colour", "RED"), "red", "red is not a valid Colour"),
        (Choice("Colour", "RED"), "", " is not a valid Colour"),
        (Choice("Colour", "RED"), 1, "is a whole number, expected a text"),
        (ListOf(Text()), "a", "is a text, expected a list"),
        (ListOf(POINT), [{}, {"x": False}], "[1].x is false, expected a whole number"),
        (POINT, [], "is a list, expected an object"),
        (MapOf(POINT), {"a": {"x": "1"}}, "*.x is a text, expected a whole number"),
        (TREE, {"child": {"child": 5}}, "child.child is a whole number, expected an object"),
        (POINT, {"NAME": {}}, "name is an object, expected a text"),
    ],
)
def test_a_value_of_another_shape_is_malformed_and_said_where(shape: Shape, value: Any, problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        shape.read(value)

    assert str(caught.value) == problem.strip()


def test_a_text_that_is_too_long_is_refused_with_the_limit_and_the_remedy() -> None:
    name = Object({"a": Object({"id": Text(characters_max=3)})})

    assert name.read({"a": {"id": "abc"}}) == {"a": {"id": "abc"}}
    with pytest.raises(Malformed, match=r"^a\.id has 4 characters, expected at most 3\. Use a shorter name"):
        name.read({"a": {"id": "abcd"}})
