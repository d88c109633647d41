"""Whether every large value is where a file's journals say it is, and what is in its stores that they do not name.

It only reads, and may do so beside the file's owner. Memory grows with the number of blobs, by their paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from perdure.blobs.settings import Blobs
from perdure.engine.blob_names import PAGE, RUNS_TOGETHER
from perdure.engine.doctor import Finding
from perdure.model.ids import WorkflowId
from perdure.store.payload import ExternalName
from perdure.store.reader import Reader
from perdure.store.rows import RunKey

FETCH = "restore it from a copy of the store: until then whatever needs it fails"
GIVE = "give that store too, under this id"


@dataclass(frozen=True, slots=True)
class BlobCount:
    named: int = 0
    unnamed: int = 0
    """Under this file's id, and named by none of its runs: left by runs that are gone, or about to be named."""


def noted_stores(path: Path | str) -> tuple[str, ...]:
    """Return the ids of the stores that a file may have values in."""
    reader = Reader.open(path)
    try:
        return reader.blob_stores()
    finally:
        reader.close()


def examine_blobs(
    path: Path | str, blobs: Blobs, *, tell: Callable[[BlobCount], None] = lambda count: None
) -> Iterator[Finding]:
    """Look for all that a file's journals name, and give what is not there as it is found.

    Args:
        blobs: their stores are opened, and closed at the end; a folder had better be one to read only.
        tell: hears at the end how many there are.

    Raises:
        InvalidRequest: a store is not there.
        UnavailableError: a store or the file cannot be read.
    """
    reader = Reader.open(path)
    try:
        for store in blobs.stores:
            store.open()
        look = _Look(reader, blobs)
        yield from look.findings()
        tell(look.count)
    finally:
        for store in blobs.stores:
            store.close()
        reader.close()


class _Look:
    """What was seen on one walk through a file."""

    def __init__(self, reader: Reader, blobs: Blobs) -> None:
        self._reader = reader
        self._stores = {store.store_id: store for store in blobs.stores}
        self._owner = reader.meta()["file_id"]
        self._named: set[ExternalName] = set()
        self._listed: dict[tuple[str, str], set[str]] = {}
        for store_id in self._stores:  # before the journals are read: what is put meanwhile is no orphan
            self._paths(store_id, self._owner)

    @property
    def count(self) -> BlobCount:
        own = {(store_id, path) for store_id in self._stores for path in self._paths(store_id, self._owner)}
        return BlobCount(len(self._named), len(own - self._named))

    def findings(self) -> Iterator[Finding]:
        left_out = [store_id for store_id in self._reader.blob_stores() if store_id not in self._stores]
        for store_id in self._reader.named_blob_stores(left_out) if left_out else ():
            given = " and ".join(map(repr, sorted(self._stores)))
            yield Finding(f"journals name values in the store {store_id!r}, which is not given: found {given}", GIVE)
        after = RunKey(0)
        while page := self._reader.workflows(after=after, limit=PAGE):
            after = page[-1][0]
            for start in range(0, len(page), RUNS_TOGETHER):
                yield from self._missing(dict(page[start : start + RUNS_TOGETHER]))

    def _missing(self, runs: dict[RunKey, WorkflowId]) -> Iterator[Finding]:
        for name in sorted(self._names_of(runs) - self._named):
            self._named.add(name)
            if not self._is_there(*name):
                yield from self._who_names(name, runs)

    def _names_of(self, runs: dict[RunKey, WorkflowId]) -> set[ExternalName]:
        return {name for name in self._reader.external_names(runs) if name[0] in self._stores}

    def _is_there(self, store_id: str, path: str) -> bool:
        # Asked for by itself where the list says no: it may have been put since.
        return path in self._paths(store_id, path.partition("/")[0]) or self._stores[store_id].get(path) is not None

    def _paths(self, store_id: str, owner: str) -> set[str]:
        """Return what a store has of one file; a restored copy names what its original has put there, too."""
        if (store_id, owner) not in self._listed:
            self._listed[store_id, owner] = {blob.path for blob in self._stores[store_id].list(f"{owner}/")}
        return self._listed[store_id, owner]

    def _who_names(self, name: ExternalName, runs: dict[RunKey, WorkflowId]) -> Iterator[Finding]:
        """Tell of the first run that still names it; there is none if it has gone meanwhile, with its values."""
        for key, workflow_id in runs.items():
            if name in self._names_of({key: workflow_id}):
                store_id, path = name
                yield Finding(f"workflow {workflow_id!r} names {path} in the store {store_id!r}, which lacks it", FETCH)
                return
