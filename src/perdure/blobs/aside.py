"""Where what blocks is done: in threads beside a loop, or right here where there is no loop to be blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from perdure.model.errors import UnavailableError

T = TypeVar("T")

THREADS = 16
"""They wait for a disk or a network; what is more than that waits for them."""


class Aside:
    """A pool of threads, made when somebody needs it."""

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="perdure-blobs")

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
        """Begin *work* in a thread, from any.

        Raises:
            UnavailableError: the pool is closed; nothing is done.
        """
        try:
            return self._pool.submit(work)
        except RuntimeError as error:
            raise UnavailableError("the engine is closed") from error

    def close(self) -> None:
        """Begin nothing more. What is under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
