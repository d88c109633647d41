"""A blob invoker around another one, with the smallest values apart, too, in what it is sent and what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from perdure.blobs.aside import Aside
from perdure.blobs.folder import BlobFolder
from perdure.blobs.invoker import BlobInvoker
from perdure.blobs.keeper import Keeper
from perdure.blobs.settings import Blobs
from perdure.engine.clock import SystemClock
from perdure.model.calls import Answer
from perdure.testing.conformance.invoking import Hands, Request
from tests.blobs.test_keeper import Names


class BlobHands:
    def __init__(self, inner: Hands, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        clock = SystemClock(loop)
        self.aside = Aside()
        blobs = Blobs(BlobFolder(folder), threshold_bytes=0, cache_characters=0)
        self.keeper = Keeper(blobs, owner="file", names=Names(), monotonic_ms=clock.monotonic_ms)
        self.keeper.open()
        self._inner = inner
        self.invoker = BlobInvoker(
            inner.invoker, self.keeper, aside=self.aside, loop=loop, monotonic_ms=clock.monotonic_ms
        )

    def sent(self, request: Request) -> Request:
        hold = self.keeper.begin()
        sent = self._inner.sent(request)
        return self.keeper.take_out(sent, workflow_id=sent.run.workflow_id, hold=hold)

    def told(self, answer: Answer) -> Answer:
        return self._inner.told(self.keeper.bring_back(answer))


@asynccontextmanager
async def blob_hands(inner: Hands, folder: Path) -> AsyncIterator[BlobHands]:
    hands = BlobHands(inner, folder)
    yield hands
    hands.invoker.close()
    hands.aside.close()
