"""A store whose failures and delays a test decides."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

from perdure.model.errors import UnavailableError
from perdure.ports.blob_store import BlobStore, StoredBlob


class TestedStore:
    """A real store, as far as the test lets anybody to it."""

    __test__ = False

    def __init__(self, inner: BlobStore) -> None:
        self._inner = inner
        self.store_id = inner.store_id
        self.asked: list[str] = []
        """What was asked of it, by name, in order."""
        self.failing: set[str] = set()
        """What fails now."""
        self.open_gates = {name: Event() for name in ("put", "get", "delete", "list")}
        """Whatever is asked waits for its gate."""
        for gate in self.open_gates.values():
            gate.set()
        self.arrived = Event()
        """Somebody has come to a gate that is closed."""

    def open(self) -> None:
        self._let_in("open")
        self._inner.open()

    def put(self, path: str, data: bytes) -> None:
        self._let_in("put")
        self._inner.put(path, data)

    def get(self, path: str) -> bytes | None:
        self._let_in("get")
        return self._inner.get(path)

    def delete(self, path: str) -> None:
        self._let_in("delete")
        self._inner.delete(path)

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        found = list(self._inner.list(prefix))
        self._let_in("list")
        return iter(found)

    def close(self) -> None:
        self.asked.append("close")
        self._inner.close()

    def _let_in(self, name: str) -> None:
        self.asked.append(name)
        gate = self.open_gates.get(name)
        if gate is not None and not gate.is_set():
            self.arrived.set()
            assert gate.wait(60), f"nobody has opened the gate of {name}"
        if name in self.failing:
            raise UnavailableError(f"cannot {name}: the network is down")
