from dataclasses import replace

import pytest

from perdure.interpreter.chain import (
    Begin,
    CurrentRun,
    Existing,
    Taken,
    check_start,
    decide_after_close,
    decide_start,
)
from perdure.interpreter.events import Started
from perdure.interpreter.rules import RULES_VERSION
from perdure.model.errors import InvalidRequest
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.options import IdReusePolicy, RetryPolicy, StartOptions
from perdure.model.outcome import Outcome, RunErrorType, RunStatus
from perdure.model.requests import StartRequest
from perdure.testing import rule

OLD, NEW = RunId("old"), RunId("new")
ABNORMAL = [RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.TERMINATED, RunStatus.CANCELED]


def request(options: StartOptions = StartOptions()) -> StartRequest:
    return StartRequest(WorkflowId("ada"), WorkflowType("Signup"), options=options)


def started(options: StartOptions, **changes: int) -> Started:
    return Started(request(options), OLD, RunId("first"), **changes)


def decide(options: StartOptions, current: CurrentRun | None) -> Begin | Existing | Taken:
    return decide_start(request(options), current, run_id=NEW, now_ms=1_000)


def failed() -> Outcome:
    return Outcome(RunStatus.FAILED, None, RunErrorType.STATE_CALL, "no")


@rule("8.5")
@pytest.mark.parametrize("policy", IdReusePolicy)
def test_a_free_id_may_be_started_by_any_policy(policy: IdReusePolicy) -> None:
    assert decide(StartOptions(policy), None) == Begin(Started(request(StartOptions(policy)), NEW, NEW))


@rule("8.5")
def test_a_running_id_is_taken() -> None:
    for policy in IdReusePolicy:
        decision = decide(StartOptions(policy), CurrentRun(OLD, RunStatus.RUNNING))
        if policy is IdReusePolicy.TERMINATE_IF_RUNNING:
            assert isinstance(decision, Begin)
            assert decision.terminate == OLD
        else:
            assert decision == Taken(OLD, "Workflow execution is already running. WorkflowId: ada, RunId: old.")


@rule("8.5")
def test_a_completed_id_may_be_started_again_unless_the_policy_counts_it() -> None:
    for policy in IdReusePolicy:
        decision = decide(StartOptions(policy), CurrentRun(OLD, RunStatus.COMPLETED))
        counts = policy in (IdReusePolicy.DISALLOW, IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED)
        assert isinstance(decision, Taken if counts else Begin)


@rule("8.5")
@pytest.mark.parametrize("status", ABNORMAL)
def test_an_id_whose_run_ended_otherwise_is_free_unless_reuse_is_disallowed(status: RunStatus) -> None:
    for policy in IdReusePolicy:
        decision = decide(StartOptions(policy), CurrentRun(OLD, status))
        assert isinstance(decision, Taken if policy is IdReusePolicy.DISALLOW else Begin)
        assert not isinstance(decision, Begin) or decision.terminate is None


@rule("8.6")
def test_already_started_is_ignored_for_the_same_request_id_or_for_none() -> None:
    current = CurrentRun(OLD, RunStatus.RUNNING, request_id="r1")
    assert decide(StartOptions(ignore_already_started=True, request_id="r1"), current) == Existing(OLD)
    assert decide(StartOptions(ignore_already_started=True), current) == Existing(OLD)
    assert isinstance(decide(StartOptions(ignore_already_started=True, request_id="r2"), current), Taken)
    assert isinstance(decide(StartOptions(request_id="r1"), current), Taken)


@rule("8.6")
def test_a_request_id_does_not_agree_with_a_start_that_had_none() -> None:
    """The reference answers 500 here."""
    current = CurrentRun(OLD, RunStatus.RUNNING)
    assert isinstance(decide(StartOptions(ignore_already_started=True, request_id="r1"), current), Taken)


@rule("8.4")
def test_a_failed_run_is_tried_again_after_a_backoff_as_the_same_chain() -> None:
    options = StartOptions(retry=RetryPolicy(maximum_attempts=3), timeout_ms=60_000, delay_ms=5)
    again = decide_after_close(started(options, expires_at_ms=61_000), failed(), run_id=NEW, now_ms=2_000)
    assert again is not None
    assert (again.run_id, again.first_run_id, again.attempt) == (NEW, "first", 2)
    assert (again.delay_ms, again.expires_at_ms) == (1_000, 61_000)
    assert again.request.options.delay_ms == 0


@rule("8.4", "8.2")
def test_a_retry_is_not_made_beyond_its_attempts_nor_beyond_the_timeout() -> None:
    options = StartOptions(retry=RetryPolicy(maximum_attempts=2))
    assert decide_after_close(started(options, attempt=2), failed(), run_id=NEW, now_ms=0) is None
    assert decide_after_close(started(options, expires_at_ms=1_000), failed(), run_id=NEW, now_ms=0) is None


def test_a_retry_is_under_the_newest_rules() -> None:
    older = replace(started(StartOptions(retry=RetryPolicy())), rules=RULES_VERSION - 1)
    again = decide_after_close(older, failed(), run_id=NEW, now_ms=0)
    assert again is not None
    assert again.rules == RULES_VERSION


@rule("8.4")
@pytest.mark.parametrize("status", [s for s in RunStatus if s.closed and s is not RunStatus.FAILED])
def test_only_a_failure_is_tried_again(status: RunStatus) -> None:
    assert decide_after_close(started(StartOptions(retry=RetryPolicy())), Outcome(status), run_id=NEW, now_ms=0) is None


@rule("8.3")
def test_a_schedule_starts_its_next_run_when_one_ends_and_skips_what_it_overlapped() -> None:
    options = StartOptions(cron="*/10 * * * *", timeout_ms=1_000)
    begin = decide_start(request(options), None, run_id=NEW, now_ms=60_000)
    assert isinstance(begin, Begin)
    assert (begin.started.delay_ms, begin.started.expires_at_ms) == (540_000, 601_000)
    late = decide_after_close(begin.started, Outcome(RunStatus.COMPLETED), run_id=NEW, now_ms=1_900_000)
    assert late is not None
    assert late.delay_ms == 500_000, "the moments at 1,200 and 1,800 s have passed: the next is at 2,400 s"
    assert late.first_run_id == NEW


@rule("8.3")
@pytest.mark.parametrize("status", [RunStatus.CANCELED, RunStatus.TERMINATED])
def test_stopping_a_run_ends_its_schedule(status: RunStatus) -> None:
    assert decide_after_close(started(StartOptions(cron="@hourly")), Outcome(status), run_id=NEW, now_ms=0) is None


@rule("1.4", "8.2", "8.7")
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (StartOptions(timeout_ms=-1), "WorkflowExecutionTimeoutSeconds is set on request. cause: negative duration"),
        (StartOptions(delay_ms=-1), "WorkflowStartDelaySeconds is set on request. cause: negative duration"),
        (StartOptions(retry=RetryPolicy(maximum_attempts=-1)), "MaximumAttempts cannot be negative"),
        (StartOptions(retry=RetryPolicy(backoff_coefficient=0.5)), "BackoffCoefficient cannot be less than 1"),
        (StartOptions(retry=RetryPolicy(maximum_interval_ms=1)), "MaximumInterval cannot be less than InitialInterval"),
        (StartOptions(cron="nonsense"), "Invalid schedule spec: 'nonsense' has 1 fields"),
    ],
)
def test_an_impossible_start_is_refused_with_the_reason(options: StartOptions, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        check_start(request(options))


def test_a_start_needs_an_id() -> None:
    with pytest.raises(InvalidRequest, match=r"WorkflowId is not set on request\."):
        check_start(StartRequest(WorkflowId(""), WorkflowType("Signup")))
