"""Who writes batches: a thread of its own, or whoever hands them over."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

from perdure.model.errors import UnavailableError
from perdure.store.rows import Batch
from perdure.store.store import Store

logger = logging.getLogger(__name__)

Done = Callable[[Exception | None], None]


class Writer(Protocol):
    """Writes one batch after the other, and says when each is durable or why it is not."""

    def write(self, batch: Batch, done: Done) -> None:
        """Write *batch* and call *done* with what went wrong; from any thread, also before returning."""
        ...

    def close(self) -> None:
        """Write what was handed over, then stop."""
        ...


class ThreadWriter:
    """Writes in a thread, so that the loop goes on while the disk is waited for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._orders: queue.SimpleQueue[tuple[Batch, Done] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="perdure-writer", daemon=True)
        self._thread.start()

    def write(self, batch: Batch, done: Done) -> None:
        self._orders.put((batch, done))

    def close(self) -> None:
        self._orders.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            batch, done = order
            done(try_to_write(self._store, batch))
            tidy_up(self._store, batch)


class InlineWriter:
    """Writes at once, in the caller's thread: for tests that decide when things happen."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, batch: Batch, done: Done) -> None:
        done(try_to_write(self._store, batch))
        tidy_up(self._store, batch)

    def close(self) -> None:
        """Nothing is left to be written."""


def try_to_write(store: Store, batch: Batch) -> Exception | None:
    """Write *batch* and return what went wrong, if anything did."""
    try:
        store.write(batch)
        if batch.emptied:
            _forget(store)
    except Exception as error:  # noqa: BLE001 - the engine decides what becomes of it: it takes everything back
        return error
    return None


def _forget(store: Store) -> None:
    """Before anybody is told that something was erased: let its bytes be gone, if they can be now."""
    try:
        if not store.forget():
            logger.info("what was erased stands in the log for as long as somebody reads an older state of the file")
    except UnavailableError as error:
        # It is erased all the same: the batch is durable.
        logger.warning("the log could not be emptied of what was erased: %s", error)


def tidy_up(store: Store, batch: Batch) -> None:
    """Do what the file needs now and again, after a commit and not in it: nobody waits for it."""
    try:
        if batch.removed:
            store.give_back()
        store.forget()
        store.checkpoint()
    except UnavailableError as error:
        # Nothing is lost by it: if the file cannot be used any more, the next batch tells.
        logger.warning("the file could not be tidied up: %s", error)
