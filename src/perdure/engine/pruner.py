"""Forgets runs that ended long enough ago."""

from __future__ import annotations

from collections.abc import Callable

from perdure.engine.inputs import Prune
from perdure.ports.clock import Cancellable, Clock

EVERY_MS = 60_000


class Pruner:
    """Has ended runs removed, wholly, once their retention is over."""

    def __init__(
        self, post: Callable[[Prune], None], *, clock: Clock, retention_ms: int, every_ms: int = EVERY_MS
    ) -> None:
        self._post = post
        self._clock = clock
        self._retention_ms = retention_ms
        self._every_ms = every_ms
        self._next: Cancellable | None = None

    def start(self) -> None:
        self._post(Prune(self._clock.now_ms() - self._retention_ms))
        self._next = self._clock.call_later(self._every_ms, self.start)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
