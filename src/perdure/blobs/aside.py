"""Where what blocks is done: in threads beside a loop, or right here where there is no loop to be blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TypeVar

from perdure.model.errors import UnavailableError

T = TypeVar("T")

THREADS = 16
"""They wait for a disk or a network; what is more than that waits for them."""


class Aside:
    """A pool of threads, each begun when there is none that has nothing to do.

    A process ends without them: a store that does not answer must not keep it, and what was not put
    was not named.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._threads_max = threads
        self._threads = 0
        self._free = 0
        """Threads that wait, less those that something was handed to since."""
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = Lock()
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """Return what *work* returns. In a thread without a loop it never suspends.

        Raises:
            UnavailableError: the pool is closed; nothing was done.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return work()
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Begin *work* in a thread, from any. It may be cancelled until it has begun.

        Raises:
            UnavailableError: the pool is closed; nothing is done.
        """
        future: Future[T] = Future()

        def do() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # whoever waits for it is told
                future.set_exception(error)

        with self._lock:
            if self._closed:
                raise UnavailableError("the engine is closed")
            self._orders.put(do)
            if self._free > 0 or self._threads == self._threads_max:
                self._free -= 1
            else:
                self._threads += 1
                Thread(target=self._work, name=f"perdure-blobs-{self._threads}", daemon=True).start()
        return future

    def close(self) -> None:
        """Begin nothing more. What is under way is not waited for, and what waits is never done."""
        with self._lock:
            self._closed = True
            while True:
                try:
                    self._orders.get_nowait()
                except Empty:
                    break
            for _ in range(self._threads):
                self._orders.put(None)

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            order()
            with self._lock:
                self._free += 1
