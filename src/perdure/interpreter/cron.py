"""Cron expressions: five fields in UTC, the usual shorthands, and ``@every`` with a duration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

_MINUTE_MS = 60_000
_SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS = {name: n for n, name in enumerate("sun mon tue wed thu fri sat".split())}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_UNITS_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000}
_HORIZON = timedelta(days=366 * 8)  # a 29 February is at most eight years away


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """When a scheduled workflow runs."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    """0 is Sunday."""
    either_day: bool = False
    """Both day fields are restricted: a day matches by either, as cron has always done."""
    every_ms: int = 0
    """For ``@every``: multiples of this since the epoch; the other fields are unused then."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cron expression.

        Raises:
            ValueError: it is not one; the message says which field and why.
        """
        spec = _SHORTHANDS.get(text.strip().lower(), text.strip())
        if spec.startswith("@every"):
            return cls(every_ms=_every_ms(spec))
        fields = spec.split()
        if len(fields) != len(_FIELDS):
            raise ValueError(f"{text!r} has {len(fields)} fields, expected 5: minute hour day month weekday")
        minutes, hours, days, months, weekdays = (
            _parse_field(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)
        )
        schedule = cls(
            minutes=minutes,
            hours=hours,
            days=days,
            months=months,
            weekdays=frozenset(day % 7 for day in weekdays),
            either_day=not (fields[2].startswith(("*", "?")) or fields[4].startswith(("*", "?"))),
        )
        schedule.next_ms(0)  # a day that never comes, such as 30 February, is told at once
        return schedule

    def next_ms(self, after_ms: int) -> int:
        """Return the first moment after *after_ms*, in milliseconds since the epoch.

        Raises:
            ValueError: there is none.
        """
        if self.every_ms:
            return (after_ms // self.every_ms + 1) * self.every_ms
        moment = datetime.fromtimestamp((after_ms // _MINUTE_MS + 1) * 60, UTC)
        end = moment + _HORIZON
        while moment < end:
            if moment.month not in self.months:
                moment = (moment.replace(day=1, hour=0, minute=0) + timedelta(days=32)).replace(day=1)
            elif not self._on_day(moment):
                moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
            elif moment.hour not in self.hours:
                moment = moment.replace(minute=0) + timedelta(hours=1)
            elif moment.minute not in self.minutes:
                moment += timedelta(minutes=1)
            else:
                return int(moment.timestamp()) * 1000
        raise ValueError("the schedule names a day that never comes")

    def _on_day(self, moment: datetime) -> bool:
        by_date = moment.day in self.days
        by_weekday = (moment.weekday() + 1) % 7 in self.weekdays
        return by_date or by_weekday if self.either_day else by_date and by_weekday


def _every_ms(spec: str) -> int:
    amount = spec.removeprefix("@every").strip()
    parts = re.findall(r"(\d+)([hms])", amount)
    total = sum(int(count) * _UNITS_MS[unit] for count, unit in parts)
    if not total or "".join(count + unit for count, unit in parts) != amount:
        raise ValueError(f"{spec!r} is not '@every' and a duration such as 1h30m")
    return total


def _parse_field(text: str, name: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = _number(step_text, name, 1, high, {}) if step_text else 1
        if span in ("*", "?"):
            first, last = low, high
        elif "-" in span:
            first_text, _, last_text = span.partition("-")
            first, last = _number(first_text, name, low, high, names), _number(last_text, name, low, high, names)
        else:
            first = _number(span, name, low, high, names)
            last = high if step_text else first
        if first > last:
            raise ValueError(f"{name} {part!r} runs backwards")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text.lower())
    if value is None:
        if not text.isascii() or not text.isdigit():
            raise ValueError(f"{name} {text!r} is not a number from {low} to {high}")
        value = int(text)
    if not low <= value <= high:
        raise ValueError(f"{name} {text!r} is not from {low} to {high}")
    return value
