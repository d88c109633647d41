"""The embedded engine on a real file, on the test's loop, under a clock the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from perdure.blobs.backend import WholeBackend
from perdure.engine.engine import Engine, EngineSettings, open_engine
from perdure.engine.writer import InlineWriter, Writer
from perdure.ports.invoker import Invoker
from perdure.ports.observer import Observer
from perdure.store.store import Store
from perdure.testing.clock import VirtualClock

SETTINGS = EngineSettings(synchronous="OFF", heartbeat_ms=None, hang_grace_ms=0)
"""Nothing here is about power cuts, and the clock is the test's own."""


TURNS_AT_ONCE = 1_000
RESTS_WITHIN_S = 60


class ScriptedWorker(Invoker, Protocol):
    @property
    def held(self) -> int:
        """How many calls are answered when the test says so."""
        ...


W = TypeVar("W", bound=ScriptedWorker)


class EngineStage(Generic[W]):
    """One engine and its scripted worker. May be opened again on the same file, with the same clock."""

    def __init__(
        self,
        path: Path,
        *,
        worker: W,
        clock: VirtualClock | None = None,
        settings: EngineSettings = SETTINGS,
        make_writer: Callable[[Store], Writer] = InlineWriter,
        observer: Observer | None = None,
    ) -> None:
        self.path = path
        self.worker = worker
        self.clock = clock or VirtualClock()
        self.settings = settings
        self._make_writer = make_writer
        self._observer = observer
        self.engine: Engine = self._open()

    def _open(self) -> Engine:
        return open_engine(
            self.path,
            self.worker,
            settings=self.settings,
            loop=asyncio.get_running_loop(),
            clock=self.clock,
            make_writer=self._make_writer,
            observer=self._observer,
        )

    async def __aenter__(self) -> Self:
        self.engine.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.engine.aclose()

    @property
    def backend(self) -> WholeBackend:
        return self.engine.backend

    async def settle(self) -> None:
        """Let everything happen that needs no virtual time.

        What threads do beside the loop, such as bringing a value to a disk, takes as long as it takes:
        after many turns in vain the loop leaves the processor to them.
        """
        turns = 0
        try:
            async with asyncio.timeout(RESTS_WITHIN_S):
                while turns == 0 or not self._at_rest:
                    await asyncio.sleep(0 if turns < TURNS_AT_ONCE else 0.001)
                    turns += 1
        except TimeoutError:
            raise AssertionError(f"the engine does not come to rest, in {turns} turns") from None

    @property
    def _at_rest(self) -> bool:
        return self.engine.idle and self.engine.attempts_under_way <= self.worker.held

    async def pass_time(self, duration_ms: int) -> None:
        await self.settle()
        end_ms = self.clock.monotonic_ms() + duration_ms
        while (next_ms := self.clock.next_ms()) is not None and next_ms <= end_ms:
            self.clock.step()
            await self.settle()
        self.clock.settle_at(end_ms)
        await self.settle()

    async def crash(self) -> None:
        """Lose everything that is only in memory, and open the file again.

        The old engine is not closed, as by a crash: nothing it still holds is written or answered.
        """
        self.engine.abandon()
        self.worker.close()
        self.engine = self._open()
        self.engine.start()
