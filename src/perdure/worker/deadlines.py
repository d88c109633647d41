"""Tells when calls have run too long, by monotonic time."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable
from threading import Condition, Thread

STALE_MIN = 64
"""So many ended calls are carried along before they are looked for."""


class Deadline:
    """A moment at which something is called, unless it ends before."""

    __slots__ = ("ended", "moment", "passed")

    def __init__(self, moment: float, passed: Callable[[], None]) -> None:
        self.moment = moment
        self.passed: Callable[[], None] | None = passed
        self.ended = False

    def __lt__(self, other: Deadline) -> bool:
        return self.moment < other.moment


class Deadlines:
    """One thread for all of them, started with the first.

    It sleeps until the nearest moment it knew when it went to sleep, and is woken only for a nearer
    one: calls that begin and end within their time never wake it.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._heap: list[Deadline] = []
        self._ended_count = 0
        self._wakes_at = math.inf
        self._thread: Thread | None = None
        self._closed = False

    def add(self, after_ms: int, passed: Callable[[], None]) -> Deadline:
        """Call *passed*, in a thread of this object's, in *after_ms* unless ``end`` is called before."""
        deadline = Deadline(time.monotonic() + after_ms / 1_000, passed)
        with self._changed:
            heapq.heappush(self._heap, deadline)
            if self._thread is None and not self._closed:
                self._thread = Thread(target=self._watch, name="perdure-deadlines", daemon=True)
                self._thread.start()
            if deadline.moment < self._wakes_at:
                self._changed.notify()
        return deadline

    def end(self, deadline: Deadline) -> None:
        """Forget a deadline; it may be passing at this very moment."""
        with self._changed:
            if deadline.ended:
                return
            deadline.ended, deadline.passed = True, None
            self._ended_count += 1
            if self._ended_count > max(STALE_MIN, len(self._heap) // 2):
                self._heap = [open_ for open_ in self._heap if not open_.ended]
                heapq.heapify(self._heap)
                self._ended_count = 0

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                due = self._take_due()
                if not due:
                    if self._closed:
                        return
                    self._wakes_at = self._heap[0].moment if self._heap else math.inf
                    self._changed.wait(
                        None if self._wakes_at == math.inf else max(0.0, self._wakes_at - time.monotonic())
                    )
                    self._wakes_at = -math.inf  # awake: nothing needs to wake it
            for passed in due:
                passed()

    def _take_due(self) -> list[Callable[[], None]]:
        now, due = time.monotonic(), []
        while self._heap and (self._heap[0].ended or self._heap[0].moment <= now):
            deadline = heapq.heappop(self._heap)
            if deadline.ended:
                self._ended_count -= 1
            elif deadline.passed is not None:
                deadline.ended = True
                due.append(deadline.passed)
        return due
