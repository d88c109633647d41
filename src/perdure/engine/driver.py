"""What keeps a core going: its loop, its writer, its worker and its clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from perdure.engine.batch import PendingBatch
from perdure.engine.core import Core
from perdure.engine.inputs import Input, Reported
from perdure.engine.outputs import Answered, Attempt, Output
from perdure.engine.postbox import Postbox
from perdure.engine.reporter import Reporter
from perdure.engine.writer import Writer
from perdure.model.calls import Answer, Failure
from perdure.model.errors import UnavailableError
from perdure.ports.clock import Cancellable, Clock
from perdure.ports.invoker import Invoker

logger = logging.getLogger(__name__)

HEARTBEAT_MS = 1_000
"""How often deadlines are compared with the wall clock, should it have been moved."""


@dataclass(frozen=True, slots=True)
class _Written:
    batch: PendingBatch
    error: Exception | None


class Driver:
    """Runs one core on one loop. Everything but ``post`` belongs to that loop's thread."""

    def __init__(
        self,
        core: Core,
        *,
        invoker: Invoker,
        writer: Writer,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        heartbeat_ms: int | None = HEARTBEAT_MS,
        turned: Callable[[], None] | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        """Put the parts together; nothing begins before ``start``.

        Args:
            heartbeat_ms: ``None`` for a clock that cannot be set behind the engine's back.
            turned: called on the loop after each turn, the only time at which ``idle`` changes to yes.
        """
        self._core = core
        self._invoker = invoker
        self._writer = writer
        self._clock = clock
        self._loop = loop
        self._heartbeat_ms = heartbeat_ms
        self._turned = turned
        self._reporter = reporter or Reporter()
        self._box: Postbox[Input | _Written] = Postbox(loop, self._take)
        self._timer: Cancellable | None = None
        self._timer_at_ms = 0
        self._heartbeat: Cancellable | None = None
        self._beat_at_ms: int | None = None
        """When the next heartbeat is wanted."""
        self._draining: asyncio.Future[None] | None = None
        self._stopping: asyncio.Future[None] | None = None
        self._stopped = False
        self._abandoned = False
        self._again = False
        """There is more to process than one turn takes."""

    def start(self) -> None:
        """Take up what was in progress, and serve."""
        self._core.boot()
        self._turn()
        self._beat()

    def post(self, given: Input) -> None:
        """Hand something to the core, from any thread.

        Raises:
            UnavailableError: the engine is closed.
        """
        if self._stopped:
            raise UnavailableError("the engine is closed")
        try:
            self._box.post(given)
        except RuntimeError:
            raise UnavailableError("the engine is closed: its loop is") from None

    async def drain(self, *, grace_ms: int) -> None:
        """Begin no more calls of states, and wait for those under way and what comes of them.

        What comes in meanwhile is handled. RPCs are called, too: somebody waits for them.

        Args:
            grace_ms: the longest to wait. What is not reported by then is for the next start.
        """
        if self._stopped:
            return
        if self._draining is None:
            self._draining = self._loop.create_future()
            self._core.hold()
            self._turn()
        timer = self._clock.call_later(grace_ms, self._drained)
        await self._draining
        timer.cancel()

    def _drained(self) -> None:
        if self._draining is not None and not self._draining.done():
            self._draining.set_result(None)

    async def stop(self) -> None:
        """Write what has happened, refuse who still waits, and begin nothing more.

        Calls under way are left alone; the next boot makes them again.
        """
        if self._stopped:
            return
        self._stopped = True
        self._stopping = asyncio.get_running_loop().create_future()
        self._turn()
        await self._stopping
        for timer in (self._timer, self._heartbeat):
            if timer is not None:
                timer.cancel()
        self._deliver(self._core.shut(UnavailableError("the engine is closed")))

    def abandon(self) -> None:
        """Stop where it stands. What was not written never happened, and nobody is told."""
        self._stopped = self._abandoned = True
        for timer in (self._timer, self._heartbeat):
            if timer is not None:
                timer.cancel()

    @property
    def idle(self) -> bool:
        """Nothing moves now, but for calls that workers have."""
        return not self._box and not self._again and self._core.idle

    # A turn of the loop

    def _take(self, things: list[Input | _Written]) -> None:
        if self._abandoned:
            return
        for thing in things:
            if isinstance(thing, _Written):
                self._settle(thing)
            else:
                self._core.submit(thing)
        self._turn()

    def _settle(self, written: _Written) -> None:
        if written.error is None:
            self._reporter.written(written.batch)
            self._deliver(self._core.committed(written.batch))
            return
        self._reporter.lost()
        logger.error("a batch was not written, all of it is taken back: %s", written.error, exc_info=written.error)
        self._deliver(self._core.failed(written.batch, written.error))

    def _turn(self) -> None:
        self._deliver(self._core.process())
        taken = self._core.take_batch()
        if taken is not None:
            pending, batch = taken
            self._reporter.writing()
            self._writer.write(batch, partial(self._written, pending))
        elif self._stopping is not None and self.idle and not self._stopping.done():
            self._stopping.set_result(None)
        if self._draining is not None and self.idle and not self._core.attempts_under_way:
            self._drained()
        self._arm()
        self._reporter.turned()
        if self._turned is not None:
            self._turned()

    def _written(self, pending: PendingBatch, error: Exception | None) -> None:
        self._box.post(_Written(pending, error))

    def _deliver(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Attempt):
                self._begin(output)
            elif isinstance(output, Answered):
                output.reply.set_result(output.value)
            else:
                output.reply.set_error(output.error)

    def _begin(self, attempt: Attempt) -> None:
        if self._stopped:
            return  # The next boot makes it.
        report = partial(self._report, attempt.token)
        try:
            self._invoker.invoke(attempt.request, timeout_ms=attempt.timeout_ms, report=report)
        except Exception as error:  # an invoker never raises; one that does must not stop the engine
            logger.exception("an invoker raised")
            report(Failure(f"the invoker raised {type(error).__name__}: {error}", error_type=type(error).__name__))

    def _report(self, token: int, result: Answer | Failure) -> None:
        if self._stopped:
            return
        try:
            self._box.post(Reported(token, result))
        except RuntimeError:
            return  # The loop is closed: the next boot makes this call again.

    # Time

    def _arm(self) -> None:
        """Come back when the core wants to. A timer that is too early is left: it does no harm."""
        delay_ms = None if self._stopped else self._core.next_wakeup_ms()
        if delay_ms is None:
            self._disarm()
            return
        if not delay_ms:
            if not self._again:
                self._again = True
                self._loop.call_soon(self._turn_again)
            return
        at_ms = self._clock.monotonic_ms() + delay_ms
        if self._timer is None or at_ms < self._timer_at_ms:
            self._disarm()
            self._timer_at_ms = at_ms
            self._timer = self._clock.call_later(delay_ms, self._ring)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn_again(self) -> None:
        self._again = False
        if not self._abandoned:
            self._turn()

    def _ring(self) -> None:
        self._timer = None
        self._turn()

    def _beat(self) -> None:
        if self._heartbeat_ms is None or self._stopped:
            return
        now_ms = self._clock.monotonic_ms()
        if self._beat_at_ms is not None:
            self._reporter.beat(max(0, now_ms - self._beat_at_ms))
        self._beat_at_ms = now_ms + self._heartbeat_ms
        self._core.check_clock()
        self._core.look_ahead()
        self._turn()
        self._heartbeat = self._clock.call_later(self._heartbeat_ms, self._beat)
