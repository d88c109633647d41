from __future__ import annotations

import pytest

from perdure.authoring.converter import ConversionError
from perdure.model.value import Message
from tests.authoring.onboarding import Onboarding, bound, rpc_request, sealed


def test_a_channel_is_called_by_its_member_or_its_name() -> None:
    assert (Onboarding.verified.channel, Onboarding.letters.channel) == ("verified", "mail")


def test_messages_are_sent_in_their_order() -> None:
    flow, invocation = bound()
    flow.verified.publish()
    flow.letters.publish("a")
    flow.letters.publish("b")
    assert invocation.close().messages == (
        Message("verified"),
        Message("mail", sealed('"a"')),
        Message("mail", sealed('"b"')),
    )


def test_a_message_of_the_wrong_type_is_refused_where_it_is_sent() -> None:
    flow, _ = bound()
    with pytest.raises(ConversionError, match="message to mail: found int 3, expected str"):
        flow.letters.publish(3)  # type: ignore[arg-type]  # that is the test


def test_only_a_handler_can_publish() -> None:
    with pytest.raises(RuntimeError, match=r"letters\.publish\(\) is for handlers"):
        Onboarding.letters.publish("a")
    with pytest.raises(RuntimeError, match=r"letters\.publish\(\) is for handlers"):
        Onboarding().letters.publish("a")


def test_an_rpc_is_told_how_many_are_unread_its_own_included() -> None:
    flow, _ = bound(rpc_request(internal_sizes={"mail": 2}))
    flow.letters.publish("a")
    assert (flow.letters.unread(), flow.verified.unread(), flow.stopped.unread()) == (3, 0, 0)


def test_a_state_is_not_told() -> None:
    flow, _ = bound()
    with pytest.raises(RuntimeError, match="only an RPC is told"):
        flow.letters.unread()
