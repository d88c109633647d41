from __future__ import annotations

import pytest

from perdure.model.value import Message
from tests.authoring.onboarding import Onboarding, bound, sealed


def test_each_key_is_a_channel_of_its_own() -> None:
    flow, invocation = bound()
    flow.rooms["a"].publish(1)
    flow.rooms["b"].publish(2)
    assert invocation.close().messages == (Message("rooms/a", sealed("1")), Message("rooms/b", sealed("2")))


def test_outside_a_handler_it_can_only_be_named() -> None:
    assert Onboarding.rooms["a"].channel == "rooms/a"
    with pytest.raises(RuntimeError, match="is for handlers"):
        Onboarding.rooms["a"].publish(1)
