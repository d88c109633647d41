"""Callers of an engine that may be killed under them: they are told, instead of waiting for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Lock
from typing import Any, TypeVar

from perdure.model.ids import WorkflowId
from perdure.model.requests import StateWait
from perdure.ports.backend import Backend

T = TypeVar("T")

WAITS = ("wait_for_result", "wait_for_state")
"""What moves time."""


class Stuck(AssertionError):
    """Something is waited for that will not happen; the message says what still stands."""


class Watch:
    """Everybody who waits for an answer just now, on whatever loop."""

    def __init__(self) -> None:
        self._asking: dict[asyncio.Future[None], tuple[asyncio.AbstractEventLoop, WorkflowId | None]] = {}
        self._lock = Lock()

    async def answer_of(self, question: Coroutine[Any, Any, T], *, awaits: WorkflowId | None = None) -> T:
        """Await an answer, or be interrupted while it does not come.

        Args:
            awaits: the workflow whose end, or whose state, is waited for.
        """
        loop = asyncio.get_running_loop()
        interruption: asyncio.Future[None] = loop.create_future()
        answer = loop.create_task(question)
        with self._lock:
            self._asking[interruption] = (loop, awaits)
        try:
            await asyncio.wait((answer, interruption), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                interruption.result()
            return await answer
        finally:
            with self._lock:
                del self._asking[interruption]
            answer.cancel()
            if not interruption.cancel():
                interruption.exception()  # looked at, so that nobody complains that it was not

    def awaited(self) -> list[WorkflowId]:
        """Return the workflows of which something is waited for, in the order in which they were asked for."""
        with self._lock:
            return list(dict.fromkeys(awaits for _, awaits in self._asking.values() if awaits is not None))

    def interrupt(self, error: Exception, *, who_awaits: WorkflowId | None = None) -> None:
        """Raise *error* in everybody who waits, or in those who wait for one workflow; from any thread."""
        with self._lock:
            for interruption, (loop, awaits) in self._asking.items():
                if who_awaits in (None, awaits):
                    loop.call_soon_threadsafe(_raise_in, interruption, error)


def _raise_in(interruption: asyncio.Future[None], error: Exception) -> None:
    if not interruption.done():
        interruption.set_exception(error)


class WatchedBackend:
    """Forwards every call to whichever backend there is now, under watch."""

    def __init__(self, current: Callable[[], Backend], watch: Watch) -> None:
        self._current = current
        self._watch = watch

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, object]]:
        def ask(*args: object, **kwargs: object) -> Coroutine[Any, Any, object]:
            question = getattr(self._current(), name)(*args, **kwargs)
            return self._watch.answer_of(question, awaits=_awaited(args[0]) if name in WAITS else None)

        return ask


def _awaited(asked: object) -> WorkflowId:
    return asked.workflow_id if isinstance(asked, StateWait) else WorkflowId(str(asked))
