"""What a playbook catches, and how its failures read. The execution here is a scripted one."""

from __future__ import annotations

import pytest

from perdure.interpreter.effects import Abandon, Close, Effect
from perdure.interpreter.events import DeadlinePassed, Event, SignalReceived
from perdure.interpreter.execution import Execution
from perdure.interpreter.refusal import Refusal, RefusalKind
from perdure.model.ids import CallId
from perdure.model.outcome import Outcome, RunStatus
from perdure.testing.playbook import Playbook, brief

COMPLETED = Close(Outcome(RunStatus.COMPLETED))


class Bell(Execution):
    """Closes at its second signal; before that a signal abandons call 1, a deadline does nothing."""

    def __init__(self) -> None:
        self.rung = 0

    def refuse(self, event: Event) -> Refusal | None:
        return Refusal(RefusalKind.CLOSED, "rung out") if self.rung == 2 else None

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        if not isinstance(event, SignalReceived):
            return []
        self.rung += 1
        return [Abandon(CallId(1))] if self.rung == 1 else [COMPLETED]

    def next_deadline_ms(self) -> int | None:
        return 500


def book() -> Playbook:
    return Playbook(Bell())


def test_conversation_that_goes_as_told_passes() -> None:
    with book() as told:
        told.when(SignalReceived("bell"), at_ms=3).then(Abandon(CallId(1))).deadline(500)
        told.when(DeadlinePassed(), at_ms=4)
        told.when(SignalReceived("bell")).then_of(Close)
        told.refused(SignalReceived("bell"), RefusalKind.CLOSED)
    assert told.conversation == [(SignalReceived("bell"), 3), (DeadlinePassed(), 4), (SignalReceived("bell"), 4)]


def test_failure_shows_the_whole_conversation_and_what_differs() -> None:
    told = book().when(SignalReceived("bell"), at_ms=3).then(Abandon(CallId(1)))
    with pytest.raises(AssertionError) as failed:
        told.when(SignalReceived("bell"), at_ms=9).then(Abandon(CallId(2)))
    assert str(failed.value).splitlines()[:5] == [
        "the effects differ; the whole conversation:",
        ">> SignalReceived(channel='bell')  at 3 ms",
        "<< Abandon(call_id=1)",
        ">> SignalReceived(channel='bell')  at 9 ms",
        "(- expected, + found)",
    ]
    assert "- Abandon(" in str(failed.value)
    assert "+ Close(" in str(failed.value)


def test_effects_nobody_asserted_are_a_failure_at_the_next_event() -> None:
    told = book().when(SignalReceived("bell"))
    with pytest.raises(AssertionError, match="the effects differ"):
        told.when(DeadlinePassed())


def test_effects_nobody_asserted_are_a_failure_at_the_end() -> None:
    with pytest.raises(AssertionError, match="the effects differ"), book() as told:
        told.when(SignalReceived("bell"))


def test_refused_event_fails_when_and_tells_why() -> None:
    told = book().when(SignalReceived("bell")).then_of(Abandon).when(SignalReceived("bell")).then_of(Close)
    with pytest.raises(AssertionError, match="rung out"):
        told.when(SignalReceived("bell"))


@pytest.mark.parametrize("kind", [RefusalKind.LOCKED, RefusalKind.CLOSED])
def test_accepted_event_is_not_refused(kind: RefusalKind) -> None:
    with pytest.raises(AssertionError, match="found it accepted"):
        book().refused(SignalReceived("bell"), kind)


def test_wrong_refusal_is_a_failure() -> None:
    told = book().when(SignalReceived("bell")).then_of(Abandon).when(SignalReceived("bell")).then_of(Close)
    with pytest.raises(AssertionError, match=r"found Refusal.*expected RefusalKind\.LOCKED"):
        told.refused(SignalReceived("bell"), RefusalKind.LOCKED)


def test_wrong_deadline_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="found the next deadline at 500 ms, expected None ms"):
        book().deadline(None)


def test_wrong_kinds_of_effects_are_a_failure() -> None:
    with pytest.raises(AssertionError, match=r"found effects \['Abandon'\], expected \['Close'\]"):
        book().when(SignalReceived("bell")).then_of(Close)


def test_brief_leaves_out_what_has_its_default() -> None:
    assert brief(COMPLETED) == "Close(outcome=Outcome(status=RunStatus.COMPLETED))"
