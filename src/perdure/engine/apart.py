"""Large values apart from the file: what stands around an engine for that, put together."""

from __future__ import annotations

import asyncio
from typing import Self

from perdure.blobs.aside import Aside
from perdure.blobs.backend import BlobBackend, WholeBackend
from perdure.blobs.invoker import BlobInvoker
from perdure.blobs.keeper import Keeper
from perdure.blobs.settings import Blobs
from perdure.blobs.sweeper import Sweeper
from perdure.engine.blob_names import FileBlobNames
from perdure.ports.clock import Clock
from perdure.ports.invoker import Invoker
from perdure.store.store import Store


class Apart:
    """The stores of one engine, and what brings values there and back. The engine's core knows nothing of it."""

    def __init__(
        self,
        blobs: Blobs,
        *,
        owner: str,
        names: FileBlobNames,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._names = names
        self._clock = clock
        self._loop = loop
        self._aside = Aside()
        self.keeper = Keeper(blobs, owner=owner, names=names, monotonic_ms=clock.monotonic_ms)
        self.sweeper = Sweeper(
            self.keeper, aside=self._aside, clock=clock, min_age_ms=blobs.min_age_ms, cron=blobs.cleanup_cron
        )

    @classmethod
    def open(cls, blobs: Blobs, store: Store, *, clock: Clock, loop: asyncio.AbstractEventLoop) -> Self:
        """Open all stores of blobs.

        Raises:
            InvalidRequest: one of them cannot be used, or is described in a way that cannot be understood.
            UnavailableError: one of them cannot be reached.
        """
        apart = cls(blobs, owner=store.file_id(), names=FileBlobNames(store.open_beside), clock=clock, loop=loop)
        try:
            apart.keeper.open()
        except BaseException:
            apart.close()
            raise
        return apart

    def around_backend(self, backend: WholeBackend) -> BlobBackend:
        return BlobBackend(backend, self.keeper, aside=self._aside)

    def around_invoker(self, invoker: Invoker) -> BlobInvoker:
        return BlobInvoker(
            invoker, self.keeper, aside=self._aside, loop=self._loop, monotonic_ms=self._clock.monotonic_ms
        )

    def start(self) -> None:
        """Clean from time to time, from the engine's loop."""
        self.sweeper.start()

    def stop(self) -> None:
        self.sweeper.stop()

    def close(self) -> None:
        """Take no more, and let go of everything. What is under way in threads comes to nothing."""
        self._aside.close()
        self._names.close()
        self.keeper.close()
