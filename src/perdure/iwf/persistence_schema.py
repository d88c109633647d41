"""Which attributes a workflow has."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from perdure.iwf.iwf_api.models.choices import SearchAttributeValueType


class PersistenceFieldType(Enum):
    DataAttribute = 1
    SearchAttribute = 2
    DataAttributePrefix = 3


@dataclass
class PersistenceField:
    key: str
    field_type: PersistenceFieldType
    value_type: object
    search_attribute_type: SearchAttributeValueType | None = None

    @classmethod
    def data_attribute_def(cls, key: str, value_type: object) -> PersistenceField:
        return cls(key, PersistenceFieldType.DataAttribute, _type(value_type))

    @classmethod
    def data_attribute_prefix_def(cls, key: str, value_type: object) -> PersistenceField:
        """Declare every data attribute whose key begins so."""
        return cls(key, PersistenceFieldType.DataAttributePrefix, _type(value_type))

    @classmethod
    def search_attribute_def(cls, key: str, sa_type: SearchAttributeValueType) -> PersistenceField:
        return cls(key, PersistenceFieldType.SearchAttribute, None, sa_type)


@dataclass
class PersistenceSchema:
    persistence_fields: list[PersistenceField] = field(default_factory=list)

    @classmethod
    def create(cls, *args: PersistenceField) -> PersistenceSchema:
        return cls(list(args))


def _type(declared: object) -> object:
    return type(None) if declared is None else declared
