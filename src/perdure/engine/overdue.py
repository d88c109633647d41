"""Attempts whose worker says nothing: each is given up at its time, by monotonic time."""

from __future__ import annotations

from collections import deque


class Overdue:
    """The attempts that workers have, in the order their time will be over.

    There are few different timeouts and many attempts: those of one timeout stand in one line.
    """

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._lines: dict[int, deque[tuple[int, int]]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, token: int, *, now_ms: int, timeout_ms: int) -> None:
        self._open.add(token)
        line = self._lines.get(timeout_ms)
        if line is None:
            line = self._lines[timeout_ms] = deque()
        line.append((now_ms + timeout_ms, token))

    def end(self, token: int) -> None:
        """Learn that this attempt was reported. Harmless if it was already."""
        self._open.discard(token)

    def expire(self, now_ms: int) -> list[int]:
        """Take out the attempts whose time is over."""
        over = []
        for line in self._waiting():
            while line and (line[0][0] <= now_ms or line[0][1] not in self._open):
                _, token = line.popleft()
                if token in self._open:
                    self._open.remove(token)
                    over.append(token)
        return over

    def next_ms(self) -> int | None:
        """Return when the next attempt's time is over."""
        return min((line[0][0] for line in self._waiting()), default=None)

    def _waiting(self) -> list[deque[tuple[int, int]]]:
        """Return the lines that have somebody in them, each with an open attempt at its head."""
        for timeout_ms, line in list(self._lines.items()):
            while line and line[0][1] not in self._open:
                line.popleft()
            if not line:
                del self._lines[timeout_ms]
        return list(self._lines.values())
