from __future__ import annotations

import pytest

from perdure import Decision, Workflow, complete, go_to, state
from perdure.authoring.decided import decided
from perdure.authoring.inspection import definition_of
from perdure.authoring.waiting import Wait, all_of
from perdure.model.decisions import Movement
from tests.authoring.onboarding import Onboarding, definition


def test_settings_become_options() -> None:
    begin = definition().states["begin"].options
    assert begin.skip_wait_until
    assert begin.execute.retry.maximum_attempts == 3
    assert begin.recover_state_id == "give_up"
    assert begin.recover_options == definition().states["give_up"].options
    assert definition().start is definition().states["begin"]


def test_a_partial_load_says_which_keys() -> None:
    post = definition().states["post"]
    assert post.loads == frozenset({"person"})
    assert post.options.execute.data_loading.keys == ("person",)


def test_a_state_keeps_its_docstring() -> None:
    @state
    def told(self: object) -> Decision:
        """Say so."""
        return complete()

    assert told.__doc__ == "Say so."


def test_a_subclass_replaces_states_and_waits_by_their_names() -> None:
    class Base(Workflow[None, str]):
        def ready(self) -> Wait:
            return all_of()

        @state(start=True)
        def first(self) -> Decision:
            return go_to(self.second)

        @state(wait=ready)
        def second(self) -> Decision:
            return complete("base")

    class Derived(Base):
        def ready(self) -> Wait:
            return all_of()

        @state(name="other")
        def second(self) -> Decision:
            return complete("derived")

    class Waiting(Base):
        def ready(self) -> Wait:
            return all_of()

    (step,) = decided(definition_of(Derived), go_to(Base.second), where="").next
    assert isinstance(step, Movement)
    assert (step.state_id, step.options.skip_wait_until) == ("other", True)
    wait = definition_of(Waiting).states["second"].wait
    assert getattr(wait, "function", None) is Waiting.ready


def test_a_state_is_gone_to_and_not_called() -> None:
    with pytest.raises(TypeError) as caught:
        Onboarding().begin(7)  # type: ignore[operator]  # that is the test
    assert str(caught.value) == (
        "state 'begin' is called, and only the engine calls one; go on with it: go_to(self.begin, …)"
    )
