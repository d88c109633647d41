"""When something of a run is due."""

from __future__ import annotations

import heapq
from typing import NamedTuple


class Due(NamedTuple):
    """What is due: a timer, as the number of its state execution and its place in the wait."""

    state: int
    condition: int


EXPIRY = Due(-2, 0)
"""The workflow's timeout; sorts before everything due at the same moment."""
BEGINNING = Due(-1, 0)
"""The end of the start delay."""


class Deadlines:
    """Moments in order. What was dropped stays in the heap until it comes up."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, Due]] = []
        self._live: dict[Due, int] = {}

    def add(self, due: Due, at_ms: int) -> None:
        self._live[due] = at_ms
        heapq.heappush(self._heap, (at_ms, due))

    def drop(self, due: Due) -> None:
        self._live.pop(due, None)

    def clear(self) -> None:
        self._heap.clear()
        self._live.clear()

    def next_ms(self) -> int | None:
        """Return the earliest moment; costs log n at worst, over all calls together."""
        while self._heap:
            at_ms, due = self._heap[0]
            if self._live.get(due) == at_ms:
                return at_ms
            heapq.heappop(self._heap)
        return None

    def take_due(self, now_ms: int) -> list[Due]:
        """Take out everything due by now, earliest first."""
        taken = []
        while (at_ms := self.next_ms()) is not None and at_ms <= now_ms:
            _, due = heapq.heappop(self._heap)
            del self._live[due]
            taken.append(due)
        return taken
