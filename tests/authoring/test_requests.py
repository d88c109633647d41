from __future__ import annotations

from typing import Any

import pytest

from perdure import Attribute, Channel, InvalidRequest, Workflow, rpc
from perdure.authoring.inspection import definition_of
from perdure.authoring.requests import (
    attribute_writes,
    channel_of,
    decode_arguments,
    message_to,
    rpc_call,
    start_request,
)
from perdure.model.attributes import LOAD_NONE, DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.options import StartOptions
from perdure.model.value import Message
from tests.authoring.onboarding import Onboarding, Person, Plan, definition, sealed


class Idle(Workflow[None, None]):
    pass


class Desk(Workflow[None, None]):
    @rpc
    def greet(self, name: str | None = "you") -> None:
        return None

    @rpc
    def wake(self, hour: int) -> None:
        return None


class Stranger(Workflow[None, None]):
    other: Attribute[int] = Attribute()
    calls: Channel[int] = Channel()


def test_a_start_begins_with_the_start_state() -> None:
    request = start_request(
        Onboarding,
        "ada",
        Person("ada", "a@b"),
        options=StartOptions(timeout_ms=5),
        attributes={Onboarding.plan: Plan.PAID},
    )
    assert (request.workflow_id, request.workflow_type, request.options.timeout_ms) == ("ada", "Onboarding", 5)
    assert request.first is not None
    assert request.first.state_id == "begin"
    assert request.first.input == sealed('{"name":"ada","email":"a@b"}')
    assert request.first.options == definition().states["begin"].options
    assert request.data == (DataAttribute("plan", sealed('"paid"')),)
    assert request.search == (SearchAttribute("plan", SearchAttributeType.KEYWORD, "paid"),)


def test_a_workflow_without_a_start_state_idles() -> None:
    assert start_request(Idle, "x").first is None
    with pytest.raises(InvalidRequest, match="Idle takes no input"):
        start_request(Idle, "x", 3)


def test_a_wrong_input_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidRequest, match=r"input of Onboarding\.begin: found str 'ada', expected Person") as caught:
        start_request(Onboarding, "ada", "ada")
    assert caught.value.workflow_id == "ada"


def test_attributes_and_channels_of_another_class_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="'other' is no attribute of Onboarding; it has: person, plan"):
        start_request(Onboarding, "ada", Person("a", "b"), attributes={Stranger.other: 1})
    with pytest.raises(ValueError, match="'calls' is no channel of Onboarding; it has: verified"):
        channel_of(definition(), Stranger.calls)


def test_a_message_is_sealed_by_its_channel() -> None:
    assert message_to(definition(), Onboarding.letters, "a") == Message("mail", sealed('"a"'))
    assert message_to(definition(), Onboarding.rooms["x"], 3) == Message("rooms/x", sealed("3"))


def test_an_attribute_is_written_with_its_mirror() -> None:
    assert attribute_writes(definition(), {Onboarding.person: Person("a", "b")})[1] == ()


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((Plan.PAID,), {}, '{"plan":"paid"}'),
        ((Plan.PAID, "new"), {}, '{"plan":"paid","reason":"new"}'),
        ((), {"reason": "new", "plan": Plan.FREE}, '{"plan":"free","reason":"new"}'),
    ],
)
def test_several_arguments_travel_by_name(args: tuple[object, ...], kwargs: dict[str, object], text: str) -> None:
    prepared = rpc_call(Onboarding.upgrade, "ada", args, kwargs)
    assert prepared.call.input == sealed(text)
    opened = decode_arguments(definition(), prepared.rpc, prepared.call.input)
    assert isinstance(opened["plan"], Plan)


def test_a_call_carries_its_policy_and_opens_its_answer() -> None:
    prepared = rpc_call(Onboarding.upgrade, "ada", (Plan.PAID,), run_id="r", timeout_ms=9)
    call = prepared.call
    assert (call.name, call.run_id, call.timeout_ms, call.locking) == ("upgrade", "r", 9, True)
    assert call.search_loading == LOAD_NONE
    assert prepared.decode(sealed('"paid"')) == "paid"
    assert rpc_call(Onboarding.ping, "ada").call.input is None


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "missing a required argument: 'plan'"),
        ((Plan.FREE, "a", "b"), "too many positional arguments"),
        (("gold",), "plan: found str 'gold', expected Plan"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(args: tuple[object, ...], told: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"^Onboarding\.upgrade: {told}"):
        rpc_call(Onboarding.upgrade, "ada", args)


def test_an_only_argument_travels_as_it_is() -> None:
    desk = definition_of(Desk)
    for prepared, opened in (
        (rpc_call(Desk.wake, "d", (7,)), {"hour": 7}),
        (rpc_call(Desk.greet, "d", (), {"name": "ada"}), {"name": "ada"}),
        (rpc_call(Desk.greet, "d"), {}),
        (rpc_call(Onboarding.ping, "d"), {}),
    ):
        assert decode_arguments(prepared.definition, prepared.rpc, prepared.call.input) == opened
    assert rpc_call(Desk.wake, "d", (7,)).call.input == sealed("7")
    with pytest.raises(ValueError, match="hour: found None, expected int"):
        decode_arguments(desk, desk.rpcs["wake"], None)


def test_none_is_not_taken_for_a_default_in_silence() -> None:
    with pytest.raises(
        InvalidRequest, match="name is None, which is sent like nothing and would become its default, 'you'"
    ):
        rpc_call(Desk.greet, "d", (None,))


def test_arguments_that_do_not_fit_are_told_by_name() -> None:
    with pytest.raises(ValueError, match=r"argument of Onboarding\.upgrade: plan: found str 'gold', expected Plan"):
        decode_arguments(definition(), definition().rpcs["upgrade"], sealed('{"plan":"gold"}'))


def plain() -> None:
    pass


class Elsewhere(Workflow[None, None]):
    @rpc
    def ask(self) -> None:
        pass


@pytest.mark.parametrize(
    ("method", "told"),
    [
        (Onboarding.begin, "'begin' is a state, and only the engine calls one; call() takes a method below @rpc"),
        (plain, "plain is no RPC, expected a method of the workflow below @rpc"),
        (7, "7 is no RPC, expected a method of the workflow below @rpc"),
        (Elsewhere.ask, "Elsewhere.ask is no RPC of Onboarding; it has: RPCS"),
    ],
)
def test_what_is_no_rpc_of_the_workflow_is_not_called(method: Any, told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        rpc_call(method, "ada", workflow=Onboarding)
    assert str(caught.value) == told.replace("RPCS", ", ".join(definition().rpcs))
