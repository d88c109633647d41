from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest

from perdure.authoring.codec.codec import Mismatch, Unsupported
from perdure.authoring.codec.compiler import codec_of


class Plan(StrEnum):
    FREE = "free"


@pytest.mark.parametrize(
    ("declared", "value", "raw"),
    [
        (list[int], [1, 2], [1, 2]),
        (tuple[int, ...], (1, 2), [1, 2]),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (tuple[()], (), []),
        (set[int], {2, 1}, [1, 2]),
        (frozenset[str], frozenset({"b", "a"}), ["a", "b"]),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (dict[int, str], {-1: "a"}, {"-1": "a"}),
        (dict[Plan, int], {Plan.FREE: 1}, {"free": 1}),
        (dict[UUID, int], {UUID(int=0): 1}, {"00000000-0000-0000-0000-000000000000": 1}),
        (Sequence[int], [1], [1]),
        (Mapping[str, int], {"a": 1}, {"a": 1}),
        (list, [1, "a", None], [1, "a", None]),
        (dict, {"a": [1]}, {"a": [1]}),
    ],
)
def test_a_container_is_written_so_and_read_back(declared: object, value: object, raw: object) -> None:
    codec = codec_of(declared)
    assert codec.encode(value) == raw
    read = codec.decode(raw)
    assert read == value
    assert type(read) is type(value)


def test_a_sequence_takes_a_tuple_too() -> None:
    assert codec_of(Sequence[int]).encode((1, 2)) == [1, 2]


@pytest.mark.parametrize(
    ("declared", "value", "told"),
    [
        (list[int], [1, "a"], "x[1]: found str 'a', expected int"),
        (list[int], (1,), "x: found tuple (1,), expected list[int]"),
        (tuple[int, str], (1,), "x: found tuple (1,), expected tuple[int, str] (2 items, not 1)"),
        (tuple[int, str], (1, 2), "x[1]: found int 2, expected str"),
        (dict[str, list[int]], {"a": [1, None]}, "x['a'][1]: found None, expected int"),
        (dict[str, int], {1: 1}, "x[1]: found int 1, expected str"),
        (set[int], [1], "x: found list [1], expected set[int]"),
        (Any, {"a": object}, "x['a']: found type <class 'object'>, expected a value that JSON can hold"),
        (Any, [object()], "x[0]: found object <object object"),
        (Any, {1: "a"}, "x[1]: found int 1, expected str (the key of a JSON object without a declared type)"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(declared: object, value: object, told: str) -> None:
    with pytest.raises(Mismatch) as caught:
        codec_of(declared).encode(value)
    assert caught.value.told("x").startswith(told)


@pytest.mark.parametrize(
    ("declared", "raw", "told"),
    [
        (list[int], [1, "a"], "x[1]: found str 'a', expected int"),
        (list[int], {}, "x: found dict {}, expected list[int]"),
        (dict[int, str], {"a": "b"}, "x['a']: found str 'a', expected int"),
        (set[Any], [[1]], "x: found list [[1]], expected set[anything] (unhashable type: 'list')"),
        (tuple[int, int], [1], "x: found list [1], expected tuple[int, int] (2 items, not 1)"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(declared: object, raw: object, told: str) -> None:
    with pytest.raises(Mismatch) as caught:
        codec_of(declared).decode(raw)
    assert caught.value.told("x") == told


@pytest.mark.parametrize("declared", [dict[float, int], dict[tuple[int, ...], int], dict[int | str, int]])
def test_keys_that_no_object_can_have_are_refused(declared: object) -> None:
    with pytest.raises(Unsupported, match="cannot be the key of a JSON object"):
        codec_of(declared)


def test_a_value_without_a_declared_type_is_written_by_its_own() -> None:
    assert codec_of(Any).encode({"plan": Plan.FREE, "ids": (UUID(int=0),)}) == {
        "plan": "free",
        "ids": ["00000000-0000-0000-0000-000000000000"],
    }
