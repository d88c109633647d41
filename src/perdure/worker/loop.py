"""A thread with an event loop of its own, for ``async def`` handlers where nobody brings one."""

from __future__ import annotations

import asyncio
from threading import Event, Lock, Thread


class LoopThread:
    """Starts when its loop is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = Event()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                Thread(target=self._run, args=(self._loop,), name=self._name, daemon=True).start()
                self._ready.wait()
            return self._loop

    def close(self) -> None:
        """Cancel what runs on the loop, and end the thread once it has ended. Waits for nothing."""
        with self._lock:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(self._ready.set)
        try:
            loop.run_forever()
            open_tasks = asyncio.all_tasks(loop)
            for task in open_tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*open_tasks, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()
