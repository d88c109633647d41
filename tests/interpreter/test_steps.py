import pytest

from perdure.interpreter.steps import Mistake, steps_of
from perdure.interpreter.waits import Channels
from perdure.model.conditions import ChannelKind
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import StateId
from perdure.model.value import EncodedValue
from perdure.testing import rule

X = EncodedValue("x")
A, B = Movement(StateId("A")), Movement(StateId("B"))
END = Closing(ClosingKind.FORCE_COMPLETE, X)


def channels(*names: str, kind: ChannelKind = ChannelKind.INTERNAL) -> Channels:
    """Channels with a message in each."""
    found = Channels()
    for name in names:
        found.put((kind, name), None)
    return found


@rule("2.8")
@pytest.mark.parametrize("steps", [(), (A,), (A, B)])
def test_movements_are_followed(steps: tuple[Movement, ...]) -> None:
    assert steps_of(Decision(steps), Channels()) == steps


@rule("2.8")
def test_one_closing_ends_the_thread_and_nothing_may_stand_beside_it() -> None:
    assert steps_of(Decision((END,)), Channels()) == END
    for steps in ((END, END), (END, A), (A, END)):
        assert isinstance(steps_of(Decision(steps), Channels()), Mistake)


@rule("2.8.1")
def test_empty_channels_close_and_others_go_on() -> None:
    one = Decision((A,), CloseIfEmpty(EmptyCheck.INTERNAL_CHANNEL, "c", X))
    assert steps_of(one, channels("d")) == END
    assert steps_of(one, channels("c", kind=ChannelKind.SIGNAL)) == END
    assert steps_of(one, channels("c")) == (A,)
    every = Decision((A,), CloseIfEmpty(EmptyCheck.ALL_CHANNELS, "c", X))
    assert steps_of(every, Channels()) == Closing(ClosingKind.GRACEFUL_COMPLETE, X)
    assert steps_of(every, channels("d")) == (A,)


@rule("2.8.1")
def test_what_follows_an_unmet_condition_may_close_nothing() -> None:
    decision = Decision((END,), CloseIfEmpty(EmptyCheck.INTERNAL_CHANNEL, "c"))
    found = steps_of(decision, channels("c"))
    assert isinstance(found, Mistake)
    assert END.kind.value in found.message


def test_an_unknown_condition_is_a_mistake_even_over_empty_channels() -> None:
    assert isinstance(steps_of(Decision((A,), CloseIfEmpty(None, "c")), Channels()), Mistake)
