from __future__ import annotations

import copy
from typing import Any, Generic, TypeVar

import pytest

from perdure import Attribute, Decision, LostWrite, Workflow, complete, state
from perdure.authoring.inspection import definition_of
from perdure.authoring.invocation import INVOCATION, Invocation
from tests.authoring.onboarding import Onboarding, bound, state_request

T = TypeVar("T")


def test_an_undeclared_attribute_is_refused_in_a_handler_and_welcome_outside() -> None:
    flow = Onboarding("x")
    flow.prefix = "y"
    inside, _ = bound()
    with pytest.raises(
        LostWrite,
        match=r"self\.prefix is assigned in a handler of Onboarding.*declare it: prefix: Attribute\[…\] = Attribute\(\)",
    ):
        inside.prefix = "z"
    with pytest.raises(LostWrite):
        setattr(inside, "nothing", 1)  # noqa: B010 - a type checker would refuse the plain way


def test_a_property_may_stand_before_a_declared_attribute() -> None:
    class Doubled(Workflow[None, None]):
        n: Attribute[int] = Attribute(default=0)

        @property
        def half(self) -> int:
            return self.n // 2

        @half.setter
        def half(self, value: int) -> None:
            self.n = 2 * value

    flow = Doubled()
    flow.__dict__[INVOCATION] = Invocation(definition_of(Doubled), state_request(), None)
    flow.half = 3
    assert flow.n == 6


def test_a_copy_shares_services_and_nothing_else() -> None:
    flow = Onboarding("x")
    other = copy.copy(flow)
    other.prefix = "y"
    assert (flow.prefix, other.prefix, type(other)) == ("x", "y", Onboarding)


def test_a_name_is_a_classs_own() -> None:
    class Named(Workflow[None, str], name="stored"):
        pass

    class Derived(Named):
        pass

    assert (Named.workflow_name, Derived.workflow_name) == ("stored", "Derived")


def test_a_class_in_a_function_may_name_things_of_that_function() -> None:
    class Local:
        pass

    class Base(Workflow[T, str], Generic[T]):
        kept: Attribute[T] = Attribute()

        @state(start=True)
        def begin(self, value: T) -> Decision:
            self.kept = value
            return complete("done")

    class Inner(Base[int]):
        @state
        def again(self, word: LocalWord) -> Decision:
            return complete(word)

    definition = definition_of(Inner)
    assert definition.input_type is int
    assert definition.attributes["kept"].type is int
    assert definition.states["begin"].input_type is int
    assert definition.states["again"].input_type is str


LocalWord = str


@pytest.mark.parametrize("types", [int, (int,), (int, str, bool)])
def test_a_workflow_has_two_types(types: Any) -> None:
    with pytest.raises(TypeError) as caught:
        Workflow.__class_getitem__(types)  # type: ignore[attr-defined]  # Workflow[…], as it is at run time
    given = ", ".join(kind.__name__ for kind in (types if isinstance(types, tuple) else (types,)))
    assert str(caught.value) == (
        f"found Workflow[{given}], expected two types, what it starts with and what it ends with: "
        "Workflow[Form, str]; None stands for nothing"
    )
