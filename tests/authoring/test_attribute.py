from __future__ import annotations

import pytest

from perdure import Attribute, ConversionError, LostWrite
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from tests.authoring.onboarding import Basket, Onboarding, Person, Plan, bound, sealed, state_request

ADA = '{"name":"ada","email":"a@b"}'


def test_a_value_is_read_by_its_annotation() -> None:
    flow, invocation = bound(state_request(data={"person": ADA, "plan": '"paid"'}))
    assert (flow.person, flow.plan) == (Person("ada", "a@b"), Plan.PAID)
    assert invocation.close().data == ()


def test_before_anything_was_assigned_the_default_is_read() -> None:
    flow, _ = bound()
    assert flow.plan is Plan.FREE
    assert flow.basket == Basket()
    with pytest.raises(AttributeError, match="'person' has no value yet; assign it first, or give it a default"):
        _ = flow.person


def test_what_is_assigned_is_read_again_and_written_once() -> None:
    flow, invocation = bound()
    flow.person = Person("a", "b")
    flow.person = Person("ada", "a@b")
    assert flow.person == Person("ada", "a@b")
    assert invocation.close().data == (DataAttribute("person", sealed(ADA)),)


def test_an_indexed_value_is_mirrored_in_the_index() -> None:
    flow, invocation = bound()
    flow.plan = Plan.PAID
    writes = invocation.close()
    assert writes.data == (DataAttribute("plan", sealed('"paid"')),)
    assert writes.search == (SearchAttribute("plan", SearchAttributeType.KEYWORD, "paid"),)


def test_a_deleted_value_is_absent_at_once_and_in_the_index() -> None:
    flow, invocation = bound(state_request(data={"plan": '"paid"', "person": ADA}))
    del flow.plan
    del flow.person
    assert flow.plan is Plan.FREE
    with pytest.raises(AttributeError):
        _ = flow.person
    writes = invocation.close()
    assert writes.data == (DataAttribute("plan", None), DataAttribute("person", None))
    assert writes.search == (SearchAttribute("plan", SearchAttributeType.KEYWORD, None),)


def test_a_wrong_type_is_refused_where_it_is_assigned() -> None:
    flow, _ = bound()
    with pytest.raises(ConversionError, match="person: found str 'ada', expected Person"):
        flow.person = "ada"  # type: ignore[assignment]  # that is the test


def test_a_change_in_place_without_an_assignment_is_an_error() -> None:
    flow, invocation = bound(state_request(data={"basket": '{"items":["a"]}'}))
    flow.basket.items.append("b")
    with pytest.raises(LostWrite, match=r"'basket' was changed in place and not assigned.*self\.basket = "):
        invocation.close()


def test_a_change_in_place_of_a_default_is_an_error_too() -> None:
    flow, invocation = bound()
    flow.basket.items.append("b")
    with pytest.raises(LostWrite):
        invocation.close()


def test_a_change_in_place_that_is_assigned_is_written_as_it_is_in_the_end() -> None:
    flow, invocation = bound(state_request(data={"basket": '{"items":["a"]}'}))
    basket = flow.basket
    flow.basket = basket
    basket.items.append("b")
    assert invocation.close().data == (DataAttribute("basket", sealed('{"items":["a","b"]}')),)


@pytest.mark.parametrize("stored", ['{"items": ["a"]}', '{"items":["a"],"older":1}', "{}"])
def test_reading_what_another_writer_wrote_differently_is_no_change(stored: str) -> None:
    flow, invocation = bound(state_request(data={"basket": stored}))
    _ = flow.basket
    assert invocation.close().data == ()


def test_outside_a_handler_there_is_no_value() -> None:
    with pytest.raises(RuntimeError, match="only inside a handler"):
        _ = Onboarding().person
    with pytest.raises(RuntimeError, match="assigned outside a handler"):
        Onboarding().person = Person("a", "b")


def test_on_the_class_it_is_the_attribute_itself() -> None:
    assert (Onboarding.plan.key, Onboarding.plan.member) == ("plan", "plan")


def test_a_default_is_given_by_its_name() -> None:
    with pytest.raises(TypeError) as caught:
        Attribute(0)  # type: ignore[call-overload]  # that is the test
    assert str(caught.value) == (
        "found Attribute(0), expected what it begins with by its name: Attribute(default=0), "
        "or Attribute(factory=list) for a value that can change"
    )


def test_an_attribute_of_a_run_is_not_assigned_in_a_constructor() -> None:
    with pytest.raises(RuntimeError) as caught:
        Onboarding().plan = Plan.PAID
    assert str(caught.value) == (
        "Onboarding.plan is assigned outside a handler, and belongs to each run, not to this instance; say what a run "
        "begins with, Attribute(default=…) or start(…, attributes={…}), or keep a service under a name that is not declared"
    )
