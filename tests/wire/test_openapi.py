from typing import Any

import pytest

from perdure.wire.openapi import CALLS, STATUSES, describe, schema_of
from perdure.wire.paths import Call, OwnCall, path_of
from perdure.wire.protocol import STATE_OPTIONS
from perdure.wire.shape import Choice, Flag, Later, ListOf, MapOf, Number, Object, Shape, Text, Whole

DOCUMENT = describe("1.2.3")


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(item) for item in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()


def test_every_call_is_described() -> None:
    assert CALLS.keys() == {*Call, *OwnCall}
    assert {path_of(call) for call in CALLS} <= DOCUMENT["paths"].keys()


def test_what_a_request_must_have_is_among_what_it_may_have() -> None:
    for call, described in CALLS.items():
        assert set(described.required) <= described.request.fields.keys(), call
        assert set(described.statuses) <= STATUSES.keys(), call


def test_every_reference_leads_somewhere() -> None:
    assert references(DOCUMENT) == {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (Text(), {"type": "string"}),
        (Text(characters_max=3), {"type": "string", "maxLength": 3}),
        (Flag(), {"type": "boolean"}),
        (Whole(32), {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}),
        (Number(), {"type": "number"}),
        (Choice("Colour", "RED", "BLUE"), {"type": "string", "enum": ["RED", "BLUE"]}),
        (ListOf(Flag()), {"type": "array", "items": {"type": "boolean"}}),
        (ListOf(Flag(), nulls=True), {"type": "array", "items": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}}),
        (MapOf(Flag()), {"type": "object", "additionalProperties": {"type": "boolean"}}),
        (
            Object({"a": Flag()}, always=("a",)),
            {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
        ),
        (Later(lambda: Flag()), {"type": "boolean"}),
        (STATE_OPTIONS, {"$ref": "#/components/schemas/StateOptions"}),
    ],
)
def test_a_shape_is_told_as_json_schema(shape: Shape, schema: dict[str, Any]) -> None:
    assert schema_of(shape) == schema


def test_a_shape_without_a_word_is_a_mistake() -> None:
    class Odd:
        def read(self, value: Any) -> Any:
            return value

        def zero(self) -> Any:
            return None

    with pytest.raises(TypeError, match="found Odd"):
        schema_of(Odd())
