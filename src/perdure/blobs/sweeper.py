"""Has blobs removed that no run names: of runs that are no longer kept, and of requests that came to nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future

from perdure.blobs.aside import Aside
from perdure.blobs.keeper import Keeper
from perdure.interpreter.cron import CronSchedule
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.ports.clock import Cancellable, Clock

logger = logging.getLogger(__name__)

FIRST_AFTER_MS = 600_000
"""Late enough to be in nobody's way, and early enough for a process that never lasts a day."""
EVERY_MS = 86_400_000


class Sweeper:
    """Cleans a keeper's stores from time to time, in a thread. Started and stopped on the engine's loop."""

    def __init__(self, keeper: Keeper, *, aside: Aside, clock: Clock, min_age_ms: int, cron: str = "") -> None:
        """Do nothing before ``start``.

        Raises:
            InvalidRequest: *cron* cannot be read.
        """
        self._keeper = keeper
        self._aside = aside
        self._clock = clock
        self._min_age_ms = min_age_ms
        self._schedule = _read(cron) if cron else None
        self._next: Cancellable | None = None
        self._under_way: Future[int] | None = None

    def start(self) -> None:
        self._wind(FIRST_AFTER_MS)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def sweep(self) -> int:
        """Clean now, and return how many blobs that removed. Blocks.

        Raises:
            UnavailableError: a store or the database cannot be reached.
        """
        count = self._keeper.clean(before_ms=self._clock.now_ms() - self._min_age_ms)
        if count:
            logger.info("removed %d large values that no run names", count)
        return count

    def _wind(self, otherwise_ms: int) -> None:
        now_ms = self._clock.now_ms()
        delay_ms = otherwise_ms if self._schedule is None else self._schedule.next_ms(now_ms) - now_ms
        self._next = self._clock.call_later(delay_ms, self._ring)

    def _ring(self) -> None:
        if self._under_way is None or self._under_way.done():
            self._begin(self.sweep)
        self._wind(EVERY_MS)

    def _begin(self, sweep: Callable[[], int]) -> None:
        try:
            self._under_way = self._aside.submit(sweep)
        except UnavailableError:
            return  # Closed.
        self._under_way.add_done_callback(_tell)


def _tell(swept: Future[int]) -> None:
    if not swept.cancelled() and (error := swept.exception()) is not None:
        expected = isinstance(error, UnavailableError)
        logger.warning("large values were not cleaned: %s", error, exc_info=None if expected else error)


def _read(cron: str) -> CronSchedule:
    try:
        return CronSchedule.parse(cron)
    except ValueError as error:
        raise InvalidRequest(f"cleanupCronSchedule: {error}") from error
