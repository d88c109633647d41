import re

import pytest

from perdure.wire.moment import parse_moment_ns

NOW_MS = 1_700_000_000_123
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "moment_ns"),
    [
        ("", 0),
        ("1970-01-01T00:00:01+00:00", SECOND),
        ("1970-01-01T00:00:01-00:00", SECOND),
        ("1970-01-01T00:00:01Z", SECOND),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T23:59:59.5+00:00", -SECOND // 2),
        ("2024-02-29T12:34:56.123456789+02:00", 1_709_202_896_123_456_789),
        ("1700000000000000001", 1_700_000_000_000_000_001),
        ("-5", -5),
        ("2s", NOW_MS * 1_000_000 - 2 * SECOND),
        ("15minute", NOW_MS * 1_000_000 - 900 * SECOND),
        ("1M", NOW_MS * 1_000_000 - 30 * 86_400 * SECOND),
        ("999999y", 0),
    ],
)
def test_moments_in_nanoseconds(text: str, moment_ns: int) -> None:
    assert parse_moment_ns(text, now_ms=NOW_MS) == moment_ns


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yesterday", "none of the known forms"),
        ("2024-01-01", "none of the known forms"),
        ("5 x", "none of the known forms"),
        ("0s", "number is not between 0 and 1000000"),
        ("1000000s", "number is not between 0 and 1000000"),
        ("1" * 50 + "s", "number is not between 0 and 1000000"),
        ("2024-02-30T00:00:00+00:00", "day"),
    ],
)
def test_what_is_no_moment_is_refused_with_what_would_be(text: str, reason: str) -> None:
    with pytest.raises(
        ValueError, match=f"cannot parse time {re.escape(repr(text))}: .*{reason}.*expected a date with an offset"
    ):
        parse_moment_ns(text, now_ms=NOW_MS)
