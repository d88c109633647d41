"""Values, attributes and messages, both ways.

A field that is absent stays absent and one that is empty stays empty, so a value comes back to its
author exactly as it was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType, SearchValue
from perdure.model.calls import Event
from perdure.model.value import EncodedValue, Message

VALUE_FIELD = {
    SearchAttributeType.KEYWORD: "stringValue",
    SearchAttributeType.TEXT: "stringValue",
    SearchAttributeType.DATETIME: "stringValue",
    SearchAttributeType.INT: "integerValue",
    SearchAttributeType.DOUBLE: "doubleValue",
    SearchAttributeType.BOOL: "boolValue",
    SearchAttributeType.KEYWORD_ARRAY: "stringArrayValue",
}
"""The field that holds a search attribute's value, by its type; the others are not looked at."""

_WHOLE_LIMIT = 1e21  # Go writes numbers from here on with an exponent


def decode_value(fields: dict[str, Any] | None) -> EncodedValue | None:
    if fields is None:
        return None
    return EncodedValue(fields.get("data"), fields.get("encoding"), fields.get("extStoreId"), fields.get("extPath"))


def encode_value(value: EncodedValue) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if value.encoding is not None:
        fields["encoding"] = value.encoding
    if value.data is not None:
        fields["data"] = value.data
    if value.external_store_id is not None:
        fields["extStoreId"] = value.external_store_id
    if value.external_path is not None:
        fields["extPath"] = value.external_path
    return fields


def decode_data(items: Iterable[dict[str, Any]] | None) -> tuple[DataAttribute, ...]:
    # iWF keeps an attribute that was given without a key under the empty one.
    return tuple(DataAttribute(item.get("key", ""), decode_value(item.get("value"))) for item in items or ())


def encode_data(attributes: Iterable[DataAttribute]) -> list[dict[str, Any]]:
    return [_encode_data_attribute(attribute) for attribute in attributes]


def _encode_data_attribute(attribute: DataAttribute) -> dict[str, Any]:
    fields: dict[str, Any] = {"key": attribute.key} if attribute.key else {}
    if attribute.value is not None:
        fields["value"] = encode_value(attribute.value)
    return fields


def decode_events(items: Iterable[dict[str, Any]] | None) -> tuple[Event, ...]:
    return tuple(Event(item.get("key", ""), decode_value(item.get("value"))) for item in items or ())


def decode_messages(items: Iterable[dict[str, Any]] | None) -> tuple[Message, ...]:
    """Internal messages: one without a value stays without."""
    return tuple(Message(item["channelName"], decode_value(item.get("value"))) for item in items or ())


def decode_search(items: Iterable[dict[str, Any]] | None) -> tuple[SearchAttribute, ...]:
    return tuple(_decode_search_attribute(item) for item in items or ())


def _decode_search_attribute(item: dict[str, Any]) -> SearchAttribute:
    given = item.get("valueType")
    if given is None:
        return SearchAttribute(item.get("key", ""), None)
    value_type = SearchAttributeType(given)
    value: SearchValue | list[str] | None = item.get(VALUE_FIELD[value_type])
    return SearchAttribute(item.get("key", ""), value_type, tuple(value) if isinstance(value, list) else value)


def encode_search(attributes: Iterable[SearchAttribute]) -> list[dict[str, Any]]:
    return [_encode_search_attribute(attribute) for attribute in attributes]


def _encode_search_attribute(attribute: SearchAttribute) -> dict[str, Any]:
    fields: dict[str, Any] = {"key": attribute.key}
    if attribute.type is not None:
        fields["valueType"] = attribute.type.value
        if attribute.value is not None:
            fields[VALUE_FIELD[attribute.type]] = _encode_search_value(attribute.value)
    return fields


def _encode_search_value(value: SearchValue) -> Any:
    match value:
        case tuple():
            return list(value)
        case float() if value.is_integer() and abs(value) < _WHOLE_LIMIT:
            return int(value)
        case float() if not isfinite(value):
            raise ValueError(f"a search attribute is {value}, expected a number that JSON has a word for")
        case _:
            return value
