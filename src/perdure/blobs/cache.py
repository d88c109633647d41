"""What was lately read from a store, or put there: a blob never changes, so it is still true."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock


class Cache:
    """Data by path, the longest unused forgotten first. May be used by any threads."""

    def __init__(self, characters_max: int) -> None:
        self._characters_max = characters_max
        self._characters = 0
        self._data: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def get(self, path: str) -> str | None:
        with self._lock:
            data = self._data.get(path)
            if data is not None:
                self._data.move_to_end(path)
            return data

    def keep(self, path: str, data: str) -> None:
        with self._lock:
            if len(data) > self._characters_max:
                return
            self._forget(path)
            self._data[path] = data
            self._characters += len(data)
            while self._characters > self._characters_max:
                _, oldest = self._data.popitem(last=False)
                self._characters -= len(oldest)

    def forget(self, path: str) -> None:
        with self._lock:
            self._forget(path)

    def _forget(self, path: str) -> None:
        data = self._data.pop(path, None)
        if data is not None:
            self._characters -= len(data)
