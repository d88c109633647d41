"""Search attributes between iWF's shape, a field for each type, and the model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perdure.iwf.errors import InvalidArgumentError, WorkflowDefinitionError
from perdure.iwf.iwf_api.models.choices import SearchAttributeValueType
from perdure.iwf.iwf_api.models.values import SearchAttribute
from perdure.iwf.iwf_api.types import UNSET, Unset, given
from perdure.model import attributes as model

_FIELD = {
    SearchAttributeValueType.KEYWORD: "string_value",
    SearchAttributeValueType.TEXT: "string_value",
    SearchAttributeValueType.DATETIME: "string_value",
    SearchAttributeValueType.INT: "integer_value",
    SearchAttributeValueType.DOUBLE: "double_value",
    SearchAttributeValueType.BOOL: "bool_value",
    SearchAttributeValueType.KEYWORD_ARRAY: "string_array_value",
}
_PYTHON: Mapping[SearchAttributeValueType, type] = {
    SearchAttributeValueType.KEYWORD: str,
    SearchAttributeValueType.TEXT: str,
    SearchAttributeValueType.DATETIME: str,
    SearchAttributeValueType.INT: int,
    SearchAttributeValueType.DOUBLE: float,
    SearchAttributeValueType.BOOL: bool,
    SearchAttributeValueType.KEYWORD_ARRAY: list,
}


def get_search_attribute_value(sa_type: SearchAttributeValueType, attribute: SearchAttribute) -> Any:
    """Return the value in the field of its type; ``None`` if it is not given."""
    value: object = getattr(attribute, _FIELD[sa_type])
    return None if isinstance(value, Unset) else value


def to_model(attribute: SearchAttribute) -> model.SearchAttribute:
    value_type = given(attribute.value_type)
    value = None if value_type is None else get_search_attribute_value(value_type, attribute)
    return model.SearchAttribute(
        given(attribute.key) or "", value_type, tuple(value) if isinstance(value, list) else value
    )


def from_model(attribute: model.SearchAttribute) -> SearchAttribute:
    made = SearchAttribute(attribute.key, value_type=UNSET if attribute.type is None else attribute.type)
    if attribute.type is not None and attribute.value is not None:
        value = list(attribute.value) if isinstance(attribute.value, tuple) else attribute.value
        setattr(made, _FIELD[attribute.type], value)
    return made


def convert_to_sa_list(
    sa_types: Mapping[str, SearchAttributeValueType], initial_sas: Mapping[str, Any]
) -> list[SearchAttribute]:
    """Return values a run begins with.

    Raises:
        WorkflowDefinitionError: no schema declares a key.
        InvalidArgumentError: a value is not of its type.
    """
    made = []
    for key, value in initial_sas.items():
        value_type = sa_types.get(key)
        if value_type is None:
            known = ", ".join(sa_types) or "none"
            raise WorkflowDefinitionError(f"found search attribute {key!r}, expected one that is declared: {known}")
        expected = _PYTHON[value_type]
        if not isinstance(value, expected):
            raise InvalidArgumentError(
                f"search attribute {key!r}: found {value!r}, expected {expected.__name__} for {value_type.value}"
            )
        attribute = SearchAttribute(key, value_type=value_type)
        setattr(attribute, _FIELD[value_type], value)
        made.append(attribute)
    return made
