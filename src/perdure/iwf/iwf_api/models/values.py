"""Values and what they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.iwf.iwf_api.models.choices import SearchAttributeValueType
from perdure.iwf.iwf_api.types import UNSET, Unset
from perdure.model.value import EncodedValue

EncodedObject = EncodedValue
"""A sealed value: ``data`` and ``encoding``, text or ``None``. Frozen; a codec returns a new one."""


@dataclass
class KeyValue:
    key: str | Unset = UNSET
    value: EncodedObject | Unset = UNSET


@dataclass
class CommandCombination:
    command_ids: list[str] = field(default_factory=list)


@dataclass
class SearchAttribute:
    key: str | Unset = UNSET
    string_value: str | Unset = UNSET
    integer_value: int | Unset = UNSET
    double_value: float | Unset = UNSET
    bool_value: bool | Unset = UNSET
    string_array_value: list[str] | Unset = UNSET
    value_type: SearchAttributeValueType | Unset = UNSET


@dataclass
class SearchAttributeKeyAndType:
    key: str
    value_type: SearchAttributeValueType


@dataclass
class WorkflowSearchRequest:
    query: str
    page_size: int | Unset = UNSET
    next_page_token: str | Unset = UNSET
