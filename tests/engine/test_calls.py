from __future__ import annotations

from perdure.engine.calls import ERRORS_KEPT, OpenCall, Stage
from perdure.interpreter.effects import Invoke
from perdure.model.calls import Failure, LoadedAttributes, RunContext, StateCall, StateMethod
from perdure.model.ids import CallId, RunId, StateExecutionId, StateId
from perdure.model.options import RetryPolicy
from perdure.store.rows import CallRow, RunKey
from tests.engine.script import ADA, KIND

KEY = RunKey(1)
TIMEOUT = "activity StartToClose timeout (type: StartToClose)"


def opened(retry: RetryPolicy | None = None, *, limit_ms: int = 0, row: CallRow | None = None) -> OpenCall:
    run = RunContext(ADA, KIND, RunId("r"), RunId("r"), 0)
    call = StateCall(StateMethod.EXECUTE, StateExecutionId("s-1"), StateId("s"), None, LoadedAttributes())
    return OpenCall(KEY, Invoke(CallId(7), run, call, 30_000, retry or RetryPolicy(), limit_ms), first_ms=100, row=row)


def test_failure_leads_into_backoff_and_the_next_attempt_out_of_it() -> None:
    call = opened(RetryPolicy(1_000, 3.0))
    assert call.failed(Failure("refused"), 200) is None
    assert (call.stage, call.next_ms, call.attempt) == (Stage.BACKOFF, 1_200, 1)
    call.next_attempt()
    assert (call.stage, call.next_ms, call.attempt) == (Stage.HELD, None, 2)
    assert call.failed(Failure("refused"), 2_000) is None
    assert call.next_ms == 5_000


def test_worker_may_ask_for_another_wait() -> None:
    call = opened()
    call.failed(Failure("busy", retry_after_ms=60_000), 200)
    assert call.next_ms == 60_200


def test_last_attempt_fails_for_good() -> None:
    call = opened(RetryPolicy(maximum_attempts=1))
    assert call.on_its_last_attempt
    assert call.failed(Failure("refused"), 200) == Failure("refused")


def test_failure_that_forbids_a_retry_is_final() -> None:
    final = opened().failed(Failure("never", retryable=False), 200)
    assert final is not None
    assert final.message == "never"


def test_timeout_is_told_in_the_words_clients_look_for() -> None:
    final = opened(RetryPolicy(maximum_attempts=1)).failed(Failure("slow", timed_out=True), 200)
    assert final is not None
    assert final.message == f"activity error (type: StateApiExecute): {TIMEOUT}: {TIMEOUT}"


def test_timeout_beyond_the_limit_says_that_no_time_was_left() -> None:
    call = opened(limit_ms=1_000)
    assert call.timeout_ms(600) == 500
    final = call.failed(Failure("slow", timed_out=True), 600)
    assert final is not None
    assert "Not enough time to schedule next retry" in final.message
    assert final.message.endswith(TIMEOUT)


def test_nothing_begins_beyond_the_limit() -> None:
    call = opened(limit_ms=1_000)
    assert not call.beyond_limit(1_099)
    assert call.beyond_limit(1_100)
    assert "ScheduleToClose" in call.out_of_time().message


def test_row_carries_over_what_is_known_and_only_the_last_errors() -> None:
    call = opened()
    for n in range(10):
        call.failed(Failure(f"error {n}"), 200 * n)
        call.next_attempt()
    again = opened(row=call.row())
    assert (again.attempt, again.first_ms, again.stage, again.kept) == (11, 100, Stage.HELD, True)
    assert again.errors == tuple(f"error {n}" for n in range(10 - ERRORS_KEPT, 10))


def test_row_in_backoff_stays_there() -> None:
    call = opened()
    call.failed(Failure("refused"), 200)
    again = opened(row=call.row())
    assert (again.stage, again.next_ms, again.attempt) == (Stage.BACKOFF, 1_200, 1)
    again.next_attempt()
    assert again.attempt == 2


def test_crash_in_the_last_attempt_is_told_as_one() -> None:
    failure = opened(RetryPolicy(maximum_attempts=1)).crashed()
    assert "attempt 1 of 1" in failure.message
