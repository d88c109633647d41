from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from perdure.authoring.converter import ConversionError
from perdure.iwf.iwf_api.models import EncodedObject
from perdure.iwf.iwf_api.types import UNSET
from perdure.iwf.object_encoder import (
    AdvancedJSONEncoder,
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    CompositePayloadConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    ObjectEncoder,
    PayloadCodec,
    UnsetPayloadConverter,
    value_to_type,
)
from perdure.model.value import ERASED

ENCODER = ObjectEncoder.default


@dataclass
class Person:
    name: str
    tags: set[str] = field(default_factory=set)


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "declared", "data"),
    [
        ({"b": 1, "a": [True, None]}, dict[str, Any], '{"a":[true,null],"b":1}'),
        (Person("ada", {"b", "a"}), Person, '{"name":"ada","tags":["a","b"]}'),
        ((1, "x"), tuple[int, str], '[1,"x"]'),
        (b"bytes", bytes, '"Ynl0ZXM="'),
        (UUID(int=1), UUID, '"00000000-0000-0000-0000-000000000001"'),
        (Colour.RED, Colour, '"red"'),
        (Decimal("1.50"), Decimal, '"1.50"'),
        (datetime(2030, 1, 1, tzinfo=UTC), datetime, '"2030-01-01T00:00:00+00:00"'),
        ([Person("eve")], list[Person], '[{"name":"eve","tags":[]}]'),
        ("é", str, '"\\u00e9"'),
    ],
)
def test_values_come_back_as_their_types(value: object, declared: object, data: str) -> None:
    sealed = ENCODER.encode(value)

    assert sealed == EncodedObject(data=data, encoding="json/plain")
    assert ENCODER.decode(sealed, declared) == value


def test_nothing_is_no_value_at_all() -> None:
    assert ENCODER.encode(None) is UNSET
    assert ENCODER.seal(None) is None
    for nothing in (None, UNSET, EncodedObject(), EncodedObject(encoding="binary/null")):
        assert ENCODER.decode(nothing, int) is None
    with pytest.raises(RuntimeError, match="no encoding"):
        ENCODER.decode(EncodedObject(data="1"))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (EncodedObject(None, "json/plain", "old", "file/aa/bb/cc"), "kept apart, in the store 'old'"),
        (ERASED, "was erased"),
    ],
)
def test_a_value_whose_data_is_not_here_is_not_taken_for_none(value: EncodedObject, why: str) -> None:
    for encoder in (ENCODER, ObjectEncoder(payload_codec=Reversed())):
        with pytest.raises(ConversionError, match=why):
            encoder.decode(value, int)


@pytest.mark.parametrize("encoding", ["json", "json/plain", "builtinGolangJson"])
def test_json_is_read_by_whatever_name(encoding: str) -> None:
    assert ENCODER.decode(EncodedObject('{"name":"ada"}', encoding), Person) == Person("ada")
    assert ENCODER.decode(EncodedObject("[1]", encoding)) == [1]


def test_bytes_of_older_payloads_are_read() -> None:
    assert ENCODER.decode(EncodedObject("b'\\x00a'", "binary/plain"), bytes) == b"\x00a"
    assert ENCODER.decode(EncodedObject("text", "binary/plain")) == "text"


def test_numbers_stand_for_each_other_and_else_a_misfit_is_told_with_its_place() -> None:
    assert value_to_type(int, 1.0) == 1
    assert value_to_type(float, 1) == 1
    with pytest.raises(TypeError, match=r"value\.name: found int 5, expected str"):
        ENCODER.decode(EncodedObject('{"name":5}', "json"), Person)
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        value_to_type(Plain, {})


class Plain:
    def dict(self) -> dict[str, int]:
        return {"x": 1}


class Few:
    def __iter__(self) -> Iterator[int]:
        return iter((1, 2))


@dataclass
class Odd:
    plain: Plain
    few: Few
    id: UUID


def test_what_no_type_describes_is_written_as_well_as_it_goes() -> None:
    odd = ENCODER.encode(Odd(Plain(), Few(), UUID(int=0)))

    assert odd == EncodedObject(
        '{"few":[1,2],"id":"00000000-0000-0000-0000-000000000000","plain":{"x":1}}', "json/plain"
    )
    with pytest.raises(TypeError):
        ENCODER.encode(object())


class Reversed(PayloadCodec):
    def encode(self, payload: Any) -> EncodedObject:
        hidden = base64.b64encode(json.dumps([payload.encoding, payload.data]).encode()).decode()
        return EncodedObject(data=hidden, encoding="hidden")

    def decode(self, payload: EncodedObject) -> EncodedObject:
        encoding, data = json.loads(base64.b64decode(payload.data or ""))
        return EncodedObject(data=data, encoding=encoding)


def test_a_codec_sees_what_leaves_and_what_comes() -> None:
    encoder = ObjectEncoder(payload_codec=Reversed())

    sealed = encoder.encode(Person("ada"))

    assert isinstance(sealed, EncodedObject)
    assert sealed.encoding == "hidden"
    assert encoder.decode(sealed, Person) == Person("ada")
    assert encoder.encode(None) is UNSET


class Point:
    def __init__(self, x: int) -> None:
        self.x = x


class PointEncoder(AdvancedJSONEncoder):
    def default(self, o: Any) -> Any:
        return [o.x] if isinstance(o, Point) else super().default(o)


class PointReader(JSONTypeConverter):
    def to_typed_value(self, hint: Any, value: Any) -> Any:
        return Point(value[0]) if hint is Point else JSONTypeConverter.Unhandled


class PointConverter(CompositePayloadConverter):
    def __init__(self) -> None:
        super().__init__(
            UnsetPayloadConverter(),
            BinaryNullPayloadConverter(),
            BinaryPlainPayloadConverter(),
            JSONPlainPayloadConverter(encoder=PointEncoder, custom_type_converters=[PointReader()]),
        )


def test_types_of_the_users_own_are_written_and_read() -> None:
    encoder = ObjectEncoder(PointConverter)

    sealed = encoder.encode(Point(3))

    assert sealed == EncodedObject("[3]", "json/plain")
    assert encoder.decode(sealed, Point).x == 3
    assert encoder.decode(sealed, list[int]) == [3]


def test_a_converter_that_writes_nothing_else_says_so() -> None:
    with pytest.raises(TypeError, match="no converter writes values of int"):
        CompositePayloadConverter(UnsetPayloadConverter()).to_payload(5)
    assert [c.encoding for c in DefaultPayloadConverter.default_encoding_payload_converters] == [
        UNSET,
        "binary/null",
        "binary/plain",
        "json/plain",
    ]
