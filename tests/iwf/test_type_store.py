from uuid import UUID

import pytest

from perdure.iwf.communication_schema import CommunicationMethod
from perdure.iwf.errors import NotRegisteredError, WorkflowDefinitionError
from perdure.iwf.persistence_schema import PersistenceField
from perdure.iwf.type_store import Type, TypeStore, fits


def test_a_name_counts_before_a_prefix_and_an_earlier_prefix_before_a_later() -> None:
    store = TypeStore(Type.DATA_ATTRIBUTE)
    store.add_data_attribute_def(PersistenceField.data_attribute_prefix_def("a", int))
    store.add_data_attribute_def(PersistenceField.data_attribute_prefix_def("ab", str))
    store.add_data_attribute_def(PersistenceField.data_attribute_def("abc", float))
    store.add_data_attribute_def(PersistenceField.data_attribute_def("ab", bool))

    assert [store.get_type(name) for name in ("abc", "abd", "ab")] == [float, int, bool]
    assert store.is_valid_name_or_prefix("anything")
    assert not store.is_valid_name_or_prefix("other")
    with pytest.raises(NotRegisteredError, match=r"data attribute 'other', expected one .*: abc, ab, a\*, ab\*"):
        store.get_type("other")


def test_a_name_is_declared_once() -> None:
    store = TypeStore(Type.INTERNAL_CHANNEL)
    store.add_internal_channel_def(CommunicationMethod.internal_channel_def("c", None))

    assert store.get_type("c") is type(None)
    with pytest.raises(WorkflowDefinitionError, match="internal channel 'c' is declared twice"):
        store.add_internal_channel_def(CommunicationMethod.internal_channel_def("c", int))


class Opaque:
    pass


@pytest.mark.parametrize(
    ("value", "declared", "fitting"),
    [
        (None, int, True),
        ([1], list[int], True),
        (["1"], list[int], False),
        (1, float, True),
        (0.5, int, False),
        (5, int | None, True),
        (UUID(int=1), UUID, True),
        (Opaque(), Opaque, True),
        (1, Opaque, False),
    ],
)
def test_what_fits_a_type(value: object, declared: object, fitting: bool) -> None:
    assert fits(value, declared) is fitting
