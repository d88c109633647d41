from __future__ import annotations

import threading
from functools import partial
from queue import Queue

from perdure.worker.deadlines import Deadlines

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
    for _ in range(1_000):
        deadlines.end(deadlines.add(LONG_MS, lambda: None))
    assert len(deadlines) == 0
    deadlines.close()


def test_a_nearer_one_wakes_whoever_sleeps_until_a_far_one() -> None:
    deadlines, passed = Deadlines(), Queue[int]()
    deadlines.add(LONG_MS, lambda: None)
    for number in range(20):
        deadlines.add(15, lambda number=number: passed.put(number))  # type: ignore[misc]  # a default binds it
        assert passed.get(timeout=SECONDS) == number
    assert len(deadlines) == 1
    deadlines.close()


def test_each_is_told_once_or_has_ended_whatever_threads_do() -> None:
    deadlines = Deadlines()
    told, ended = Queue[int](), Queue[int]()

    def work(first: int) -> None:
        for number in range(first, first + 300):
            deadline = deadlines.add(number % 30, partial(told.put, number))
            if number % 3:
                deadlines.end(deadline)
                ended.put(number)

    threads = [threading.Thread(target=work, args=(1_000 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    must = {number for first in range(0, 8_000, 1_000) for number in range(first, first + 300) if number % 3 == 0}
    seen: list[int] = []
    while not must <= set(seen):
        seen.append(told.get(timeout=SECONDS))
    assert len(seen) == len(set(seen)), "one was told twice"
    assert len(deadlines) == 0
    deadlines.close()


def test_its_thread_ends_when_it_is_closed() -> None:
    deadlines = Deadlines()
    deadlines.add(LONG_MS, lambda: None)
    threads = [thread for thread in threading.enumerate() if thread.name == "perdure-deadlines"]
    deadlines.close()
    threads[-1].join(SECONDS)
    assert not threads[-1].is_alive()
