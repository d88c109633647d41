"""The owner: an engine of this process, and the door by which other processes use it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from perdure.engine.clock import SystemClock
from perdure.engine.engine import Engine, EngineSettings, open_engine
from perdure.model.errors import UnavailableError
from perdure.ports.invoker import Invoker
from perdure.ports.observer import Observer
from perdure.sharing.desk import Desk
from perdure.sharing.listener import Listener
from perdure.sharing.place import make_place

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """What it takes to own a file: the file, and what runs its workflows."""

    path: Path
    make_invoker: Callable[[asyncio.AbstractEventLoop], Invoker]
    workflows: frozenset[str]
    """The types that the invoker runs."""
    settings: EngineSettings = field(default_factory=EngineSettings)
    observer: Observer | None = None
    close_grace_ms: int = 0
    """How long calls under way are waited for when the owner closes."""


class Host:
    """An engine with a door. Without one, if no socket can be made: that is logged, and the engine works."""

    def __init__(self, engine: Engine, offer: Offer) -> None:
        self.engine = engine
        self.desk = Desk(engine.backend, workflows=offer.workflows, now_ms=SystemClock(engine.loop).now_ms)
        self.listener: Listener | None = None
        self._began = False
        self._close_grace_ms = offer.close_grace_ms
        self._pid = os.getpid()

    @classmethod
    def open(cls, offer: Offer) -> Self:
        """Own the file and run its workflows, on a thread of the engine's own.

        Raises:
            Owned: it has an owner.
            UnavailableError: it cannot be used.
        """
        host = cls(_open_engine(offer, loop=None), offer)
        try:
            host.engine.start()
            host._began = True
            asyncio.run_coroutine_threadsafe(host._listen(offer), host.engine.loop).result()
        except BaseException:
            host.close()
            raise
        return host

    @classmethod
    async def open_here(cls, offer: Offer) -> Self:
        """Own the file, as ``open``, and run the engine on the running loop."""
        host = cls(_open_engine(offer, loop=asyncio.get_running_loop()), offer)
        try:
            host.engine.start()
            host._began = True
            await host._listen(offer)
        except BaseException:
            await host.aclose()
            raise
        return host

    def close(self) -> None:
        """Give the file up, as ``aclose``, from any thread but the engine's. Harmless to repeat."""
        if os.getpid() != self._pid:
            return  # a copy of the owner's: the file is not ours, nor is the thread in this process
        if self.engine.loop.is_running():
            asyncio.run_coroutine_threadsafe(self.aclose(), self.engine.loop).result()
        self.engine.close()

    async def aclose(self) -> None:
        """Write what has happened, answer who waits, give the file up, and only then end the connections.

        So whoever sees that the owner has gone can become the owner.
        """
        if self._began:
            await self.engine.drain(grace_ms=self._close_grace_ms)
        if self.listener is not None:
            self.listener.stop_listening()
        await self.engine.aclose()
        if self.listener is not None:
            await self.listener.close()

    async def _listen(self, offer: Offer) -> None:
        try:
            place = make_place(offer.path)
        except UnavailableError as error:
            logger.warning("no other process can use the engine of %s: %s", offer.path, error)
            self.engine.announce("")
            return
        listener = Listener(self.desk, place)
        await listener.open()
        self.listener = listener
        self.engine.announce(listener.address)


def _open_engine(offer: Offer, *, loop: asyncio.AbstractEventLoop | None) -> Engine:
    return open_engine(
        offer.path,
        offer.make_invoker,
        settings=replace(offer.settings, address=None, workflow_types=offer.workflows),
        loop=loop,
        observer=offer.observer,
    )
