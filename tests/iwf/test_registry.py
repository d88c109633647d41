import pytest

from perdure.iwf.errors import InvalidArgumentError, WorkflowDefinitionError
from perdure.iwf.persistence_options import PersistenceOptions
from perdure.iwf.registry import Registry
from tests.iwf.everything import SEARCH, Choose, Everything, Idle, Order, Rest
from tests.iwf.test_definition import Ping


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.add_workflows(Everything(), Idle())
    return made


def test_everything_a_workflow_declares_can_be_looked_up(registry: Registry) -> None:
    assert isinstance(registry.get_workflow_with_check("Everything"), Everything)
    assert type(registry.get_workflow_starting_state("Everything")).__name__ == "Begin"
    assert registry.get_workflow_starting_state("Idle") is None
    assert isinstance(registry.get_workflow_state_with_check("Everything", "choose"), Choose)
    assert list(registry.get_state_store("Everything")) == ["Begin", "Gather", "Rest", "choose"]
    assert registry.get_state_store("Idle") == {}
    assert registry.get_internal_channel_type_store("Everything").get_type("parts") is Order
    assert registry.get_signal_channel_types("Everything") == {"go": int}
    assert registry.get_data_attribute_types("Everything").get_type("note-x") is str
    assert registry.get_search_attribute_types("Everything") == SEARCH
    assert registry.get_persistence_options("Everything") == PersistenceOptions(enable_caching=True)
    assert "answer" in registry.get_rpc_infos("Everything")
    assert registry.has_rpc("keep")
    assert not registry.has_rpc("lose")


def test_states_are_named_as_they_are_registered(registry: Registry) -> None:
    assert [registry.state_id_of(state) for state in (Choose, Rest, "any", Ping)] == ["choose", "Rest", "any", "Ping"]


def test_a_type_is_registered_once_and_an_unknown_one_is_told(registry: Registry) -> None:
    with pytest.raises(WorkflowDefinitionError, match="'Idle' is registered twice"):
        registry.add_workflow(Idle())
    with pytest.raises(InvalidArgumentError, match="workflow Other is not registered; registered are: Everything"):
        registry.get_workflow_with_check("Other")
    with pytest.raises(InvalidArgumentError, match="found state 'Other'"):
        registry.get_workflow_state_with_check("Idle", "Other")


def test_it_gives_what_an_invoker_runs(registry: Registry) -> None:
    assert [runnable.workflow_type for runnable in registry] == ["Everything", "Idle"]
