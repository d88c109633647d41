"""An engine with everything it needs: one file, one owner, one loop, one writer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from perdure.blobs.backend import WholeBackend
from perdure.blobs.settings import Blobs
from perdure.engine.apart import Apart
from perdure.engine.backend import EmbeddedBackend
from perdure.engine.blob_stores import claim_blob_stores
from perdure.engine.clock import SystemClock
from perdure.engine.core import HANG_GRACE_MS, Core
from perdure.engine.driver import HEARTBEAT_MS, Driver
from perdure.engine.ids import UuidV7
from perdure.engine.inputs import Input
from perdure.engine.inspector import FileInspector
from perdure.engine.owner import Owner
from perdure.engine.parking import RESTING_MAX
from perdure.engine.pruner import Pruner
from perdure.engine.reporter import Reporter
from perdure.engine.rules import claim_rules
from perdure.engine.segments import CUT_POLICY, CutPolicy
from perdure.engine.writer import ThreadWriter, Writer
from perdure.model.attributes import SearchAttributeType
from perdure.model.errors import UnavailableError
from perdure.model.ids import RunId
from perdure.model.limits import CALLS_MAX
from perdure.ports.clock import Clock, Ids
from perdure.ports.invoker import Invoker
from perdure.ports.observer import Observer
from perdure.store.store import Store


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What can be set of an engine. The defaults are right for almost everybody."""

    synchronous: str = "FULL"
    """SQLite's. Anything less may lose what was acknowledged when the machine, not the process, fails."""
    retention_ms: int | None = None
    """How long ended runs are kept; ``None``: for ever."""
    history_retention_ms: int | None = None
    """How long the early segments of a journal are kept while its run goes on; ``None``: as long as the run.
    What is forgotten is gone from the history, and no reset goes back to it."""
    resting_max: int = RESTING_MAX
    """Runs kept in memory although nothing of them is in progress."""
    workflow_types: Collection[str] | None = None
    """All that the invoker runs, where it runs them itself: others are not started. ``None``: workers elsewhere do."""
    lane_max: int = CALLS_MAX
    """Calls under way at once for one workflow type at one place."""
    heartbeat_ms: int | None = HEARTBEAT_MS
    """How often deadlines are compared with the wall clock; ``None``: a clock that nobody sets."""
    hang_grace_ms: int = HANG_GRACE_MS
    """How much longer than its timeout an invoker may take to report that it is over."""
    cut: CutPolicy = CUT_POLICY
    """After how many events all that a run remembers is written into its journal, for a load to begin there."""
    search_attributes: Mapping[str, SearchAttributeType] | None = None
    """The only ones that may be written, with their types; ``None``: any, each with the type of its first use."""
    blobs: Blobs | None = None
    """Where large values are kept apart; ``None``: they are in the file like all others."""
    cleans_blobs: bool = True
    """Remove from time to time what is there and no run names; else that is left to another start."""
    address: str | None = ""
    """Where others can reach this engine; told to whoever wants to open the same file.

    Empty: nowhere. ``None``: it will be said later, with ``Engine.announce``."""


class Engine:
    """A running engine. ``backend`` is what it is for."""

    def __init__(
        self,
        *,
        owner: Owner,
        store: Store,
        invoker: Invoker,
        writer: Writer,
        driver: Driver,
        core: Core,
        pruner: Pruner | None,
        apart: Apart | None,
        cleans: bool,
        backend: EmbeddedBackend,
        loop: asyncio.AbstractEventLoop,
        own_loop: bool,
    ) -> None:
        self.backend: WholeBackend = backend if apart is None else apart.around_backend(backend)
        self.loop = loop
        """Where the engine runs; ``async def`` handlers run here too."""
        self.store = store
        """For reading beside the engine; see there which of its methods that may be."""
        self._owner = owner
        self._invoker = invoker
        self._writer = writer
        self._driver = driver
        self._core = core
        self._pruner = pruner
        self._apart = apart
        self._cleans = cleans
        self._embedded = backend
        self._thread = threading.Thread(target=self._run, name="perdure-engine", daemon=True) if own_loop else None
        self._closed = False

    def start(self) -> None:
        """Take up what was in progress, and serve. On a loop of the caller's: call it there.

        Raises:
            UnavailableError: the file cannot be read.
        """
        if self._thread is None:
            self._begin()
            return
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin_on_loop(), self.loop).result()

    def close(self, *, grace_ms: int = 0) -> None:
        """Write what has happened, refuse who still waits, and give the file up.

        For an engine on a thread of its own; one on the caller's loop is closed with ``aclose``.

        Args:
            grace_ms: how long calls under way are waited for. The next start makes the others again.
        """
        assert self._thread is not None, "this engine runs on a loop of its caller's: await aclose()"
        assert threading.current_thread() is not self._thread, "an engine cannot be closed by its own handlers"
        if self.loop.is_closed():
            return
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self.aclose(grace_ms=grace_ms), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
        elif not self._closed:
            self._release()
        self.loop.close()

    def kill(self) -> None:
        """Stop as a process stops that dies, then give the file up. For tests of what a restart finds.

        Nobody is answered any more, and coroutines on the engine's loop are cancelled. What is being
        written at this moment may still become durable, as in a crash.
        """
        assert self._thread is not None, "this engine runs on a loop of its caller's, and dies with that"
        assert threading.current_thread() is not self._thread, "an engine cannot be killed by its own handlers"
        if self._closed:
            return
        asyncio.run_coroutine_threadsafe(self._die(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self._release()
        self.loop.close()

    async def drain(self, *, grace_ms: int) -> None:
        """Begin no more calls of states, and wait for those under way, from the engine's loop. To be closed afterwards."""
        await self._driver.drain(grace_ms=grace_ms)

    async def aclose(self, *, grace_ms: int = 0) -> None:
        """Close an engine from its loop; as ``close``, which is still to be called for one on a thread of its own."""
        if self._closed:
            return
        if self._pruner is not None:
            self._pruner.stop()
        if self._apart is not None:
            self._apart.stop()
        if grace_ms:
            await self.drain(grace_ms=grace_ms)
        await self._driver.stop()
        self._release()

    def abandon(self) -> None:
        """Let go of the file as a crash would: nothing more is written, nobody is answered. For tests.

        For an engine on its caller's loop; one on a thread of its own is killed with ``kill``.
        """
        self._closed = True
        self._driver.abandon()
        self.store.close()
        self._owner.release()

    def announce(self, address: str) -> None:
        """Tell whoever wants the file where this engine can be reached; empty: nowhere."""
        self._owner.announce(address)

    def submit(self, given: Input) -> None:
        """Hand an input to the core, from any thread; ``backend`` is the way to do so with an answer."""
        self._driver.post(given)

    @property
    def idle(self) -> bool:
        """Nothing moves now, but for calls that workers have. For tests that own the loop."""
        return self._driver.idle

    @property
    def attempts_under_way(self) -> int:
        """How many attempts workers have that were not reported."""
        return self._core.attempts_under_way

    @property
    def callers_waiting(self) -> int:
        """How many callers wait for a run to end or a state to complete."""
        return self._core.callers_waiting

    def only_retries(self, run_id: RunId) -> bool:
        """Say whether nothing moves a run but calls that have failed and are tried again for ever. For tests."""
        return self._core.only_retries(run_id)

    @property
    def hot_runs(self) -> int:
        """How many runs are in memory."""
        return self._core.hot_runs

    async def _begin_on_loop(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._driver.start()
        if self._pruner is not None:
            self._pruner.start()
        if self._apart is not None and self._cleans:
            self._apart.start()

    async def _die(self) -> None:
        if self._pruner is not None:
            self._pruner.stop()
        if self._apart is not None:
            self._apart.stop()
        self._driver.abandon()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _release(self) -> None:
        self._closed = True
        self._invoker.close()
        self._writer.close()
        self._embedded.close()
        if self._apart is not None:
            self._apart.close()
        self.store.close()
        self._owner.release()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


def open_engine(
    path: Path | str,
    invoker: Invoker | Callable[[asyncio.AbstractEventLoop], Invoker],
    *,
    settings: EngineSettings | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    make_writer: Callable[[Store], Writer] = ThreadWriter,
    turned: Callable[[], None] | None = None,
    vfs: str | None = None,
    observer: Observer | None = None,
) -> Engine:
    """Open a database, or make it, and put an engine on it. It does nothing before ``start``.

    Args:
        invoker: calls the authors' methods; or makes what does, given the engine's loop. Closed with the engine.
        loop: run here; ``None``: on a thread with a loop of its own.
        clock: the machine's, if none is given. Its timers must call on the engine's loop.
        make_writer: who waits for the disk.
        turned: called on the engine's loop after each of its turns; for tests that wait until it is idle.
        observer: counts what the engine does.

    Raises:
        UnavailableError: the file has another owner, who is named; or it cannot be used, has runs under
            newer rules than ours, or is a copy that nobody has said may work; or where large values are
            kept cannot be reached.
        InvalidRequest: where large values are to be kept cannot be used, or a store is not given that has some.
    """
    settings = settings or EngineSettings()
    own_loop = loop is None
    owner = Owner.take(Path(path), address=settings.address)
    loop = loop or asyncio.new_event_loop()
    store: Store | None = None
    try:
        store = Store.open(path, synchronous=settings.synchronous, vfs=vfs)
        if settings.search_attributes is not None:
            store.register_search_attributes(settings.search_attributes)
        if store.paused():
            raise UnavailableError(
                f"{path} is a copy whose original may still be at work: both would do everybody's work twice. "
                f"Once the original is at work no more, let this one: perdure resume {path}"
            )
        claim_rules(store, path)
        claim_blob_stores(store, path, settings.blobs)
        clock = clock or SystemClock(loop)
        reporter = Reporter(observer, monotonic_ms=clock.monotonic_ms)
        core = Core(
            store,
            clock=clock,
            ids=ids or UuidV7(clock.now_ms),
            resting_max=settings.resting_max,
            lane_max=settings.lane_max,
            hang_grace_ms=settings.hang_grace_ms,
            cut=settings.cut,
            history_retention_ms=settings.history_retention_ms,
            reporter=reporter,
        )
        apart = None if settings.blobs is None else Apart.open(settings.blobs, store, clock=clock, loop=loop)
        working = invoker(loop) if callable(invoker) else invoker
    except BaseException:
        if store is not None:
            store.close()
        owner.release()
        if own_loop:
            loop.close()
        raise
    if apart is not None:
        working = apart.around_invoker(working)
    writer = make_writer(store)
    driver = Driver(
        core,
        invoker=working,
        writer=writer,
        clock=clock,
        loop=loop,
        heartbeat_ms=settings.heartbeat_ms,
        turned=turned,
        reporter=reporter,
    )
    pruner = None
    if settings.retention_ms is not None:
        pruner = Pruner(driver.post, clock=clock, retention_ms=settings.retention_ms)
    return Engine(
        owner=owner,
        store=store,
        invoker=working,
        writer=writer,
        driver=driver,
        core=core,
        pruner=pruner,
        apart=apart,
        cleans=settings.cleans_blobs,
        backend=EmbeddedBackend(
            driver.post,
            loop=loop,
            inspector=FileInspector(store.open_beside),
            workflow_types=settings.workflow_types,
        ),
        loop=loop,
        own_loop=own_loop,
    )
