"""Moments as iWF writes them: a date with an offset, Unix nanoseconds, or a while ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9})[0-9]*)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_AGO = re.compile(r"([0-9]+)(\D+)")
_AGO_LIMIT = 1_000_000
_SECONDS = {
    **dict.fromkeys(("s", "second"), 1),
    **dict.fromkeys(("m", "minute"), 60),
    **dict.fromkeys(("h", "hour"), 3_600),
    **dict.fromkeys(("d", "day"), 86_400),
    **dict.fromkeys(("w", "week"), 604_800),
    **dict.fromkeys(("M", "month"), 30 * 86_400),
    **dict.fromkeys(("y", "year"), 365 * 86_400),
}


def parse_moment_ns(text: str, *, now_ms: int) -> int:
    """Return nanoseconds since the Unix epoch; an empty text is the epoch itself.

    Args:
        now_ms: what a while ago is counted from; it never goes back beyond the epoch.

    Raises:
        ValueError: it is none of the three; the message says what is possible and why this is not.
    """
    if not text:
        return 0
    if match := _DATE.fullmatch(text):
        return _date_ns(text, *match.groups())
    if re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        return int(text)
    return max(0, now_ms * 1_000_000 - _ago_ns(text))


def _date_ns(text: str, date: str, fraction: str | None, offset: str) -> int:
    try:
        moment = datetime.fromisoformat(date + ("+00:00" if offset == "Z" else offset))
    except ValueError as error:
        raise _unreadable(text, str(error)) from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def _ago_ns(text: str) -> int:
    match = _AGO.fullmatch(text)
    if match is None or match[2] not in _SECONDS:
        raise _unreadable(text, "it has none of the known forms")
    count = int(match[1]) if len(match[1]) < 10 else _AGO_LIMIT
    if not 0 < count < _AGO_LIMIT:
        raise _unreadable(text, f"its number is not between 0 and {_AGO_LIMIT}")
    return count * _SECONDS[match[2]] * 1_000_000_000


def _unreadable(text: str, reason: str) -> ValueError:
    return ValueError(
        f"cannot parse time {text!r}: {reason}; expected a date with an offset such as "
        "2006-01-02T15:04:05-07:00, Unix nanoseconds, or a while ago such as 15m"
    )
