"""When a failed call is tried again: the one place that knows.

The embedded engine runs this itself; on Temporal it is mapped to the activity's policy.
"""

from __future__ import annotations

from perdure.model.options import RetryPolicy


def backoff_ms(policy: RetryPolicy, attempts: int) -> int:
    """Return the wait after that many failed attempts: no jitter, cut to the maximum interval.

    iWF 3.2: initial × coefficient^(n-1).
    """
    initial = min(policy.initial_interval_ms, policy.maximum_interval_ms)
    try:
        wait = initial * policy.backoff_coefficient ** (attempts - 1)
    except OverflowError:
        return policy.maximum_interval_ms
    return int(min(wait, policy.maximum_interval_ms))


def next_attempt_ms(
    policy: RetryPolicy, *, limit_ms: int, attempts: int, first_ms: int, now_ms: int, retry_after_ms: int | None = None
) -> int | None:
    """Return when to try again after *attempts* failed ones, or ``None`` to give up now.

    Gives up at once when the next attempt would begin at or beyond the limit, rather than wait
    for the limit to pass (iWF 3.2).

    Args:
        limit_ms: for all attempts together, from *first_ms*; 0: none.
        retry_after_ms: the worker's own wish for the next wait, instead of the policy's.
    """
    if policy.maximum_attempts and attempts >= policy.maximum_attempts:
        return None
    wait = backoff_ms(policy, attempts) if retry_after_ms is None else retry_after_ms
    again_ms = now_ms + wait
    if limit_ms and again_ms >= first_ms + limit_ms:
        return None
    return again_ms


def attempt_timeout_ms(timeout_ms: int, *, limit_ms: int, first_ms: int, now_ms: int) -> int:
    """Return how long an attempt that begins now may take: the limit also cuts one that runs."""
    if not limit_ms:
        return timeout_ms
    return max(1, min(timeout_ms, first_ms + limit_ms - now_ms))
