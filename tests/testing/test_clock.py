"""Time moves when it is told to, and misses nobody on its way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from perdure.ports.clock import Clock
from perdure.testing.clock import VirtualClock


def test_clock_stands_still_at_its_start() -> None:
    clock: Clock = VirtualClock(datetime(2030, 1, 1, tzinfo=UTC))
    assert clock.now_ms() == clock.now_ms() == 1_893_456_000_000
    assert clock.monotonic_ms() == 0


def test_calls_are_made_at_their_moments_in_order() -> None:
    clock = VirtualClock()
    made: list[tuple[str, int]] = []
    for name, delay_ms in [("late", 500), ("early", 20), ("late too", 500)]:
        clock.call_later(delay_ms, partial(lambda name: made.append((name, clock.monotonic_ms())), name))
    while clock.step():
        pass
    assert made == [("early", 20), ("late", 500), ("late too", 500)]


def test_call_asked_for_during_a_step_waits_for_the_next() -> None:
    clock = VirtualClock()
    made: list[str] = []

    def first() -> None:
        made.append("first")
        clock.call_later(0, lambda: made.append("second"))

    clock.call_later(10, first)
    assert clock.step()
    assert made == ["first"]
    assert clock.step()
    assert (made, clock.monotonic_ms()) == (["first", "second"], 10)


def test_canceled_call_is_not_made_and_moves_no_time() -> None:
    clock = VirtualClock()
    made: list[str] = []
    clock.call_later(10, lambda: made.append("no")).cancel()
    assert clock.next_ms() is None
    assert not clock.step()
    assert (made, clock.monotonic_ms()) == ([], 0)


def test_call_canceled_by_another_of_its_moment_is_not_made() -> None:
    clock = VirtualClock()
    made: list[str] = []
    clock.call_later(10, lambda: second.cancel())
    second = clock.call_later(10, lambda: made.append("no"))
    assert clock.step()
    assert made == []


def test_cancel_after_the_call_was_made_is_harmless() -> None:
    clock = VirtualClock()
    made: list[str] = []
    call = clock.call_later(1, lambda: made.append("yes"))
    clock.step()
    call.cancel()
    assert made == ["yes"]


def test_no_call_can_be_jumped_over() -> None:
    clock = VirtualClock()
    clock.call_later(10, lambda: None)
    with pytest.raises(AssertionError, match="a call at 10 ms would be jumped over"):
        clock.settle_at(10)
    clock.settle_at(9)
    with pytest.raises(AssertionError, match="is before now"):
        clock.settle_at(8)


def test_wall_clock_can_go_back_and_monotonic_time_does_not() -> None:
    clock = VirtualClock(datetime(2030, 1, 1, tzinfo=UTC))
    clock.settle_at(1_000)
    clock.shift_wall(-timedelta(hours=1))
    assert clock.now() == datetime(2029, 12, 31, 23, 0, 1, tzinfo=UTC)
    assert clock.monotonic_ms() == 1_000
