from __future__ import annotations

from datetime import timedelta

import pytest

from perdure import Retry
from perdure.model.options import RetryPolicy


def test_nothing_said_is_the_default_policy() -> None:
    assert Retry().policy() == RetryPolicy()


def test_every_word_is_understood() -> None:
    retry = Retry(attempts=5, first=0.5, factor=3, longest=timedelta(minutes=1), within=timedelta(hours=1))
    assert retry.policy() == RetryPolicy(500, 3.0, 60_000, 5, 3_600_000)


@pytest.mark.parametrize(
    ("retry", "told"),
    [
        (Retry(attempts=0), "attempts is 0, expected 1 or more, or None"),
        (Retry(first=0), "first is 0, expected more than 0"),
        (Retry(within=-1), "within is -1, expected more than 0"),
        (Retry(factor=0.5), "factor is 0.5, expected 1 or more"),
        (Retry(first=200), "longest is 100.0, expected no less than first, 200"),
    ],
)
def test_what_nobody_can_follow_is_refused(retry: Retry, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        retry.policy()
