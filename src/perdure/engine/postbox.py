"""Handing things to a loop from any thread, many at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Postbox(Generic[Thing]):
    """What is posted is taken together: the loop is woken once, however much has come by then."""

    def __init__(self, loop: asyncio.AbstractEventLoop, empty: Callable[[list[Thing]], None]) -> None:
        """Begin empty.

        Args:
            loop: where *empty* is called.
            empty: takes everything posted since it was last called, in order.
        """
        self._loop = loop
        self._empty = empty
        self._posted: deque[Thing] = deque()
        self._called = False

    def __bool__(self) -> bool:
        """Whether something is posted and not taken."""
        return bool(self._posted)

    def post(self, thing: Thing) -> None:
        """Post from any thread.

        Raises:
            RuntimeError: the loop is closed.
        """
        self._posted.append(thing)
        # Seen as called by two threads at once, it is called twice: harmless. Never missed: the flag
        # falls before the box is emptied.
        if not self._called:
            self._called = True
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        self._called = False
        posted = self._posted
        things = [posted.popleft() for _ in range(len(posted))]
        if things:
            self._empty(things)
