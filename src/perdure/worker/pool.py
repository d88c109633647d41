"""Threads for ``def`` handlers: few, started when they are needed, and never taken away from one that hangs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from perdure.worker.switching import switching

logger = logging.getLogger(__name__)

Job = Callable[[], None]


class Pool:
    """Runs jobs in the order they come, at most ``threads`` at a time.

    A ``SimpleQueue`` and plain threads: handing a job over costs a third of what an executor with its
    futures does. From its first thread until it is closed, threads of the process take turns every
    millisecond, so that a handler that computes does not hold up everything else (``switching``).
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._threads_max = threads
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = Lock()
        self._started = 0
        self._idle = 0
        self._closed = False

    def submit(self, job: Job) -> None:
        """Run *job* as soon as a thread is free; it must not raise."""
        self._jobs.put(job)
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                return
            if self._closed or self._started >= self._threads_max:
                return
            self._started += 1
            number = self._started
            if number == 1:
                switching.hold()
        # Daemons: a handler that hangs must not keep the process from ending.
        Thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()

    def close(self) -> None:
        """Let each thread end when its job does; jobs that wait are dropped. Waits for none."""
        with self._lock:
            if self._started and not self._closed:
                switching.release()
            self._closed = True
            started = self._started
        for _ in range(started):
            self._jobs.put(None)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                with self._lock:
                    self._idle += 1
                job = self._jobs.get()
            if job is None or self._closed:
                return
            try:
                job()
            except BaseException:  # the thread is worth more than what one job did wrong
                logger.exception("a job in thread pool %s raised", self._name)
            del job  # what it holds may be large, and the next may be long in coming
