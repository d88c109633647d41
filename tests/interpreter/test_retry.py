from perdure.interpreter.retry import attempt_timeout_ms, backoff_ms, next_attempt_ms
from perdure.model.options import RetryPolicy
from perdure.testing import rule

DEFAULT = RetryPolicy()


@rule("3.2")
def test_the_wait_doubles_up_to_the_maximum_without_jitter() -> None:
    assert [backoff_ms(DEFAULT, n) for n in range(1, 10)] == [
        1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 100_000, 100_000,
    ]  # fmt: skip


@rule("3.2")
def test_a_first_wait_beyond_the_maximum_is_cut_to_it() -> None:
    assert backoff_ms(RetryPolicy(initial_interval_ms=200_000), 1) == 100_000


def test_a_wait_too_large_for_a_number_is_the_maximum() -> None:
    assert backoff_ms(RetryPolicy(backoff_coefficient=1e300), 50) == 100_000


@rule("3.2")
def test_attempts_are_counted() -> None:
    policy = RetryPolicy(maximum_attempts=2)
    assert next_attempt_ms(policy, limit_ms=0, attempts=1, first_ms=0, now_ms=5) == 1_005
    assert next_attempt_ms(policy, limit_ms=0, attempts=2, first_ms=0, now_ms=1_010) is None


@rule("3.2", "2.10")
def test_an_attempt_that_would_begin_at_the_limit_is_not_waited_for() -> None:
    """iWF: a workflow of five seconds has its attempts at 0, 1 and 3 s and fails at 3 s."""
    begun = [0]
    while (
        again := next_attempt_ms(DEFAULT, limit_ms=5_000, attempts=len(begun), first_ms=0, now_ms=begun[-1])
    ) is not None:
        begun.append(again)
    assert begun == [0, 1_000, 3_000]
    assert next_attempt_ms(DEFAULT, limit_ms=1_000, attempts=1, first_ms=0, now_ms=0) is None


def test_a_worker_may_ask_for_another_wait() -> None:
    assert next_attempt_ms(DEFAULT, limit_ms=0, attempts=1, first_ms=0, now_ms=0, retry_after_ms=30_000) == 30_000


def test_the_limit_cuts_an_attempt_that_runs() -> None:
    assert attempt_timeout_ms(30_000, limit_ms=0, first_ms=0, now_ms=9_000) == 30_000
    assert attempt_timeout_ms(30_000, limit_ms=10_000, first_ms=0, now_ms=9_000) == 1_000
    assert attempt_timeout_ms(30_000, limit_ms=10_000, first_ms=0, now_ms=12_000) == 1
