"""Tells when calls have run too long, by monotonic time.

Rule: who begins or ends a call takes no lock, but for waking the thread here. Threads that all take the
same lock at each call stand in line for it, and whoever holds it may be waiting for the interpreter's
own: measured, a third of the throughput of short handlers. What one thread does to a dictionary with
one operation, the others see wholly or not at all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Condition, Lock, Thread

SLEEP_MIN_SECONDS = 0.01
"""How much too late it may be told: a burst of calls that ran too long is looked through so often only."""


class Deadline:
    """A moment at which something is called, unless it ends before."""

    __slots__ = ("moment", "passed")

    def __init__(self, moment: float, passed: Callable[[], None]) -> None:
        self.moment = moment
        self.passed = passed


class Deadlines:
    """One thread for all of them, started with the first.

    It sleeps until the nearest moment it knew when it went to sleep, and is woken only for a nearer
    one: calls that begin and end within their time never wake it.
    """

    def __init__(self) -> None:
        self._open: dict[Deadline, None] = {}
        self._changed = Condition()
        self._starting = Lock()
        self._wakes_at = math.inf
        self._thread: Thread | None = None
        self._closed = False

    def __len__(self) -> int:
        """How many have not ended."""
        return len(self._open)

    def add(self, after_ms: int, passed: Callable[[], None]) -> Deadline:
        """Call *passed*, in a thread of this object's, in *after_ms* unless ``end`` is called before."""
        deadline = Deadline(time.monotonic() + after_ms / 1_000, passed)
        self._open[deadline] = None
        if self._thread is None:
            self._start()
        # Put in before this is looked at; the thread says when it wakes before it looks in once more.
        if deadline.moment < self._wakes_at:
            with self._changed:
                self._changed.notify()
        return deadline

    def end(self, deadline: Deadline) -> None:
        """Forget a deadline; it may be passing at this very moment."""
        self._open.pop(deadline, None)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._closed:
                self._thread = Thread(target=self._watch, name="perdure-deadlines", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while not self._closed:
            now = time.monotonic()
            for deadline in sorted(self._open, key=_moment):
                if deadline.moment > now:
                    break
                if self._open.pop(deadline, deadline) is None:  # it has not ended meanwhile
                    deadline.passed()
            self._sleep()

    def _sleep(self) -> None:
        with self._changed:
            while not self._closed:
                nearest = min(map(_moment, list(self._open)), default=math.inf)
                if nearest < self._wakes_at or self._wakes_at == -math.inf:
                    self._wakes_at = nearest
                    continue  # One that was put in before that could be seen is found now.
                break
            if not self._closed:
                seconds = None if self._wakes_at == math.inf else self._wakes_at - time.monotonic()
                self._changed.wait(None if seconds is None else max(SLEEP_MIN_SECONDS, seconds))
            self._wakes_at = -math.inf  # awake: nothing needs to wake it


def _moment(deadline: Deadline) -> float:
    return deadline.moment
