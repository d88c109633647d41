from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from perdure.blobs.aside import Aside
from perdure.blobs.sweeper import EVERY_MS, FIRST_AFTER_MS, Sweeper
from perdure.model.errors import InvalidRequest
from perdure.testing.clock import VirtualClock
from tests.blobs.test_keeper import Desk

T = TypeVar("T")


class AtOnce(Aside):
    """Does at once what it is given, so that a test need not wait."""

    def submit(self, work: Callable[[], T]) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(work())
        except Exception as error:  # noqa: BLE001 - as a pool does
            done.set_exception(error)
        return done


def pass_time(clock: VirtualClock, duration_ms: int) -> None:
    end_ms = clock.monotonic_ms() + duration_ms
    while (next_ms := clock.next_ms()) is not None and next_ms <= end_ms:
        clock.step()
    clock.settle_at(end_ms)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def sweeper(desk: Desk, clock: VirtualClock, *, min_age_ms: int = 0, cron: str = "") -> Sweeper:
    return Sweeper(desk.keeper, aside=AtOnce(), clock=clock, min_age_ms=min_age_ms, cron=cron)


def test_it_cleans_soon_after_the_beginning_and_then_once_a_day_until_it_is_stopped(desk: Desk) -> None:
    clock = VirtualClock()
    loop = sweeper(desk, clock)
    loop.start()
    desk.put()
    pass_time(clock, FIRST_AFTER_MS - 1)
    assert len(desk.paths) == 1
    pass_time(clock, 1)
    assert desk.paths == set()
    desk.put()
    pass_time(clock, EVERY_MS - 1)
    assert len(desk.paths) == 1
    pass_time(clock, 1)
    assert desk.paths == set()
    loop.stop()
    desk.put()
    pass_time(clock, 2 * EVERY_MS)
    assert len(desk.paths) == 1


def test_a_schedule_says_when_in_utc(desk: Desk) -> None:
    clock = VirtualClock(datetime(2030, 1, 1, 2, 0, tzinfo=UTC))
    sweeper(desk, clock, cron="30 3 * * *").start()
    desk.put()
    pass_time(clock, 90 * 60_000 - 1)
    assert len(desk.paths) == 1
    pass_time(clock, 1)
    assert desk.paths == set()


def test_a_schedule_that_cannot_be_read_is_told(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match=r"cleanupCronSchedule: 'daily' has 1 fields, expected 5"):
        sweeper(desk, VirtualClock(), cron="daily")


def test_what_is_younger_than_the_least_age_stays(desk: Desk) -> None:
    desk.put()
    clock = VirtualClock(datetime(2000, 1, 1, tzinfo=UTC))  # all that is put here is younger than nothing then
    assert sweeper(desk, clock, min_age_ms=1).sweep() == 0
    assert sweeper(desk, VirtualClock(), min_age_ms=1).sweep() == 1


def test_a_store_that_is_away_is_told_and_cleaned_the_next_time(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock()
    sweeper(desk, clock).start()
    desk.put()
    desk.store.failing = {"list"}
    with caplog.at_level(logging.INFO, logger="perdure.blobs.sweeper"):
        pass_time(clock, FIRST_AFTER_MS)
        desk.store.failing = set()
        pass_time(clock, EVERY_MS)
    assert [record.getMessage() for record in caplog.records] == [
        "large values were not cleaned: cannot list: the network is down",
        "removed 1 large values that no run names",
    ]
    assert desk.paths == set()
