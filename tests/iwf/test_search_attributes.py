import pytest

from perdure.iwf.errors import InvalidArgumentError, WorkflowDefinitionError
from perdure.iwf.iwf_api.models import SearchAttribute, SearchAttributeValueType
from perdure.iwf.search_attributes import convert_to_sa_list, from_model, get_search_attribute_value, to_model
from perdure.model import attributes as model
from tests.iwf.everything import SEARCH

VALUES: dict[str, object] = {
    "CustomKeywordField": "k",
    "CustomTextField": "some words",
    "CustomDatetimeField": "2030-01-01T00:00:00Z",
    "CustomIntField": 3,
    "CustomDoubleField": 0.5,
    "CustomBoolField": True,
    "CustomKeywordArrayField": ["a", "b"],
}


def test_a_value_of_every_type_goes_both_ways() -> None:
    made = convert_to_sa_list(SEARCH, VALUES)

    assert [from_model(to_model(attribute)) for attribute in made] == made
    assert {
        attribute.key: get_search_attribute_value(SEARCH[str(attribute.key)], attribute) for attribute in made
    } == VALUES


def test_a_value_may_be_missing() -> None:
    empty = SearchAttribute("k", value_type=SearchAttributeValueType.INT)

    assert to_model(empty) == model.SearchAttribute("k", model.SearchAttributeType.INT)
    assert from_model(to_model(empty)) == empty
    assert get_search_attribute_value(SearchAttributeValueType.INT, empty) is None


def test_initial_values_must_be_declared_and_of_their_types() -> None:
    with pytest.raises(WorkflowDefinitionError, match="'other', expected one that is declared"):
        convert_to_sa_list(SEARCH, {"other": 1})
    with pytest.raises(InvalidArgumentError, match="found 1, expected float for DOUBLE"):
        convert_to_sa_list(SEARCH, {"CustomDoubleField": 1})
