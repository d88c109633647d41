import pytest

from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.iwf_api.models import SearchAttributeValueType
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.persistence import Persistence
from perdure.iwf.persistence_schema import PersistenceField
from perdure.iwf.type_store import Type, TypeStore
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import Event, LoadedAttributes
from perdure.model.value import EncodedValue


def sealed(text: str) -> EncodedValue:
    return EncodedValue(text, "json/plain")


@pytest.fixture
def persistence() -> Persistence:
    types = TypeStore(Type.DATA_ATTRIBUTE)
    types.add_data_attribute_def(PersistenceField.data_attribute_def("pair", tuple[int, int]))
    types.add_data_attribute_def(PersistenceField.data_attribute_def("price", float))
    types.add_data_attribute_def(PersistenceField.data_attribute_prefix_def("note-", str))
    return Persistence(
        LoadedAttributes(
            (DataAttribute("pair", sealed("[1,2]")), DataAttribute("note-old")),
            (
                SearchAttribute("plan", SearchAttributeType.KEYWORD, "free"),
                SearchAttribute("tags", SearchAttributeType.KEYWORD_ARRAY, ("a",)),
            ),
        ),
        types=types,
        search_types={
            "plan": SearchAttributeValueType.KEYWORD,
            "tags": SearchAttributeValueType.KEYWORD_ARRAY,
            "seats": SearchAttributeValueType.INT,
        },
        encoder=ObjectEncoder.default,
        state_locals=(DataAttribute("left", sealed("5")),),
    )


def test_data_attributes_come_back_as_their_types(persistence: Persistence) -> None:
    assert persistence.get_data_attribute("pair") == (1, 2)
    assert persistence.get_data_attribute("note-old") is None
    assert persistence.get_data_attribute("note-new") is None


def test_a_call_sees_what_it_wrote_and_only_that_is_written(persistence: Persistence) -> None:
    persistence.set_data_attribute("price", 1)
    persistence.set_data_attribute("pair", None)

    assert persistence.get_data_attribute("price") == 1
    assert persistence.get_data_attribute("pair") is None
    assert persistence.data_writes() == (DataAttribute("price", sealed("1")), DataAttribute("pair"))


def test_what_no_schema_declares_or_does_not_fit_is_told(persistence: Persistence) -> None:
    with pytest.raises(WorkflowDefinitionError, match="'other', expected one that is declared: pair, price"):
        persistence.get_data_attribute("other")
    with pytest.raises(WorkflowDefinitionError, match="'other'"):
        persistence.set_data_attribute("other", 1)
    with pytest.raises(WorkflowDefinitionError, match=r"'pair': found \(1, 'two'\), expected tuple\[int, int\]"):
        persistence.set_data_attribute("pair", (1, "two"))
    assert persistence.data_writes() == ()


def test_search_attributes_are_read_by_their_kind_and_set_by_their_declaration(persistence: Persistence) -> None:
    persistence.set_search_attribute_int64("seats", 3)
    persistence.set_search_attribute_keyword("plan", None)

    assert persistence.get_search_attribute_int64("seats") == 3
    assert persistence.get_search_attribute_keyword("plan") is None
    assert persistence.get_search_attribute_text("tags") is None
    assert persistence.get_search_attribute_keyword_array("tags") == ["a"]
    assert persistence.search_writes() == (
        SearchAttribute("seats", SearchAttributeType.INT, 3),
        SearchAttribute("plan", SearchAttributeType.KEYWORD),
    )
    with pytest.raises(WorkflowDefinitionError, match="'plan' is set as TEXT, expected the setter of KEYWORD"):
        persistence.set_search_attribute_text("plan", "free")
    with pytest.raises(WorkflowDefinitionError, match="expected one that is declared"):
        persistence.set_search_attribute_double("other", 0.5)


def test_locals_and_events(persistence: Persistence) -> None:
    persistence.set_state_execution_local("more", [1])
    persistence.record_event("one", "x")
    persistence.record_event("two", "x", 2)
    persistence.record_event("none")

    assert persistence.get_state_execution_local("left") == 5
    assert persistence.get_state_execution_local("more") == [1]
    assert persistence.get_state_execution_local("nothing") is None
    assert persistence.local_writes() == (DataAttribute("more", sealed("[1]")),)
    assert persistence.events() == (
        Event("one", sealed('"x"')),
        Event("two", sealed('["x",2]')),
        Event("none", sealed("[]")),
    )
    with pytest.raises(WorkflowDefinitionError, match="'one' is recorded twice"):
        persistence.record_event("one", "y")
