"""Which blobs requests under way may be about to name, so that none of them is taken for an orphan.

Rule 1: a path is held from before its blob is put until the request has ended that names it.
Rule 2: a request whose end is not known holds it longer: what it asked for may still happen.
Rule 3: a path is removed only while nobody holds it and nobody has held it since the looking began
        that found it unnamed; and who wants to hold it meanwhile waits.

So whoever looks sees either the name, or the hold. May be used by any threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

DOUBT_MS = 600_000
"""How long a request of unknown end counts as under way: none takes as long to be written, or never to be."""


class Hold:
    """What one request may be about to name."""

    def __init__(self, holds: Holds) -> None:
        self._holds = holds
        self._paths: list[str] = []
        self._released = False

    def take(self, path: str) -> None:
        """Hold a path; to be called before its blob is put. Waits while it is being removed."""
        with self._holds.changed:
            self._holds.changed.wait_for(lambda: path not in self._holds.going)
            self._holds.seen(path)
            if not self._released:  # else its caller went away while it was under way
                self._holds.counts[path] += 1
                self._paths.append(path)
            else:
                self._holds.doubt(path)

    def release(self, *, doubtful: bool = False) -> None:
        """Say that the request has ended; *doubtful*: that nobody will hear how."""
        with self._holds.changed:
            self._released = True
            for path in self._paths:
                self._holds.counts[path] -= 1
                if not self._holds.counts[path]:
                    del self._holds.counts[path]
                if doubtful:
                    self._holds.doubt(path)
            self._paths.clear()


class Holds:
    """All requests under way."""

    def __init__(self, monotonic_ms: Callable[[], int]) -> None:
        self._monotonic_ms = monotonic_ms
        self._doubtful: dict[str, int] = {}
        self._records: list[set[str]] = []
        self.changed = Condition()
        """Guards all of this."""
        self.counts: Counter[str] = Counter()
        self.going: set[str] = set()
        """Paths being removed."""

    def begin(self) -> Hold:
        return Hold(self)

    @contextmanager
    def recording(self) -> Iterator[set[str]]:
        """Give a set of all that is held, to which all is added that is held until the end of the block."""
        with self.changed:
            now_ms = self._monotonic_ms()
            self._doubtful = {path: until for path, until in self._doubtful.items() if until > now_ms}
            record = {*self.counts, *self._doubtful}
            self._records.append(record)
        try:
            yield record
        finally:
            with self.changed:
                self._records = [other for other in self._records if other is not record]

    @contextmanager
    def removing(self, path: str, record: set[str]) -> Iterator[bool]:
        """Say whether a path may be removed; nobody holds it before the end of the block then."""
        with self.changed:
            free = path not in record and path not in self.going
            if free:
                self.going.add(path)
        try:
            yield free
        finally:
            if free:
                with self.changed:
                    self.going.discard(path)
                    self.changed.notify_all()

    # For holds, which have the lock

    def seen(self, path: str) -> None:
        for record in self._records:
            record.add(path)

    def doubt(self, path: str) -> None:
        self._doubtful[path] = self._monotonic_ms() + DOUBT_MS
        self.seen(path)
