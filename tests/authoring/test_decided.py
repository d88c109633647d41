from __future__ import annotations

import pytest

from perdure import (
    ConversionError,
    Retry,
    complete,
    complete_if_all_empty,
    complete_if_empty,
    complete_now,
    dead_end,
    fail,
    go_to,
    state,
    together,
)
from perdure.authoring.decided import decided, movements
from perdure.authoring.decision import Decision
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, EmptyCheck, Movement
from perdure.model.decisions import Decision as ModelDecision
from tests.authoring.onboarding import Onboarding, Person, definition, sealed

ADA = sealed('{"name":"ada","email":"a@b"}')


def made(decision: object) -> ModelDecision:
    return decided(definition(), decision, where="Onboarding.begin")


def test_a_movement_has_the_states_own_options_and_its_name_in_the_store() -> None:
    (step,) = made(go_to(Onboarding.post, Person("ada", "a@b"), key="k")).next
    post = definition().states["post"]
    assert step == Movement(post.name, ADA, post.options, "k")
    assert post.name == "by-post"


def test_options_of_one_movement_are_its_own() -> None:
    (step,) = made(
        go_to(Onboarding.begin, Person("ada", "a@b"), retry=Retry(attempts=9), timeout=3, recover="begin")
    ).next
    assert isinstance(step, Movement)
    assert (step.options.execute.retry.maximum_attempts, step.options.execute.timeout_ms) == (9, 3_000)
    assert step.options.recover_state_id == "begin"
    assert definition().states["begin"].options.recover_state_id == "give_up"


@pytest.mark.parametrize(
    ("decision", "closing"),
    [
        (complete("a"), Closing(ClosingKind.GRACEFUL_COMPLETE, sealed('"a"'))),
        (complete(), Closing(ClosingKind.GRACEFUL_COMPLETE)),
        (complete_now("a"), Closing(ClosingKind.FORCE_COMPLETE, sealed('"a"'))),
        (fail({"why": 3}), Closing(ClosingKind.FORCE_FAIL, sealed('{"why":3}'))),
        (dead_end(), Closing(ClosingKind.DEAD_END)),
    ],
)
def test_an_end_carries_its_output(decision: Decision, closing: Closing) -> None:
    assert made(decision).next == (closing,)


def test_a_conditional_end_says_what_happens_otherwise() -> None:
    decision = made(complete_if_empty(Onboarding.letters, "a", otherwise=go_to(Onboarding.listen)))
    assert decision.close_if_empty == CloseIfEmpty(EmptyCheck.INTERNAL_CHANNEL, "mail", sealed('"a"'))
    everywhere = made(complete_if_all_empty(otherwise=together(go_to(Onboarding.listen), go_to(Onboarding.listen))))
    assert everywhere.close_if_empty == CloseIfEmpty(EmptyCheck.ALL_CHANNELS)
    assert len(everywhere.next) == 2
    assert [step.state_id for step in decision.next if isinstance(step, Movement)] == ["listen"]


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (complete(3), "output of Onboarding: found int 3, expected str"),
        (go_to(Onboarding.begin, "ada"), r"input of Onboarding\.begin: found str 'ada', expected Person"),  # type: ignore[misc]  # that is the test
        (go_to(Onboarding.begin), r"input of Onboarding\.begin: found None, expected Person"),  # type: ignore[arg-type]  # as above
        (go_to(Onboarding.listen, 3), r"input of Onboarding\.listen: found int 3, expected None"),  # type: ignore[misc]  # as above
    ],
)
def test_a_value_that_does_not_fit_is_told(decision: Decision, told: str) -> None:
    with pytest.raises(ConversionError, match=told):
        made(decision)


def test_what_is_no_decision_is_told() -> None:
    with pytest.raises(TypeError, match=r"Onboarding\.begin returned None, expected a Decision: go_to"):
        made(None)


def test_what_cannot_be_followed_is_told() -> None:
    with pytest.raises(ValueError, match=r"returned together\(\) of nothing"):
        made(together())
    with pytest.raises(ValueError, match="an end stands alone"):
        made(together(go_to(Onboarding.listen), complete()))


def test_a_state_of_another_workflow_is_told() -> None:
    @state
    def elsewhere(self: object) -> Decision:
        return dead_end()

    elsewhere.member = "elsewhere"
    with pytest.raises(ValueError, match="'elsewhere' is no state of Onboarding; it has: give_up, begin, listen, post"):
        made(go_to(elsewhere))


def test_an_rpc_only_starts_states() -> None:
    assert [step.state_id for step in movements(definition(), go_to(Onboarding.listen), where="x")] == ["listen"]
    for decision in (complete(), complete_if_empty(Onboarding.letters, otherwise=go_to(Onboarding.listen))):
        with pytest.raises(ValueError, match="an RPC can only start states"):
            movements(definition(), decision, where="x")
