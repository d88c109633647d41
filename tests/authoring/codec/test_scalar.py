from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.authoring.codec.codec import Mismatch
from perdure.authoring.codec.scalar import SCALARS, read_duration, write_duration


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        ("ada", "ada"),
        (datetime(2026, 11, 24, 8, 30, tzinfo=UTC), "2026-11-24T08:30:00+00:00"),
        (date(2026, 11, 24), "2026-11-24"),
        (time(8, 30), "08:30:00"),
        (timedelta(days=1, seconds=3, microseconds=500_000), "P1DT3.5S"),
        (timedelta(milliseconds=-1), "-PT0.001S"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.10"), "1.10"),
        (b"\x00\xff", "AP8="),
        (bytearray(b"a"), "YQ=="),
    ],
)
def test_a_value_is_written_so_and_read_back(value: object, raw: object) -> None:
    codec = SCALARS[type(value)]
    assert codec.encode(value) == raw
    read = codec.decode(raw)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (bool, 1),
        (int, "3"),
        (int, 1.0),
        (float, "1"),
        (float, float("nan")),
        (float, float("inf")),
        (str, 3),
        (date, datetime(2026, 1, 1, tzinfo=UTC)),
        (UUID, "00000000-0000-0000-0000-000000000001"),
        (bytes, "text"),
        (type(None), 0),
    ],
)
def test_what_does_not_fit_is_not_written(kind: type, value: object) -> None:
    with pytest.raises(Mismatch):
        SCALARS[kind].encode(value)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (bool, 0),
        (int, True),
        (int, 1.0),
        (float, True),
        (str, None),
        (datetime, "2026-11-24"),
        (date, "soon"),
        (UUID, "x"),
        (Decimal, "ten"),
        (bytes, "*"),
        (timedelta, "P"),
        (timedelta, "PT"),
        (timedelta, "3 days"),
        (timedelta, "P9999999999D"),
        (time, 3),
    ],
)
def test_what_does_not_fit_is_not_read(kind: type, raw: object) -> None:
    with pytest.raises(Mismatch):
        SCALARS[kind].decode(raw)


def test_numbers_stand_for_each_other_as_for_a_type_checker() -> None:
    assert repr(SCALARS[int].encode(True)) == "1"
    assert repr(SCALARS[float].encode(1)) == "1.0"
    assert repr(SCALARS[float].decode(1)) == "1.0"


@settings(deadline=None)
@given(st.timedeltas())
def test_every_duration_comes_back_exactly(value: timedelta) -> None:
    assert read_duration(write_duration(value)) == value


def test_durations_of_other_writers_are_read() -> None:
    assert read_duration("P1DT2H3M4S") == timedelta(days=1, hours=2, minutes=3, seconds=4)
