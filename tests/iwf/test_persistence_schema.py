from perdure.iwf.iwf_api.models import SearchAttributeValueType
from perdure.iwf.persistence_schema import PersistenceField, PersistenceFieldType, PersistenceSchema


def test_attributes_are_declared_by_kind_and_type() -> None:
    data = PersistenceField.data_attribute_def("d", None)
    prefix = PersistenceField.data_attribute_prefix_def("p-", int)
    search = PersistenceField.search_attribute_def("s", SearchAttributeValueType.KEYWORD)

    assert (data.field_type, data.value_type) == (PersistenceFieldType.DataAttribute, type(None))
    assert (prefix.field_type, prefix.value_type) == (PersistenceFieldType.DataAttributePrefix, int)
    assert (search.field_type, search.search_attribute_type) == (PersistenceFieldType.SearchAttribute, "KEYWORD")
    assert PersistenceSchema.create(data, search).persistence_fields == [data, search]
