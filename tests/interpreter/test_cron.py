from datetime import UTC, datetime

import pytest

from perdure.interpreter.cron import CronSchedule
from perdure.testing import rule


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@rule("8.3")
@pytest.mark.parametrize(
    ("spec", "after", "expected"),
    [
        ("* * * * *", "2026-11-24T10:00:00", "2026-11-24T10:01:00"),
        ("*/5 * * * *", "2026-11-24T10:01:30", "2026-11-24T10:05:00"),
        ("0 9 * * *", "2026-11-24T09:00:00", "2026-11-25T09:00:00"),
        ("30 8 * * MON-FRI", "2026-11-27T08:30:00", "2026-11-30T08:30:00"),
        ("0 0 1 jan *", "2026-11-24T00:00:00", "2027-01-01T00:00:00"),
        ("0 0 29 2 *", "2026-11-24T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 * * 7", "2026-11-24T00:00:00", "2026-11-29T00:00:00"),
        ("15,45 10-11 * * *", "2026-11-24T10:45:00", "2026-11-24T11:15:00"),
        ("5/20 * * * *", "2026-11-24T10:06:00", "2026-11-24T10:25:00"),
        ("@hourly", "2026-11-24T10:00:00", "2026-11-24T11:00:00"),
        ("@every 90s", "1970-01-01T00:00:10", "1970-01-01T00:01:30"),
    ],
)
def test_the_next_moment(spec: str, after: str, expected: str) -> None:
    assert CronSchedule.parse(spec).next_ms(ms(after)) == ms(expected)


def test_when_both_day_fields_are_restricted_either_one_suffices() -> None:
    schedule = CronSchedule.parse("0 0 13 * FRI")
    assert schedule.next_ms(ms("2026-11-24T00:00:00")) == ms("2026-11-27T00:00:00")  # a Friday
    assert schedule.next_ms(ms("2026-12-12T00:00:00")) == ms("2026-12-13T00:00:00")  # a 13th, a Sunday


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("not a schedule", "has 3 fields, expected 5"),
        ("60 * * * *", "minute '60' is not from 0 to 59"),
        ("* * * * xyz", "day of week 'xyz' is not a number from 0 to 7"),
        ("9-3 * * * *", "minute '9-3' runs backwards"),
        ("0 0 30 2 *", "a day that never comes"),
        ("*/0 * * * *", "minute '0' is not from 1 to 59"),
        ("@every soon", "is not '@every' and a duration"),
        ("@every 0s", "is not '@every' and a duration"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason(spec: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        CronSchedule.parse(spec)
