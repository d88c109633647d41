"""Threads for what ``async def`` handlers hand over, by ``asyncio.to_thread``: they keep no process from ending."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from perdure.worker.pool import Pool

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 32


class AbandonableExecutor(ThreadPoolExecutor):
    """Runs calls in a ``Pool``. A loop takes no executor of another class; the threads of that class are never started.

    Python waits for those when a loop ends, and once more when the process does, however long a call hangs.
    """

    def __init__(self, threads: int = THREADS) -> None:
        super().__init__(threads)
        self._pool = Pool("perdure-handed-over", threads)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whoever waits for the call is told
                future.set_exception(error)
            else:
                future.set_result(result)

        self._pool.submit(run)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Begin no more calls, and wait for none."""
        self._pool.close()
