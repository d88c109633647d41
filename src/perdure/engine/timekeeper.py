"""When which run must be looked at: the nearest deadlines of the store, kept in memory.

Rule: every deadline at or before the horizon is in here; one beyond it is only in the store, and
comes in when the horizon moves. So memory is bounded by how many are kept, not by how many wait.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable
from itertools import islice

from perdure.store.rows import RunKey

logger = logging.getLogger(__name__)

NEAREST_MAX = 30_000
PAGE = 5_000
JUMP_MS = 1_000

Place = tuple[int, RunKey]


class Timekeeper:
    """The deadlines that come next."""

    def __init__(
        self, read: Callable[[Place | None, int], tuple[Place, ...]], *, nearest_max: int = NEAREST_MAX
    ) -> None:
        """Begin with nothing in memory.

        Args:
            read: up to so many deadlines of the store after a place, earliest first.
            nearest_max: deadlines in memory at most.
        """
        self._read = read
        self._nearest_max = nearest_max
        self._page = min(PAGE, max(1, nearest_max // 2))
        self._heap: list[Place] = []
        self._deadline_of: dict[RunKey, int] = {}
        self._horizon: Place | None = None
        """Up to here the store was read; ``None``: not at all yet."""
        self._complete = False
        """The store holds nothing beyond what is in here."""
        self._offset_ms: int | None = None

    def __len__(self) -> int:
        """How many deadlines are in memory."""
        return len(self._deadline_of)

    def note(self, key: RunKey, deadline_ms: int | None) -> None:
        """Learn a run's deadline. It must be durable, so that a horizon that moves later finds it."""
        if deadline_ms is None:
            self._deadline_of.pop(key, None)
            return
        if not self._complete and (self._horizon is None or (deadline_ms, key) > self._horizon):
            self._deadline_of.pop(key, None)
            return
        if self._deadline_of.get(key) != deadline_ms:
            self._deadline_of[key] = deadline_ms
            heapq.heappush(self._heap, (deadline_ms, key))
            if len(self._heap) > self._nearest_max:
                self._trim()

    def due(self, now_ms: int, *, limit: int) -> list[RunKey]:
        """Take out runs whose moment has come, earliest first."""
        found: list[RunKey] = []
        while len(found) < limit:
            self._drop_stale()
            if not self._heap and not self._complete:
                self._move_horizon()
                continue
            if not self._heap or self._heap[0][0] > now_ms:
                break
            _, key = heapq.heappop(self._heap)
            del self._deadline_of[key]
            found.append(key)
        return found

    def coming(self, before_ms: int, *, limit: int) -> list[RunKey]:
        """Return runs that are due before a moment, at most so many, in no order."""
        while not self._complete and len(self._deadline_of) + self._page <= self._nearest_max:
            if self._horizon is not None and self._horizon[0] >= before_ms:
                break
            self._move_horizon()
        found = (key for key, deadline_ms in self._deadline_of.items() if deadline_ms < before_ms)
        return list(islice(found, limit))

    def next_ms(self) -> int | None:
        """Return the next deadline; never later than the true one."""
        self._drop_stale()
        if self._heap:
            return self._heap[0][0]
        return None if self._complete else (self._horizon or (0, RunKey(0)))[0]

    def check(self, *, wall_ms: int, monotonic_ms: int) -> None:
        """Log a jump of the wall clock. Nothing else comes of it: deadlines are compared with the wall."""
        offset_ms = wall_ms - monotonic_ms
        if self._offset_ms is not None and abs(offset_ms - self._offset_ms) > JUMP_MS:
            logger.warning("the wall clock jumped by %d ms", offset_ms - self._offset_ms)
        self._offset_ms = offset_ms

    def _drop_stale(self) -> None:
        while self._heap and self._deadline_of.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)

    def _move_horizon(self) -> None:
        page = self._read(self._horizon, self._page)
        self._complete = len(page) < self._page
        if page:
            self._horizon = page[-1]
        for deadline_ms, key in page:
            if key not in self._deadline_of:
                self._deadline_of[key] = deadline_ms
                heapq.heappush(self._heap, (deadline_ms, key))

    def _trim(self) -> None:
        """Keep the nearest half; the others are in the store."""
        live = sorted((deadline_ms, key) for key, deadline_ms in self._deadline_of.items())
        kept = live[: self._nearest_max // 2]
        if len(kept) < len(live):
            self._horizon, self._complete = kept[-1], False
            for _, key in live[len(kept) :]:
                del self._deadline_of[key]
        self._heap = kept
