import pytest

from perdure.iwf.communication import Communication
from perdure.iwf.communication_schema import CommunicationMethod
from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.type_store import Type, TypeStore
from perdure.model.value import EncodedValue, Message
from tests.iwf.everything import Rest


@pytest.fixture
def communication() -> Communication:
    types = TypeStore(Type.INTERNAL_CHANNEL)
    types.add_internal_channel_def(CommunicationMethod.internal_channel_def("numbers", int))
    types.add_internal_channel_def(CommunicationMethod.internal_channel_def_by_prefix("any-", None))
    return Communication(
        internal_types=types,
        signal_names=["go"],
        encoder=ObjectEncoder.default,
        internal_sizes={"numbers": 2},
        signal_sizes={"go": 1},
    )


def test_messages_are_sent_in_their_order_and_counted(communication: Communication) -> None:
    communication.publish_to_internal_channel("numbers", 5)
    communication.publish_to_internal_channel("any-thing")

    assert communication.messages() == (Message("numbers", EncodedValue("5", "json/plain")), Message("any-thing"))
    assert communication.get_internal_channel_size("numbers") == 3
    assert communication.get_internal_channel_size("any-other") == 0
    assert communication.get_signal_channel_size("go") == 1


def test_what_no_schema_declares_is_told(communication: Communication) -> None:
    told = "InternalChannel channel_name is not defined other"
    with pytest.raises(WorkflowDefinitionError, match=told):
        communication.publish_to_internal_channel("other", 5)
    with pytest.raises(WorkflowDefinitionError, match=told):
        communication.get_internal_channel_size("other")
    with pytest.raises(WorkflowDefinitionError, match="SignalChannel channel_name is not defined other"):
        communication.get_signal_channel_size("other")
    with pytest.raises(WorkflowDefinitionError, match="found 'five', expected int"):
        communication.publish_to_internal_channel("numbers", "five")
    assert communication.messages() == ()


def test_states_are_started_by_class_or_by_id(communication: Communication) -> None:
    communication.trigger_state_execution(Rest, "one")
    communication.trigger_state_execution("Rest", "two")

    assert [(movement.state_id, movement.state_input) for movement in communication.movements()] == [
        ("Rest", "one"),
        ("Rest", "two"),
    ]
