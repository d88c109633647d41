from __future__ import annotations

import logging

import pytest

from perdure.engine.timekeeper import Place, Timekeeper
from perdure.store.rows import RunKey


class Deadlines:
    """What a store holds, and what was read of it."""

    def __init__(self, *places: tuple[int, int]) -> None:
        self.places = sorted((at_ms, RunKey(key)) for at_ms, key in places)
        self.reads = 0

    def __call__(self, after: Place | None, limit: int) -> tuple[Place, ...]:
        self.reads += 1
        return tuple([place for place in self.places if after is None or place > after][:limit])


def keys(timekeeper: Timekeeper, now_ms: int) -> list[int]:
    return list(timekeeper.due(now_ms, limit=1_000))


def test_deadlines_come_at_their_time_earliest_first() -> None:
    timekeeper = Timekeeper(Deadlines((30, 3), (10, 1), (20, 2)))
    assert keys(timekeeper, 9) == []
    assert timekeeper.next_ms() == 10
    assert keys(timekeeper, 20) == [1, 2]
    assert timekeeper.next_ms() == 30
    assert keys(timekeeper, 30) == [3]
    assert timekeeper.next_ms() is None


def test_later_deadline_of_a_run_stands_for_its_earlier_one() -> None:
    timekeeper = Timekeeper(Deadlines((10, 1), (20, 2)))
    keys(timekeeper, 0)
    timekeeper.note(RunKey(1), 50)
    timekeeper.note(RunKey(2), None)
    assert keys(timekeeper, 49) == []
    assert keys(timekeeper, 50) == [1]


def test_memory_is_bounded_and_nothing_is_missed() -> None:
    store = Deadlines(*((n * 10, n) for n in range(1, 201)))
    timekeeper = Timekeeper(store, nearest_max=20)
    assert keys(timekeeper, 0) == []
    assert store.reads == 1
    found: list[int] = []
    for now_ms in range(0, 2_010, 10):
        assert len(timekeeper) <= 20
        found += keys(timekeeper, now_ms)
    assert found == list(range(1, 201))


def test_new_deadlines_beyond_the_bound_go_back_to_the_store() -> None:
    store = Deadlines()
    timekeeper = Timekeeper(store, nearest_max=10)
    keys(timekeeper, 0)
    for n in range(1, 101):
        store.places.append((n * 10, RunKey(n)))
        timekeeper.note(RunKey(n), n * 10)
        assert len(timekeeper) <= 10
    found: list[int] = []
    for now_ms in range(0, 1_010, 10):
        found += keys(timekeeper, now_ms)
    assert sorted(set(found)) == list(range(1, 101))


def test_many_deadlines_of_one_moment_all_come() -> None:
    timekeeper = Timekeeper(Deadlines(*((10, n) for n in range(1, 101))), nearest_max=10)
    assert keys(timekeeper, 10) == list(range(1, 101))


def test_what_comes_before_a_moment_can_be_looked_up_without_taking_it_out() -> None:
    timekeeper = Timekeeper(Deadlines((30, 3), (10, 1), (20, 2)))
    keys(timekeeper, 0)
    assert sorted(timekeeper.coming(30, limit=9)) == [1, 2]
    assert len(timekeeper.coming(31, limit=2)) == 2
    assert keys(timekeeper, 30) == [1, 2, 3]
    assert timekeeper.coming(31, limit=9) == []


def test_to_look_ahead_reads_as_far_as_memory_allows() -> None:
    timekeeper = Timekeeper(Deadlines(*((n, n) for n in range(1, 101))), nearest_max=20)
    assert len(timekeeper.coming(15, limit=99)) == 14
    assert len(timekeeper.coming(1_000, limit=99)) == 20
    assert keys(timekeeper, 1_000) == list(range(1, 101))


def test_next_is_never_later_than_the_true_one() -> None:
    timekeeper = Timekeeper(Deadlines((1_000, 1)), nearest_max=2)
    assert timekeeper.next_ms() == 0, "the store was not read yet"
    keys(timekeeper, 0)
    timekeeper.note(RunKey(2), 500)
    assert timekeeper.next_ms() == 500


def test_jump_of_the_wall_clock_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    timekeeper = Timekeeper(Deadlines())
    with caplog.at_level(logging.WARNING):
        timekeeper.check(wall_ms=1_000_000, monotonic_ms=0)
        timekeeper.check(wall_ms=1_001_500, monotonic_ms=1_000)
        assert not caplog.records
        timekeeper.check(wall_ms=999_000, monotonic_ms=2_000)
        timekeeper.check(wall_ms=1_000_000, monotonic_ms=3_000)
    (record,) = caplog.records
    assert "jumped by -3500 ms" in record.getMessage()
