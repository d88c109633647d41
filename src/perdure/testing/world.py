"""The production engine on a real file, under a clock that moves only when it is told to.

Rule 1: time stands still while anything is under way: an input, a commit, a handler.
Rule 2: it moves to one moment after the other, and everything due at one is finished before the next.
Rule 3: whoever moves it does so on the engine's loop, and one at a time.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from perdure.client.naming import HandlerTraceback
from perdure.client.standing import standing_of
from perdure.engine.engine import Engine, EngineSettings, open_engine
from perdure.model.errors import RequestError, UnavailableError
from perdure.model.ids import WorkflowId
from perdure.ports.backend import Backend
from perdure.ports.invoker import Invoker
from perdure.testing.clock import MILLISECOND, START, VirtualClock
from perdure.testing.watch import Stuck, Watch, WatchedBackend
from perdure.testing.witness import Witness, name_of

SETTINGS = EngineSettings(synchronous="OFF", heartbeat_ms=None)
"""A test's process may be killed, its machine is not; and nobody sets its clock."""

WAIT_MAX = timedelta(days=3650)
"""A wait that has moved time further than this waits for something that never comes."""

MakeInvoker = Callable[[asyncio.AbstractEventLoop], Invoker]


class World:
    """An engine, its file and its clock, for as long as a test lasts; the engine may be restarted."""

    def __init__(
        self,
        make_invoker: MakeInvoker,
        *,
        path: Path | str | None = None,
        start: datetime = START,
        patience_seconds: float = 10.0,
        advances_for_waiters: bool = True,
        held: Callable[[], int] = lambda: 0,
        failures_max: int | None = None,
        settings: EngineSettings = SETTINGS,
    ) -> None:
        """Prepare a world; it begins with ``open``.

        Args:
            path: the file; a temporary one, gone with this world, if left out.
            start: the wall time at which the clock stands.
            patience_seconds: how long, by real time, nothing may happen before what waits gives up.
            advances_for_waiters: move time while a caller waits for a result or a state and all else rests.
            held: how many calls the test itself keeps from being answered.
            failures_max: how often, in one wait for a workflow, a call of it may fail that is tried again for
                ever and that nothing else can help; ``None``: as often as it does.
        """
        self.clock = VirtualClock(start)
        self.watch = Watch()
        self.backend = cast(
            "Backend", WatchedBackend(lambda: self.engine.backend, self.watch)
        )  # it forwards every call
        self._make_invoker = make_invoker
        self._path = path
        self._patience_seconds = patience_seconds
        self._advances_for_waiters = advances_for_waiters
        self._held = held
        self._failures_max = failures_max
        self._settings = settings
        self._folder: TemporaryDirectory[str] | None = None
        self._engine: Engine | None = None
        self._witness: Witness | None = None
        self._telling: asyncio.Task[None] | None = None
        self._turned, self._mover = asyncio.Event(), asyncio.Lock()
        self._silent = self._jumping = False
        self._waited_since_ms: int | None = None
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise UnavailableError("the environment is not open; use it as a context manager")
        return self._engine

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """Where the engine runs, while there is one."""
        return None if self._engine is None else self._engine.loop

    def open(self) -> None:
        """Open the file, or make it, and take up what was in progress in it."""
        if self._path is None:
            self._folder = TemporaryDirectory(prefix="perdure-")
            self._path = Path(self._folder.name) / "test.db"
        try:
            self._begin()
        except BaseException:
            self._leave_folder()
            raise

    def close(self) -> None:
        """Close the engine as a process does that ends in order."""
        try:
            if self._engine is not None:
                self._on_engine(self._silence).result()
                self._engine.close()
                self.watch.interrupt(UnavailableError("the environment is closed"))
        finally:
            self._engine = None
            self._leave_folder()

    def restart(self) -> None:
        """Kill the engine where it stands, and open its file again. Time goes on from where it was."""
        engine = self.engine
        self._on_engine(self._silence).result()
        engine.kill()
        self.watch.interrupt(UnavailableError("the engine was killed before it could answer"))
        self._begin()

    def advance(self, duration_ms: int) -> Future[None]:
        """Let time pass, with everything that falls due in it; done when all has come to rest.

        Raises:
            Stuck: from the future, when a handler does not return.
        """
        if duration_ms < 0:
            raise ValueError(f"time is advanced by {duration_ms} ms, expected 0 or more: it never goes back")
        return self._on_engine(lambda: self._advance(duration_ms))

    def settle(self) -> Future[None]:
        """Let everything happen that needs no time."""
        return self._on_engine(self._settle)

    def _on_engine(self, ask: Callable[[], Coroutine[Any, Any, None]]) -> Future[None]:
        loop = self.engine.loop
        return asyncio.run_coroutine_threadsafe(ask(), loop)

    def _begin(self) -> None:
        assert self._path is not None
        self._turned, self._mover = asyncio.Event(), asyncio.Lock()
        self._silent = self._jumping = False
        self._waited_since_ms = None
        self._engine = open_engine(
            self._path, self._make_witness, settings=self._settings, clock=self.clock, turned=self._on_turn
        )
        try:
            self._engine.start()
        except BaseException:
            engine, self._engine = self._engine, None
            engine.close()
            raise

    def _make_witness(self, loop: asyncio.AbstractEventLoop) -> Witness:
        self._witness = Witness(self._make_invoker(loop))
        return self._witness

    def _leave_folder(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder, self._path = None, None

    # On the engine's loop

    @property
    def _resting(self) -> bool:
        return self.engine.idle and self.engine.attempts_under_way <= self._held()

    async def _advance(self, duration_ms: int) -> None:
        async with self._mover:
            await self._rest()
            end_ms = self.clock.monotonic_ms() + duration_ms
            while (next_ms := self.clock.next_ms()) is not None and next_ms <= end_ms:
                self.clock.step()
                await self._rest()
            self.clock.settle_at(end_ms)

    async def _settle(self) -> None:
        async with self._mover:
            await self._rest()

    async def _rest(self) -> None:
        while not self._resting:
            self._turned.clear()
            try:
                async with asyncio.timeout(self._patience_seconds):
                    await self._turned.wait()
            except TimeoutError:
                raise Stuck(f"nothing has happened for {self._patience_seconds:g} s; {self._standing()}") from None

    async def _silence(self) -> None:
        """Move time no more: this engine is about to end."""
        self._silent = True
        self._wind_alarm()

    def _on_turn(self) -> None:
        self._turned.set()
        self._wind_alarm()
        if not self.engine.callers_waiting:
            self._waited_since_ms = None
        elif self._may_jump and not self._jumping:
            self._jumping = True
            self.engine.loop.call_soon(self._jump)

    @property
    def _may_jump(self) -> bool:
        return (
            self._advances_for_waiters
            and not self._silent
            and self._telling is None
            and not self._mover.locked()
            and self.engine.callers_waiting > 0
            and self._resting
        )

    def _jump(self) -> None:
        """Move to the next moment, for those who wait."""
        self._jumping = False
        if not self._may_jump:
            return
        if self._waited_since_ms is None:
            self._waited_since_ms = self.clock.monotonic_ms()
            self._seen.count_anew()
        if self._tell_of_failures():
            return  # Who is told goes, and that turn goes on for the others.
        if self.clock.monotonic_ms() - self._waited_since_ms > WAIT_MAX // MILLISECOND:
            self._tell_stuck(f"{WAIT_MAX.days} days have passed in one wait")
        elif self.clock.step():
            self._on_turn()  # the engine need not have had a turn for it

    def _wind_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self.engine.callers_waiting and self._advances_for_waiters and not self._silent:
            self._alarm = self.engine.loop.call_later(self._patience_seconds, self._give_up)

    def _give_up(self) -> None:
        self._tell_stuck(f"nothing has happened for {self._patience_seconds:g} s, and a caller waits")

    def _tell_of_failures(self) -> bool:
        """Give waits up that only failing calls move on, and for ever; say whether there was one."""
        told = False
        for failing in [] if self._failures_max is None else self._seen.failing(self._failures_max):
            run = failing.request.run
            if run.workflow_id in self.watch.awaited() and self.engine.only_retries(run.run_id):
                error = Stuck(
                    f"{name_of(failing.request)}, has failed {failing.count} times in one wait, and nothing else moves "
                    f"the workflow on: {failing.failure.message}. If it is to recover, allow more: "
                    "Environment(…, failures_max=100), None for any number; if it is to end, say so: "
                    "@state(retry=Retry(attempts=3))"
                )
                error.__cause__ = HandlerTraceback(failing.failure.detail) if failing.failure.detail else None
                self.watch.interrupt(error, who_awaits=run.workflow_id)
                told = True
        return told

    def _tell_stuck(self, what: str) -> None:
        if self._telling is None:
            self._telling = self.engine.loop.create_task(self._tell_all(f"{what}; {self._standing()}"))

    async def _tell_all(self, text: str) -> None:
        """Tell everybody who waits, and of each workflow what it waits for."""
        try:
            for workflow_id in self.watch.awaited():
                standing = await self._standing_of(workflow_id)
                self.watch.interrupt(Stuck(f"{text}; {standing}"), who_awaits=workflow_id)
            self.watch.interrupt(Stuck(text))
        finally:
            self._telling = None

    async def _standing_of(self, workflow_id: WorkflowId) -> str:
        try:
            progress = await self.engine.backend.progress(workflow_id)
        except RequestError:
            return f"there is no workflow {workflow_id!r}"
        return f"workflow {workflow_id!r}: {standing_of(progress)}"

    @property
    def _seen(self) -> Witness:
        assert self._witness is not None, "an engine that turns has an invoker"
        return self._witness

    def _standing(self) -> str:
        """Say what keeps things from moving, as far as can be seen from here."""
        calls = self.engine.attempts_under_way - self._held()
        if calls > 0:
            return f"calls of handlers that have not returned: {calls}: {self._seen.under_way()}"
        next_ms = self.clock.next_ms()
        if next_ms is None:
            return "no handler runs and nothing is due: is a message missing?"
        return f"no handler runs, and the next thing is due in {next_ms - self.clock.monotonic_ms()} ms"

    # How time passes for a caller who asks for a lock again

    def seconds(self) -> float:
        """Return a moment that passes with this clock, and with the machine's while that one stands still."""
        return time.monotonic() + self.clock.monotonic_ms() / 1_000

    async def pause(self, seconds: float) -> None:
        """Let time pass here if all rests: only time can free a lock then. If something moves, let it move on."""
        await asyncio.wrap_future(self._on_engine(lambda: self._pause(seconds)))

    async def _pause(self, seconds: float) -> None:
        if self._advances_for_waiters and self._resting and not self._mover.locked():
            await self._advance(math.ceil(seconds * 1_000))
        else:
            await asyncio.sleep(seconds)
