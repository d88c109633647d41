"""From a thread into a loop: how sync code runs the one async implementation."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar, cast

from perdure.model.errors import UnavailableError

T = TypeVar("T")


class Portal:
    """Runs coroutines on a loop in another thread, and waits for them.

    Made without a loop, it brings one in a thread of its own, and ends both when it is closed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        answers: Callable[[], asyncio.AbstractEventLoop | None] | None = None,
        needs_loop: bool = True,
    ) -> None:
        """Open a portal.

        Args:
            loop: where coroutines run.
            answers: the loop that what they ask is answered on, if it is another.
            needs_loop: ``False``: what coroutines wait for holds up a thread that has no loop. They
                are then run in their caller's thread: no task, no future, one thread less to wake.
        """
        self._needs_loop = needs_loop
        self._own = loop is None
        self._loop = loop or asyncio.new_event_loop()
        self._answers = answers
        self._thread: threading.Thread | None = None
        self._closed = False
        self._pid = os.getpid()
        self._waiting: dict[Future[Any], None] = {}
        if self._own:
            self._thread = threading.Thread(target=self._loop.run_forever, name="perdure-client", daemon=True)
            self._thread.start()

    @property
    def is_inherited(self) -> bool:
        """Whether this is the copy that a fork has made, in a process without the thread that answers."""
        return os.getpid() != self._pid

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* to its end. Interrupted while it waits, it cancels the coroutine.

        Raises:
            RuntimeError: called on a loop that would then wait for itself for ever, or closed.
            UnavailableError: closed meanwhile, or inherited.
        """
        try:
            running = self._check()
            if running is None and not self._needs_loop:
                return _run_here(coroutine)
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except BaseException:
            coroutine.close()
            raise
        self._waiting[future] = None
        if self._closed:  # just now: whoever closed it has not seen this one
            future.cancel()
        try:
            return future.result()
        except CancelledError:
            if self._closed:
                raise UnavailableError("the client was closed before its question was answered") from None
            raise
        except BaseException:
            future.cancel()
            raise
        finally:
            del self._waiting[future]

    def close(self) -> None:
        """Tell who still waits, and end the loop and the thread it has brought; harmless to repeat."""
        if self._closed:
            return
        self._closed = True
        for future in list(self._waiting):
            future.cancel()
        if self._thread is not None:
            asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _check(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop this is called on, if it is called on one and may be."""
        if self._closed:
            raise RuntimeError("the client is closed")
        if self.is_inherited:
            raise UnavailableError(f"this client belongs to process {self._pid}; connect once more after the fork")
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return None
        if running is self._loop or (self._answers is not None and running is self._answers()):
            raise RuntimeError(
                "a sync client is called on the loop that would answer it, and would wait for ever; "
                "in an async handler await an AsyncClient instead"
            )
        return running


def _run_here(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return cast("T", ended.value)
    raise RuntimeError("found a coroutine that waits for a loop, expected one that holds up its thread")


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
