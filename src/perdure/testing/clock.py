"""A clock that stands still until it is moved, and jumps from one call to the next when it is.

Rule 1: time moves only in ``step`` and ``settle_at``; whoever moves it does so on the engine's loop.
Rule 2: calls are made in the order of their moments; those of one moment in the order they were asked for.
Rule 3: monotonic time counts from 0; wall time is that plus an offset, which ``shift_wall`` changes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock

MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2030, 1, 1, tzinfo=UTC)
"""A round moment that nobody takes for the present."""


class VirtualClock:
    """A ``Clock`` in the test's hand."""

    def __init__(self, start: datetime = START) -> None:
        self._offset_ms = (start - EPOCH) // MILLISECOND
        self._elapsed_ms = 0
        self._calls: list[_Call] = []
        self._numbers = count()
        self._lock = Lock()

    def now_ms(self) -> int:
        return self._offset_ms + self._elapsed_ms

    def monotonic_ms(self) -> int:
        return self._elapsed_ms

    def call_later(self, delay_ms: int, callback: Callable[[], None]) -> _Call:
        with self._lock:
            call = _Call(self._elapsed_ms + max(0, delay_ms), next(self._numbers), callback)
            heapq.heappush(self._calls, call)
        return call

    def next_ms(self) -> int | None:
        """Return the monotonic moment of the earliest call still to be made."""
        with self._lock:
            while self._calls and self._calls[0].callback is None:
                heapq.heappop(self._calls)
            return self._calls[0].at_ms if self._calls else None

    def step(self) -> bool:
        """Move to the earliest call and make every call of that moment; ``False`` if there is none.

        A call asked for meanwhile is left for the next step, even without a delay: whoever steps
        can let the engine finish what it does in between.
        """
        moment_ms = self.next_ms()
        if moment_ms is None:
            return False
        self._elapsed_ms = moment_ms
        for call in self._take_due():
            call.make()
        return True

    def settle_at(self, monotonic_ms: int) -> None:
        """Move to a moment at which, and before which, nothing more is to be called."""
        next_ms = self.next_ms()
        assert monotonic_ms >= self._elapsed_ms, f"time {monotonic_ms} ms is before now, {self._elapsed_ms} ms"
        assert next_ms is None or next_ms > monotonic_ms, f"a call at {next_ms} ms would be jumped over"
        self._elapsed_ms = monotonic_ms

    def shift_wall(self, by: timedelta) -> None:
        """Set the wall clock forward or, as real ones sometimes do, back; monotonic time stays."""
        self._offset_ms += by // MILLISECOND

    def now(self) -> datetime:
        """Return the wall time in UTC."""
        return EPOCH + self.now_ms() * MILLISECOND

    def _take_due(self) -> list[_Call]:
        due = []
        with self._lock:
            while self._calls and self._calls[0].at_ms <= self._elapsed_ms:
                due.append(heapq.heappop(self._calls))
        return due


class _Call:
    """A callback and its moment; ``callback`` is ``None`` once it is made or canceled."""

    def __init__(self, at_ms: int, number: int, callback: Callable[[], None]) -> None:
        self.at_ms = at_ms
        self.number = number
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: _Call) -> bool:
        return (self.at_ms, self.number) < (other.at_ms, other.number)

    def cancel(self) -> None:
        self.callback = None

    def make(self) -> None:
        callback, self.callback = self.callback, None
        if callback is not None:
            callback()
