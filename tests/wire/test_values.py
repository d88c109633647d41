import math
from typing import Any

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import Event
from perdure.model.value import EMPTY_VALUE, EncodedValue, Message
from perdure.wire.values import (
    decode_data,
    decode_events,
    decode_messages,
    decode_search,
    decode_value,
    encode_data,
    encode_search,
    encode_value,
)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({}, EMPTY_VALUE),
        ({"data": ""}, EncodedValue(data="")),
        ({"encoding": "json"}, EncodedValue(encoding="json")),
        ({"encoding": "json", "data": "1"}, EncodedValue("1", "json")),
        (
            {"encoding": "json", "extStoreId": "s3", "extPath": "p"},
            EncodedValue(None, "json", external_store_id="s3", external_path="p"),
        ),
    ],
)
def test_a_value_comes_back_exactly_as_given(fields: dict[str, Any], value: EncodedValue) -> None:
    assert decode_value(fields) == value
    assert encode_value(value) == fields


def test_no_value_is_not_an_empty_one() -> None:
    assert decode_value(None) is None


@pytest.mark.parametrize(
    ("fields", "attribute"),
    [
        ({"key": "a"}, DataAttribute("a")),
        ({"key": "a", "value": {}}, DataAttribute("a", EMPTY_VALUE)),
        ({"value": {"data": "1"}}, DataAttribute("", EncodedValue("1"))),
    ],
)
def test_a_data_attribute_comes_back_exactly_as_given(fields: dict[str, Any], attribute: DataAttribute) -> None:
    assert decode_data([fields]) == (attribute,)
    assert encode_data([attribute]) == [fields]


@pytest.mark.parametrize(
    ("fields", "attribute"),
    [
        (
            {"key": "a", "valueType": "KEYWORD", "stringValue": "x"},
            SearchAttribute("a", SearchAttributeType.KEYWORD, "x"),
        ),
        ({"key": "a", "valueType": "TEXT", "stringValue": ""}, SearchAttribute("a", SearchAttributeType.TEXT, "")),
        (
            {"key": "a", "valueType": "DATETIME", "stringValue": "2024-02-29T12:34:56.789+02:00"},
            SearchAttribute("a", SearchAttributeType.DATETIME, "2024-02-29T12:34:56.789+02:00"),
        ),
        (
            {"key": "a", "valueType": "INT", "integerValue": 9007199254740993},
            SearchAttribute("a", SearchAttributeType.INT, 9007199254740993),
        ),
        (
            {"key": "a", "valueType": "DOUBLE", "doubleValue": 2.5},
            SearchAttribute("a", SearchAttributeType.DOUBLE, 2.5),
        ),
        ({"key": "a", "valueType": "BOOL", "boolValue": False}, SearchAttribute("a", SearchAttributeType.BOOL, False)),
        (
            {"key": "a", "valueType": "KEYWORD_ARRAY", "stringArrayValue": ["b", "a", "b"]},
            SearchAttribute("a", SearchAttributeType.KEYWORD_ARRAY, ("b", "a", "b")),
        ),
        (
            {"key": "a", "valueType": "KEYWORD_ARRAY", "stringArrayValue": []},
            SearchAttribute("a", SearchAttributeType.KEYWORD_ARRAY, ()),
        ),
        ({"key": "a", "valueType": "INT"}, SearchAttribute("a", SearchAttributeType.INT)),
        ({"key": "a"}, SearchAttribute("a", None)),
    ],
)
def test_a_search_attribute_comes_back_exactly_as_given(fields: dict[str, Any], attribute: SearchAttribute) -> None:
    assert decode_search([fields]) == (attribute,)
    assert encode_search([attribute]) == [fields]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_has_no_word_for_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match=f"a search attribute is {value}, expected a number"):
        encode_search([SearchAttribute("a", SearchAttributeType.DOUBLE, value)])


def test_the_fields_of_other_types_of_a_search_attribute_are_not_looked_at() -> None:
    (attribute,) = decode_search([{"key": "a", "valueType": "INT", "stringValue": "x", "doubleValue": 1.0}])

    assert attribute == SearchAttribute("a", SearchAttributeType.INT)


@pytest.mark.parametrize(("value", "written"), [(5.0, "5"), (-2.0, "-2"), (1e300, "1e+300"), (0.5, "0.5")])
def test_a_whole_double_is_written_without_fraction(value: float, written: str) -> None:
    (fields,) = encode_search([SearchAttribute("a", SearchAttributeType.DOUBLE, value)])

    assert repr(fields["doubleValue"]) == written


def test_messages_and_events_may_have_no_value() -> None:
    assert decode_messages([{"channelName": "c"}, {"channelName": "c", "value": {}}]) == (
        Message("c"),
        Message("c", EMPTY_VALUE),
    )
    assert decode_events([{"key": "e"}]) == (Event("e"),)


def test_missing_lists_are_empty() -> None:
    assert decode_data(None) == ()
    assert decode_search(None) == ()
    assert decode_messages(None) == ()
    assert decode_events(None) == ()
