from __future__ import annotations

from perdure.engine.overdue import Overdue


def test_attempts_are_over_at_their_time_and_not_before() -> None:
    overdue = Overdue()
    overdue.begin(1, now_ms=0, timeout_ms=100)
    overdue.begin(2, now_ms=10, timeout_ms=50)
    assert overdue.next_ms() == 60
    assert overdue.expire(59) == []
    assert overdue.expire(60) == [2]
    assert overdue.next_ms() == 100
    assert overdue.expire(1_000) == [1]
    assert overdue.next_ms() is None


def test_reported_attempts_are_forgotten() -> None:
    overdue = Overdue()
    for token in range(1_000):
        overdue.begin(token, now_ms=token, timeout_ms=30_000)
    for token in range(999):
        overdue.end(token)
    overdue.end(5)
    assert len(overdue) == 1
    assert overdue.next_ms() == 30_999
    assert overdue.expire(30_999) == [999]
