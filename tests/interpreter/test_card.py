import pytest

from perdure.interpreter.card import EXECUTING_STATES, Card, is_listed
from perdure.interpreter.effects import Index
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.ids import StateId
from perdure.model.options import ExecutingStatesMode
from perdure.testing import rule

A, B = StateId("A"), StateId("B")
AGE = SearchAttribute("age", SearchAttributeType.INT, 36)


def executing(*states: StateId) -> SearchAttribute:
    return SearchAttribute(EXECUTING_STATES, SearchAttributeType.KEYWORD_ARRAY, states)


@rule("4.3")
def test_one_update_has_all_that_changed_and_says_it_once() -> None:
    card = Card()
    card.write([AGE, SearchAttribute("age", SearchAttributeType.INT, 37)])
    card.enter(B)
    card.enter(A)
    before = card.touched
    assert card.update() == Index((SearchAttribute("age", SearchAttributeType.INT, 37), executing(A, B)))
    assert (before, card.touched) == (True, False)
    assert card.update() is None


def test_a_state_is_listed_until_its_last_execution_has_left() -> None:
    card = Card()
    card.enter(A)
    card.enter(A)
    assert card.update() == Index((executing(A),))
    card.leave(A)
    assert card.update() is None, "nothing new in it"
    card.leave(A)
    assert card.update() == Index((executing(),))


def test_what_comes_and_goes_between_two_updates_is_never_told() -> None:
    card = Card()
    card.enter(A)
    card.leave_all()
    assert card.touched
    assert card.update() is None


def test_a_restored_card_is_in_the_index_already() -> None:
    card = Card()
    card.restore((A,), [A, A])
    assert not card.touched
    card.leave(A)
    assert card.update() is None, "another execution goes on"


def test_a_card_begun_anew_is_told_whole() -> None:
    card = Card()
    card.restore((A,), [A])
    card.begin_anew([AGE])
    assert card.update() == Index((AGE, executing(A)))


@rule("4.3")
@pytest.mark.parametrize(
    ("mode", "with_wait", "without"),
    [
        (None, True, False),
        (ExecutingStatesMode.WITH_WAIT_UNTIL, True, False),
        (ExecutingStatesMode.ALL, True, True),
        (ExecutingStatesMode.NONE, False, False),
    ],
)
def test_the_mode_says_which_states_are_listed(
    mode: ExecutingStatesMode | None, with_wait: bool, without: bool
) -> None:
    assert is_listed(mode, skips_wait_until=False) is with_wait
    assert is_listed(mode, skips_wait_until=True) is without
