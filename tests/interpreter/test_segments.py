"""A journal is a chain of segments: where one ends and the next begins, nothing happens to the run."""

from dataclasses import replace

import pytest

from perdure.interpreter.events import DeadlinePassed, MessagesPublished, ResumeCause, RpcClosed, RpcOpened
from perdure.interpreter.execution import Execution
from perdure.interpreter.refusal import RefusalKind
from perdure.interpreter.rules import RULES_VERSION
from perdure.model.conditions import ChannelCondition, ChannelKind, ChannelResult, TimerCondition, TimerResult, WaitMode
from perdure.model.decisions import Closing
from perdure.model.errors import InternalError
from perdure.model.ids import RunId
from perdure.model.value import Message
from perdure.testing import Playbook
from tests.interpreter.story import (
    GRACEFUL,
    completed,
    execute,
    executing,
    goes,
    move,
    start,
    value,
    wait_until,
    waiting,
    waits,
)

X, Y = value('"x"'), value('"y"')
DAY_MS = 24 * 3600 * 1000


def cut(book: Playbook, cause: ResumeCause = ResumeCause.CUT) -> None:
    """Begin a segment, and go on from its genesis alone."""
    genesis = book.execution.next_segment(cause)
    book.when(genesis).then()
    alone = Execution()
    assert alone.handle(genesis, book.now_ms) == []
    assert alone.snapshot() == book.execution.snapshot()
    book.execution = alone


def test_sign_up_goes_through_its_days_in_a_segment_for_each_step() -> None:
    until_verified = (TimerCondition(duration_ms=DAY_MS), ChannelCondition("verified"))
    with Playbook() as book:
        book.when(start(move("submit", X)), at_ms=0).then(execute(1, "submit-1", state_input=X))
        cut(book)
        book.when(goes(1, waiting("verify"))).then(wait_until(2, "verify-1"), executing("verify"))
        cut(book)
        book.when(waits(2, *until_verified, mode=WaitMode.ANY)).then().deadline(DAY_MS)
        cut(book)
        book.deadline(DAY_MS)
        nothing = ChannelResult("", "verified", ChannelKind.INTERNAL, received=False)
        results = (TimerResult("", fired=True), nothing)
        book.when(DeadlinePassed(), at_ms=DAY_MS).then(execute(3, "verify-1", results=results))
        cut(book)
        book.when(goes(3, waiting("verify"))).then(wait_until(4, "verify-2"))
        cut(book)
        book.when(MessagesPublished((Message("verified", X),))).then()
        cut(book)
        got = (TimerResult("", fired=False), replace(nothing, received=True, values=(X,)))
        book.when(waits(4, *until_verified, mode=WaitMode.ANY)).then(execute(5, "verify-2", results=got))
        cut(book)
        book.when(goes(5, Closing(GRACEFUL, Y))).then(executing(), completed(("verify-2", Y)))


def test_a_lock_is_held_over_a_cut() -> None:
    with Playbook() as book:
        book.when(start(None)).then()
        book.when(RpcOpened(1, ("k",))).then()
        cut(book)
        book.refused(RpcOpened(2, ("k",)), RefusalKind.LOCKED)
        book.when(RpcClosed(1, None)).then()
        assert book.execution.refuse(RpcOpened(2, ("k",))) is None


def test_only_the_run_itself_goes_on_in_another_segment() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        mine = book.execution.next_segment(ResumeCause.CUT)
        before = mine.snapshot
        other = replace(before, run=replace(before.run, run_id=RunId("run-2")))
        for stranger in (replace(mine, run_id=RunId("run-2")), replace(mine, snapshot=other)):
            book.refused(stranger, RefusalKind.INVALID)
            assert book.execution.handle(stranger, 0) == []
        assert book.execution.snapshot() == before
        book.when(goes(1, Closing(GRACEFUL))).then(completed())
        book.refused(mine, RefusalKind.CLOSED)
        assert book.execution.handle(mine, 0) == []
        assert book.execution.closed


def test_a_run_stays_under_its_rules_until_it_adopts_the_newest() -> None:
    older = RULES_VERSION - 1
    with Playbook() as book:
        book.when(replace(start(move("S")), rules=older)).then(execute(1, "S-1"))
        assert (book.execution.rules, book.execution.started.rules) == (older, older)
        book.when(replace(book.execution.next_segment(ResumeCause.CUT), rules=older)).then()
        assert book.execution.rules == older, "a genesis says it, not its cause"
        cut(book, ResumeCause.RULES)
        assert book.execution.rules == RULES_VERSION
        book.when(goes(1, Closing(GRACEFUL, X))).then(completed(("S-1", X)))


def test_newer_rules_are_not_followed() -> None:
    newer = RULES_VERSION + 1
    with pytest.raises(InternalError, match=f"version {newer}, this release knows versions up to {RULES_VERSION}"):
        Execution().handle(replace(start(move("S")), rules=newer), 0)
    execution = Execution()
    execution.handle(start(move("S")), 0)
    before = execution.snapshot()
    with pytest.raises(InternalError):
        execution.handle(replace(execution.next_segment(ResumeCause.RULES), rules=newer), 0)
    assert execution.snapshot() == before
