"""Takes large values out of what is to be kept, brings them back, and removes those that nobody names.

Rule 1: a blob is durable before a request goes on that names it.
Rule 2: a value that comes from outside has its data in it. A name of one of our stores without it is refused:
        who may write a name could read, and keep alive, what belongs to another workflow.
Rule 3: only what no journal names is removed, and nothing that a request under way may name (``hold``).

Everything here blocks; who must not wait calls it in a thread. May be used by any threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TypeVar

from perdure.blobs.cache import Cache
from perdure.blobs.hold import Hold, Holds
from perdure.blobs.paths import check_path, content_hash, data_of, folder_of, is_intact, text_of
from perdure.blobs.settings import Blobs
from perdure.blobs.values import exchanged
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.model.ids import WorkflowId
from perdure.model.limits import SMALLER_VALUE, VALUE_CHARACTERS_MAX
from perdure.model.value import EncodedValue
from perdure.ports.blob_store import BlobNames, BlobStore

T = TypeVar("T")


class Keeper:
    """The large values of one database."""

    def __init__(self, blobs: Blobs, *, owner: str, names: BlobNames, monotonic_ms: Callable[[], int]) -> None:
        """Open nothing yet.

        Args:
            owner: the database's file id: its blobs are under this, and no other's.
            names: tells what its journals name.
        """
        self._blobs = blobs
        self._owner = owner
        self._names = names
        self._threshold = blobs.threshold_bytes
        self._stores: dict[str, BlobStore] = {store.store_id: store for store in blobs.stores}
        self._cache = Cache(blobs.cache_characters)
        self._holds = Holds(monotonic_ms)

    def open(self) -> None:
        """Open all stores.

        Raises:
            InvalidRequest: one of them cannot be used.
            UnavailableError: one of them cannot be reached.
        """
        for store in self._stores.values():
            store.open()

    def close(self) -> None:
        for store in self._stores.values():
            store.close()

    # Asked for every call

    def is_large(self, value: EncodedValue | None) -> bool:
        """Say whether a value is one to be kept apart, or one that has to be looked at for its name."""
        if value is None:
            return False
        data = value.data
        if value.external_store_id is not None and value.external_store_id in self._stores:
            return True
        if data is None or 4 * len(data) <= self._threshold:  # no character has more than 4 bytes
            return False
        return len(data) > self._threshold or (not data.isascii() and len(data_of(data)) > self._threshold)

    def is_apart(self, value: EncodedValue | None) -> bool:
        """Say whether a value's data is in one of our stores."""
        return value is not None and value.external_store_id is not None and value.external_store_id in self._stores

    # Out and back

    def begin(self) -> Hold:
        """Begin a request: what it puts is held until it is released."""
        return self._holds.begin()

    def take_out(self, thing: T, *, workflow_id: WorkflowId, hold: Hold) -> T:
        """Return *thing* with names where large values were, each of which is durable now.

        Raises:
            InvalidRequest: a value is too large, or has a name of ours and no data.
            UnavailableError: the store cannot be written.
        """
        return exchanged(thing, lambda value: self._taken_out(value, workflow_id, hold))

    def bring_back(self, thing: T) -> T:
        """Return *thing* with all its data in it, as it was given.

        Raises:
            UnavailableError: the store cannot be read, or has lost a blob.
        """
        return exchanged(thing, lambda value: self._brought_back(value) if self.is_apart(value) else value)

    def load(self, value: EncodedValue) -> EncodedValue:
        """Return a value with its data, as ``bring_back``, for whoever has its name only.

        Raises:
            InvalidRequest: there is no such store or blob.
        """
        if not value.external_store_id and not value.external_path:
            return value
        store = self._stores.get(value.external_store_id or "")
        if store is None:
            raise InvalidRequest(
                f"found the store {value.external_store_id or ''!r}, expected one of {', '.join(map(repr, self._stores))}"
            )
        path = check_path(value.external_path or "")
        data = store.get(path)
        if data is None:
            raise InvalidRequest(f"store {store.store_id!r} has no blob {path}: what named it is no longer kept")
        return EncodedValue(text_of(data), value.encoding)

    def _taken_out(self, value: EncodedValue, workflow_id: WorkflowId, hold: Hold) -> EncodedValue:
        if not self.is_large(value):
            return value
        if value.data is None:
            raise InvalidRequest(
                f"found a value that is only the name of a blob in store {value.external_store_id!r}, expected its "
                "data: load it first (encodedobject/load)",
                workflow_id=workflow_id,
            )
        plain = EncodedValue(value.data, value.encoding)  # iWF's clients may send back the name that came with it
        if not self.is_large(plain):
            return plain
        if len(value.data) > VALUE_CHARACTERS_MAX:
            raise InvalidRequest(
                f"a value has {len(value.data):,} characters, expected at most {VALUE_CHARACTERS_MAX:,}. {SMALLER_VALUE}",
                workflow_id=workflow_id,
            )
        return self._put(plain, workflow_id, hold)

    def _put(self, value: EncodedValue, workflow_id: WorkflowId, hold: Hold) -> EncodedValue:
        assert value.data is not None
        data = data_of(value.data)
        path = folder_of(self._owner, workflow_id) + content_hash(data)
        hold.take(path)
        store = self._blobs.store
        # Also if it is there already: it is young again then, and no cleaning in another process or
        # after a restart takes it for an orphan before its name is written.
        store.put(path, data)
        self._cache.keep(path, value.data)
        return EncodedValue(None, value.encoding, store.store_id, path)

    def _brought_back(self, value: EncodedValue) -> EncodedValue:
        path = check_path(value.external_path or "")
        text = self._cache.get(path)
        if text is None:
            text = self._read(value.external_store_id or "", path)
            self._cache.keep(path, text)
        return EncodedValue(text, value.encoding)

    def _read(self, store_id: str, path: str) -> str:
        data = self._stores[store_id].get(path)
        if data is None:
            raise UnavailableError(
                f"store {store_id!r}, {self._stores[store_id]!r}, has no blob {path}, which a run names: somebody has "
                "removed it, or this is another store. Restore it from a copy of the store"
            )
        if not is_intact(path, data):
            raise UnavailableError(
                f"blob {path} of store {store_id!r} is not what was put there, its content has changed. "
                "Restore it from a copy of the store"
            )
        return text_of(data)

    # Cleaning

    def clean(self, *, before_ms: int) -> int:
        """Remove what no run names and was put before a moment by the stores' clocks; return how many that were.

        Raises:
            UnavailableError: a store or the database cannot be reached. What is left goes the next time.
        """
        with self.watching() as held:
            return self._clear(f"{self._owner}/", held, before_ms=before_ms)

    def watching(self) -> AbstractContextManager[set[str]]:
        """Notice all that is held until the end of the block; for ``clear_workflow``."""
        return self._holds.recording()

    def names_of(self, workflow_id: WorkflowId) -> set[str]:
        """Return what the runs of one workflow name, wherever it is: in a restored copy, also as the original did."""
        return self._names.named_by(workflow_id)

    def clear_workflow(self, workflow_id: WorkflowId, held: set[str], *, more: Iterable[str] = ()) -> int:
        """Remove what was kept for one workflow, and *more* that it named, unless it still does.

        Args:
            held: since before its runs stopped to name it; none of this is removed.

        Raises:
            UnavailableError: a store or the database cannot be reached.
        """
        return self._clear(folder_of(self._owner, workflow_id), held, more=more)

    def _clear(self, prefix: str, held: set[str], *, before_ms: int | None = None, more: Iterable[str] = ()) -> int:
        """Remove what is neither named nor held, in this order: what is no longer held is named, or never will be."""
        found = {
            store.store_id: {
                *more,
                *(blob.path for blob in store.list(prefix) if before_ms is None or blob.put_ms < before_ms),
            }
            for store in self._stores.values()
        }
        named = self._names.named({path for paths in found.values() for path in paths})
        return sum(
            self._remove(self._stores[store_id], path, held)
            for store_id, paths in found.items()
            for path in sorted(paths - named)
        )

    def _remove(self, store: BlobStore, path: str, held: set[str]) -> bool:
        with self._holds.removing(path, held) as free:
            if free:
                store.delete(path)
                self._cache.forget(path)
        return free
