from __future__ import annotations

from perdure.engine.outputs import Answered, Refused
from perdure.engine.waiters import Waiters
from perdure.model.errors import UnavailableError, WaitTimedOut
from perdure.model.ids import RunId
from perdure.model.outcome import RunInfo, RunStatus
from perdure.store.rows import RunKey
from tests.engine.script import ADA, KIND, text

ONE, TWO = RunKey(1), RunKey(2)


class Caller:
    def set_result(self, value: object) -> None:
        raise AssertionError("the driver delivers")

    def set_error(self, error: Exception) -> None:
        raise AssertionError("the driver delivers")


def info(run_id: str) -> RunInfo:
    return RunInfo(ADA, RunId(run_id), KIND, RunStatus.COMPLETED, 0)


def test_everybody_who_waits_for_a_run_hears_of_its_end_once() -> None:
    waiters, callers = Waiters(), [Caller(), Caller()]
    for caller in callers:
        waiters.wait_for_result(caller, ONE, asked_run=RunId("one"), until_ms=None)
    assert waiters.run_ended(ONE, info("one")) == [Answered(caller, info("one")) for caller in callers]
    assert waiters.run_ended(ONE, info("one")) == []
    assert len(waiters) == 0


def test_retry_ends_in_the_name_of_the_run_that_was_asked_for() -> None:
    waiters, caller = Waiters(), Caller()
    waiters.wait_for_result(caller, ONE, asked_run=RunId("one"), until_ms=None)
    waiters.run_retried(ONE, TWO)
    assert waiters.run_ended(ONE, info("one")) == []
    assert waiters.run_ended(TWO, info("two")) == [Answered(caller, info("one"))]


def test_state_is_waited_for_by_workflow_and_key() -> None:
    waiters, caller = Waiters(), Caller()
    waiters.wait_for_state(caller, ADA, "s-1", until_ms=None)
    assert waiters.state_completed(ADA, "s-2", None) == []
    assert waiters.state_completed(ADA, "s-1", text("out")) == [Answered(caller, text("out"))]


def test_time_runs_out_for_those_who_still_wait() -> None:
    waiters, early, late = Waiters(), Caller(), Caller()
    waiters.wait_for_result(late, ONE, asked_run=RunId("one"), until_ms=20)
    waiters.wait_for_state(early, ADA, "s-1", until_ms=10)
    assert waiters.next_ms() == 10
    (told,) = waiters.expire(10)
    assert isinstance(told, Refused)
    assert told.reply is early
    assert isinstance(told.error, WaitTimedOut)
    waiters.run_ended(ONE, info("one"))
    assert waiters.next_ms() is None
    assert waiters.expire(100) == []


def test_who_has_gone_is_forgotten() -> None:
    waiters, caller = Waiters(), Caller()
    waiters.wait_for_result(caller, ONE, asked_run=RunId("one"), until_ms=10)
    waiters.forget(caller)
    waiters.forget(caller)
    assert (len(waiters), waiters.next_ms()) == (0, None)
    assert waiters.run_ended(ONE, info("one")) == []


def test_run_that_never_came_to_be_is_told_to_who_waits_for_it() -> None:
    waiters, caller = Waiters(), Caller()
    waiters.wait_for_result(caller, ONE, asked_run=RunId("one"), until_ms=None)
    error = UnavailableError("nothing was written")
    assert waiters.run_lost(ONE, error) == [Refused(caller, error)]


def test_close_refuses_everybody() -> None:
    waiters, one, two = Waiters(), Caller(), Caller()
    waiters.wait_for_result(one, ONE, asked_run=RunId("one"), until_ms=5)
    waiters.wait_for_state(two, ADA, "s-1", until_ms=None)
    error = UnavailableError("closed")
    assert waiters.refuse_all(error) == [Refused(one, error), Refused(two, error)]
    assert len(waiters) == 0
