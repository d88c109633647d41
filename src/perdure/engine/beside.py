"""A connection that reads beside the engine, for whoever takes his time: opened when somebody asks the first time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from perdure.model.errors import UnavailableError
from perdure.store.reader import Reader

T = TypeVar("T")


class Beside:
    """Answers questions to a file, one at a time: who waits for a long one waits for nothing else. From any threads."""

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open_reader = open_reader
        self._reader: Reader | None = None
        self._lock = Lock()
        self._closed = False

    def ask(self, question: Callable[[Reader], T]) -> T:
        """Return what *question* makes of the file.

        Raises:
            UnavailableError: this is closed, or the file cannot be read.
        """
        with self._lock:
            if self._closed:
                raise UnavailableError("the engine is closed")
            if self._reader is None:
                self._reader = self._open_reader()
            return question(self._reader)

    def close(self) -> None:
        """Wait for the question under way, and take no more."""
        with self._lock:
            self._closed = True
            if self._reader is not None:
                self._reader.close()
