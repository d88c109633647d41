from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NewType, TypeVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.authoring.codec.codec import Unsupported
from perdure.authoring.codec.compiler import codec_of

UserId = NewType("UserId", int)
Bounded = TypeVar("Bounded", bound=int)


class Colour(Enum):
    RED = "r"
    BLUE = "b"


@dataclass(frozen=True)
class Node:
    value: int | None
    next: Node | None = None


def is_one_moment(value: datetime) -> bool:
    """Say whether clocks show it once: of what they skip or repeat Python says that it equals nothing elsewhere."""
    return value.replace(fold=0).utcoffset() == value.replace(fold=1).utcoffset()


SCALARS: list[tuple[object, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (str, st.text()),
    (bytes, st.binary()),
    (date, st.dates()),
    (datetime, st.datetimes(timezones=st.timezones()).filter(is_one_moment)),
    (time, st.times()),
    (timedelta, st.timedeltas()),
    (UUID, st.uuids()),
    (Decimal, st.decimals(allow_nan=False)),
    (Colour, st.sampled_from(Colour)),
    (type(None), st.none()),
]


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 2) -> tuple[Any, Any]:
    """Draw an annotation and a value of it."""
    if depth == 0 or draw(st.booleans()):
        declared, values = draw(st.sampled_from(SCALARS))
        return declared, draw(values)
    inner, value = draw(typed_values(depth - 1))
    shape = draw(st.sampled_from(["list", "tuple", "pair", "dict", "optional", "int keys"]))
    count = draw(st.integers(0, 2))
    made: dict[str, Any] = {"list": list, "tuple": tuple, "dict": dict}
    match shape:
        case "list":
            return made["list"][inner], [value] * count
        case "tuple":
            return made["tuple"][inner, ...], (value,) * count
        case "pair":
            return made["tuple"][inner, int], (value, count)
        case "dict":
            return made["dict"][str, inner], {str(i): value for i in range(count)}
        case "int keys":
            return made["dict"][int, inner], dict.fromkeys(range(count), value)
        case _:
            return inner | None, None if count == 0 else value


@settings(deadline=None)
@given(typed_values())
def test_every_value_comes_back_equal_and_of_its_type(case: tuple[Any, Any]) -> None:
    declared, value = case
    codec = codec_of(declared)
    read = codec.decode(json.loads(json.dumps(codec.encode(value))))
    assert read == value
    assert type(read) is type(value)


def test_a_type_may_contain_itself() -> None:
    codec = codec_of(Node)
    value = Node(1, Node(None, Node(3)))
    assert codec.decode(codec.encode(value)) == value


def test_what_says_nothing_about_writing_is_taken_off() -> None:
    for declared in (UserId, Annotated[int, "positive"], Annotated[int, ["unhashable"]], Bounded):
        assert codec_of(declared).expected == "int"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with 3.12")
def test_a_type_statement_is_read() -> None:
    namespace: dict[str, Any] = {}
    exec("type Ids = list[int]\ntype Tree = list[Tree] | int", namespace)
    assert codec_of(namespace["Ids"]).expected == "list[int]"
    assert codec_of(namespace["Tree"]).decode([[1], 2]) == [[1], 2]


@pytest.mark.parametrize("declared", [complex, object(), "int", Callable[[], None], type, list[complex], 3])
def test_a_type_that_json_cannot_keep_is_refused(declared: object) -> None:
    with pytest.raises(Unsupported):
        codec_of(declared)


def test_a_failed_compilation_leaves_nothing_half_made() -> None:
    namespace: dict[str, Any] = {}
    exec(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Loop:\n    next: Loop | None\n    bad: complex\n",
        namespace | {"__name__": __name__},
        namespace,
    )
    loop = namespace["Loop"]
    globals()["Loop"] = loop
    for declared in (loop, loop | None, loop):
        with pytest.raises(Unsupported):
            codec_of(declared)
