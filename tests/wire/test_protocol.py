"""The tables are data: what is tested of each is that it reads its own fields and no wrong ones."""

from typing import Any

import pytest

from perdure.wire import protocol
from perdure.wire.document import Malformed
from perdure.wire.shape import Choice, ListOf, Object, Text

OBJECTS = {name: shape for name, shape in vars(protocol).items() if isinstance(shape, Object)}


@pytest.mark.parametrize("name", OBJECTS)
def test_every_object_reads_nulls_and_unknown_fields_as_nothing(name: str) -> None:
    shape = OBJECTS[name]
    nothing: dict[str, Any] = dict.fromkeys(shape.fields) | {"noSuchField": [1]}

    assert shape.read(nothing) == shape.read({})


@pytest.mark.parametrize("name", OBJECTS)
def test_every_field_of_every_object_refuses_a_value_of_another_kind(name: str) -> None:
    for field, kind in OBJECTS[name].fields.items():
        wrong: Any = 5 if isinstance(kind, Text | Choice | ListOf | Object) else "text"
        with pytest.raises(Malformed, match=field):
            OBJECTS[name].read({field: wrong})


def test_fields_that_a_worker_must_send_are_written_again_even_if_it_did_not() -> None:
    answer = {"stateDecision": {"nextStates": [{}]}, "publishToInterStateChannel": [{}]}

    assert protocol.EXECUTE_ANSWER.read(answer) == {
        "stateDecision": {"nextStates": [{"stateId": ""}]},
        "publishToInterStateChannel": [{"channelName": ""}],
    }


def test_state_options_hold_state_options() -> None:
    nested = {"executeApiFailureProceedStateOptions": {"executeApiFailureProceedStateOptions": {"skipWaitUntil": True}}}

    assert protocol.STATE_OPTIONS.read(nested) == nested
