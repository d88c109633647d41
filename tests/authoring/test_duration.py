from __future__ import annotations

from datetime import timedelta

import pytest

from perdure.authoring.duration import Duration, milliseconds


@pytest.mark.parametrize(
    ("duration", "ms"),
    [
        (timedelta(hours=1), 3_600_000),
        (timedelta(microseconds=1), 1),
        (timedelta(milliseconds=1, microseconds=1), 2),
        (0.1, 100),
        (0.0011, 2),
        (1.1, 1_100),
        (3, 3_000),
        (timedelta(0), 0),
    ],
)
def test_durations_are_rounded_up_so_that_nothing_is_early(duration: Duration, ms: int) -> None:
    assert milliseconds(duration) == ms


@pytest.mark.parametrize("duration", [float("inf"), float("nan")])
def test_a_number_that_is_no_time_is_refused(duration: float) -> None:
    with pytest.raises(ValueError, match="expected a finite number"):
        milliseconds(duration)


@pytest.mark.parametrize("duration", ["3", None, True])
def test_what_is_no_duration_is_refused(duration: object) -> None:
    with pytest.raises(TypeError, match="expected a timedelta or a number of seconds"):
        milliseconds(duration)  # type: ignore[arg-type]  # that is the test
