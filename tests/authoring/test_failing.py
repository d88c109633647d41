from __future__ import annotations

from datetime import timedelta

import pytest

from perdure import RetryAfter
from perdure.authoring.failing import retry_after_ms


class Throttled(Exception):
    def __init__(self, retry_after: object) -> None:
        self.retry_after = retry_after


@pytest.mark.parametrize(
    ("error", "ms"),
    [
        (RetryAfter(timedelta(minutes=5)), 300_000),
        (RetryAfter(0.5, "busy"), 500),
        (Throttled(3), 3_000),
        (Throttled(-1), 0),
        (Throttled("soon"), None),
        (Throttled(None), None),
        (ValueError(), None),
    ],
)
def test_an_exception_may_ask_for_a_time(error: Exception, ms: int | None) -> None:
    assert retry_after_ms(error) == ms


def test_a_message_is_kept() -> None:
    assert str(RetryAfter(1, "busy")) == "busy"
    assert str(RetryAfter(1)) == "try again after 1"
