from __future__ import annotations

import threading
from queue import Queue

from perdure.worker.deadlines import STALE_MIN, Deadlines

SECONDS = 20
LONG_MS = 3_600_000


def test_what_has_not_ended_is_told_nearest_first() -> None:
    deadlines, passed = Deadlines(), Queue[str]()
    deadlines.add(60, lambda: passed.put("second"))
    deadlines.add(LONG_MS, lambda: passed.put("never"))
    deadlines.add(10, lambda: passed.put("first"))
    assert [passed.get(timeout=SECONDS), passed.get(timeout=SECONDS)] == ["first", "second"]
    deadlines.close()


def test_what_has_ended_is_not_told() -> None:
    deadlines, passed = Deadlines(), Queue[str]()
    ended = deadlines.add(30, lambda: passed.put("ended"))
    deadlines.end(ended)
    deadlines.end(ended)
    deadlines.add(60, lambda: passed.put("open"))
    assert passed.get(timeout=SECONDS) == "open"
    assert passed.empty()
    deadlines.close()


def test_many_short_calls_leave_nothing_behind() -> None:
    deadlines = Deadlines()
    for _ in range(10 * STALE_MIN):
        deadlines.end(deadlines.add(LONG_MS, lambda: None))
    assert len(deadlines._heap) <= 2 * STALE_MIN
    deadlines.close()


def test_its_thread_ends_when_it_is_closed() -> None:
    deadlines = Deadlines()
    deadlines.add(LONG_MS, lambda: None)
    threads = [thread for thread in threading.enumerate() if thread.name == "perdure-deadlines"]
    deadlines.close()
    threads[-1].join(SECONDS)
    assert not threads[-1].is_alive()
