"""A place for large values outside the database, and what tells which of them are still wanted.

These docstrings are the contract; one conformance suite holds every store to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from perdure.model.ids import WorkflowId
from perdure.model.value import EncodedValue


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob as a listing shows it."""

    path: str
    put_ms: int
    """When it was last put, by the store's clock: milliseconds since the Unix epoch."""


class BlobStore(Protocol):
    """Keeps bytes under paths. Every method blocks, and may be called from any threads at once.

    A path is a few words of ``a``–``z``, ``0``–``9``, ``.``, ``_``, ``$`` and ``-``, with ``/`` between
    them. What is put under one path is always the same: it may be written again or not.
    Every method may raise ``UnavailableError``, whose message names the store and never a key.
    """

    @property
    def store_id(self) -> str:
        """The name that values carry which are kept here. It stands in journals: it may never change."""
        ...

    def open(self) -> None:
        """Make sure that it can be used. Called once, before all else.

        Raises:
            InvalidRequest: it is not there, or may not be used; the message says what to do.
        """
        ...

    def put(self, path: str, data: bytes) -> None:
        """Keep *data*: durable once this returns, and then wholly there, now and after any crash.

        Putting again is no error, and makes the blob as young as a new one. If it raises, the blob may
        be there all the same.
        """
        ...

    def get(self, path: str) -> bytes | None:
        """Return what was put; ``None``: there is no such blob."""
        ...

    def delete(self, path: str) -> None:
        """Remove a blob for good; no error if there is none."""
        ...

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        """Give all blobs whose paths begin with *prefix*, which is empty or ends in ``/``, in any order.

        What is put or deleted meanwhile may be among them or not.
        """
        ...

    def close(self) -> None:
        """Release everything. Nothing is asked of it afterwards."""
        ...


class BlobNames(Protocol):
    """Tells which blobs the journals name. Reads what is durable, and blocks."""

    def named(self, paths: Iterable[str]) -> set[str]:
        """Return those of *paths* that a run names which is still kept."""
        ...

    def named_by(self, workflow_id: WorkflowId) -> set[str]:
        """Return all paths that runs of one workflow id name."""
        ...


class Loader(Protocol):
    """Knows a store in which values may be kept, for iWF's ``encodedobject/load``."""

    async def load_value(self, value: EncodedValue) -> EncodedValue:
        """Return a value with its data in it, which may be there already.

        Raises:
            InvalidRequest: it names a store that is not known here, or a blob that is not there.
            UnavailableError: the store cannot be reached.
        """
        ...


def loader_of(backend: object) -> Loader | None:
    """Return a backend as the loader that it is too; ``None`` if it is none."""
    return cast("Loader", backend) if callable(getattr(backend, "load_value", None)) else None
