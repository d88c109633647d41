from __future__ import annotations

from typing import Any

import pytest

from perdure import complete, complete_if_all_empty, complete_if_empty, dead_end, fail, go_to, together
from perdure.authoring.decision import Decision, Ending, Going
from perdure.model.decisions import ClosingKind, EmptyCheck
from tests.authoring.onboarding import Onboarding, Person


def test_going_names_the_state_and_what_it_is_given() -> None:
    (step,) = go_to(Onboarding.begin, Person("a", "b"), key="k").steps
    assert isinstance(step, Going)
    assert (step.state, step.input, step.key, step.overrides.empty) == (Onboarding.begin, Person("a", "b"), "k", True)


def test_together_keeps_the_order() -> None:
    decision = together(go_to(Onboarding.listen), go_to(Onboarding.post, Person("a", "b")))
    assert [step.state.member for step in decision.steps if isinstance(step, Going)] == ["listen", "post"]


@pytest.mark.parametrize(
    ("decision", "kind"),
    [
        (complete(1), ClosingKind.GRACEFUL_COMPLETE),
        (fail(1), ClosingKind.FORCE_FAIL),
        (dead_end(), ClosingKind.DEAD_END),
    ],
)
def test_an_end_is_of_its_kind(decision: Decision, kind: ClosingKind) -> None:
    (step,) = decision.steps
    assert isinstance(step, Ending)
    assert step.kind is kind


def test_a_conditional_end_looks_at_its_channel() -> None:
    back = go_to(Onboarding.listen)
    for inbox, check in (
        (Onboarding.letters, EmptyCheck.INTERNAL_CHANNEL),
        (Onboarding.stopped, EmptyCheck.SIGNAL_CHANNEL),
    ):
        ending = complete_if_empty(inbox, "done", otherwise=back).if_empty
        assert ending is not None
        assert (ending.check, ending.inbox, ending.output) == (check, inbox, "done")
    ending = complete_if_all_empty("done", otherwise=back).if_empty
    assert ending is not None
    assert ending.check is EmptyCheck.ALL_CHANNELS


def test_a_conditional_end_stands_alone() -> None:
    with pytest.raises(ValueError, match="a conditional end stands alone"):
        together(complete_if_all_empty(otherwise=dead_end()), go_to(Onboarding.listen))


def undecorated() -> None:
    pass


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            undecorated,
            "go_to found the method 'undecorated' without @state, expected a state: write @state above undecorated",
        ),
        (7, "go_to found 7, expected a state and its input: go_to(self.verify, …)"),
    ],
)
def test_going_to_what_is_no_state_is_refused(wrong: Any, told: str) -> None:
    with pytest.raises(TypeError) as caught:
        go_to(wrong)
    assert str(caught.value) == told
