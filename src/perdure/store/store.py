"""The file: one writer, short readers. The engine's only way to the disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.ids import RunId, WorkflowId
from perdure.model.outcome import SearchPage
from perdure.store.attribute_types import AttributeTypes
from perdure.store.backup import write_backup
from perdure.store.bodies import SharedBodies
from perdure.store.check import find_problems
from perdure.store.connection import open_reader, open_writer
from perdure.store.faults import FileGuard
from perdure.store.reader import Reader
from perdure.store.rows import Batch, CompletionRow, EventRow, RunKey, RunRow, StoredRun
from perdure.store.search import search
from perdure.store.statements import SQL
from perdure.store.writer import Writer


class Store:
    """One open file. ``write`` belongs to one thread; every reading method may be called from any
    one other thread at a time and reads on a connection of its own.
    """

    def __init__(
        self, path: Path, *, writer: Writer, reader: Reader, searcher: Reader, types: AttributeTypes, vfs: str | None
    ) -> None:
        self._path = path
        self._vfs = vfs
        self._writer = writer
        self._reader = reader
        # A search may take long, and nobody's loading waits for it.
        self._searcher = searcher
        self._types = types

    @classmethod
    def open(cls, path: Path | str, *, synchronous: str = "FULL", vfs: str | None = None) -> Self:
        """Open or make a file, bring an older one up to date, refuse a newer one.

        Raises:
            UnavailableError: not ours, newer than this version (both are named), corrupt, or not writable.
        """
        guard = FileGuard(str(path))
        with guard.reading(), ExitStack() as opened:
            connection = open_writer(guard.file, synchronous=synchronous, vfs=vfs)
            opened.callback(connection.close)
            reader = Reader(open_reader(guard.file, vfs=vfs), guard)
            opened.callback(reader.close)
            searcher = Reader(open_reader(guard.file, vfs=vfs), guard)
            opened.callback(searcher.close)
            types = AttributeTypes(reader.attribute_types())
            writer = Writer(connection, types, SharedBodies(reader.bodies_after(0)), guard)
            opened.pop_all()
        return cls(Path(path), writer=writer, reader=reader, searcher=searcher, types=types, vfs=vfs)

    def write(self, batch: Batch) -> None:
        """Write all of *batch* and make it durable, or none of it.

        Raises:
            UnavailableError: nothing was written; the disk is full or the file cannot be used.
                After a failed fsync the file is closed for good.
        """
        self._writer.write(batch)

    def last_key(self) -> RunKey:
        """The highest key ever used; 0 in a new file."""
        return self._reader.last_key()

    def current_runs(self, workflow_ids: Sequence[WorkflowId]) -> dict[WorkflowId, RunRow]:
        """The newest run of each workflow, in one statement; unknown ids are left out."""
        return self._reader.current_runs(workflow_ids)

    def runs(self, run_ids: Sequence[RunId]) -> dict[RunId, RunRow]:
        return self._reader.runs(run_ids)

    def runs_of(self, workflow_id: WorkflowId) -> tuple[RunRow, ...]:
        """All runs of one workflow, oldest first."""
        return self._reader.runs_of(workflow_id)

    def load(self, keys: Sequence[RunKey]) -> dict[RunKey, StoredRun]:
        """What it takes to handle these runs, in a fixed number of statements."""
        return self._reader.load(keys)

    def journal(self, key: RunKey, *, after: int = 0, limit: int | None = None) -> tuple[EventRow, ...]:
        """A run's events in their order, from the one after *after* on."""
        return self._reader.journal(key, after=after, limit=limit)

    def busy_runs(self) -> tuple[RunKey, ...]:
        """Open runs with work in progress, for a boot; quarantined ones are left out."""
        return self._reader.busy_runs()

    def due_runs(
        self, before_ms: int, *, after: tuple[int, RunKey] | None = None, limit: int = 1000
    ) -> tuple[tuple[int, RunKey], ...]:
        """(deadline, run) of open runs that are due before a moment, earliest first, paged by *after*.

        Quarantined ones are left out.
        """
        return self._reader.due_runs(before_ms, after=after, limit=limit)

    def completion(self, workflow_id: WorkflowId, first_run_id: RunId, key: str) -> CompletionRow | None:
        return self._reader.completion(workflow_id, first_run_id, key)

    def index_of(self, key: RunKey) -> dict[str, SearchAttribute]:
        """A run's search attributes as the index has them: dates in UTC (RFC 3339, shortest fraction).

        Sorted by key, the system's own among them. Lists without an item are left out.
        """
        return self._reader.index_of(key, self._types)

    def attribute_types(self) -> Mapping[str, SearchAttributeType]:
        """Each search attribute's type in this file, which its first use decides. Kept in memory."""
        return self._types.by_key

    def register_search_attributes(self, types: Mapping[str, SearchAttributeType]) -> None:
        """Let no other search attributes be written than these, with these types, until the file is closed.

        Raises:
            InvalidRequest: the file has one of them with another type.
        """
        self._types.register(types)

    def check_search_attributes(self, attributes: Iterable[SearchAttribute]) -> str | None:
        """Say why these cannot be indexed (no type, a value that does not fit, another type than
        the file's); ``None`` if they can. Counts as the first use once a batch with them is written,
        and until the file is closed: later ones must agree, for both may come into one batch.
        """
        return self._types.check(attributes)

    def search(self, query: str, *, page_size: int, page_token: str) -> SearchPage:
        """See ``Backend.search``.

        Raises:
            InvalidRequest: the query or the token cannot be read.
        """
        return search(self._searcher, query, self._types.by_key, page_size=page_size, page_token=page_token)

    def closed_before(self, moment_ms: int, *, limit: int = 1000) -> tuple[RunKey, ...]:
        """Runs that ended before a moment, for retention."""
        return self._reader.closed_before(moment_ms, limit=limit)

    def file_id(self) -> str:
        """What no other file has, backups of this one included."""
        return self._reader.meta()["file_id"]

    def rules(self) -> int:
        """The newest rules that runs of this file may be under; 0: nobody has said."""
        return int(self._reader.meta().get("rules", 0))

    def keep_rules(self, version: int) -> None:
        """Say it. Belongs to the thread that writes."""
        self._writer.run(SQL["keep_rules"], [str(version)])

    def blob_stores(self) -> tuple[str, ...]:
        """The stores outside the file that values may be in, by what was said last."""
        return self._reader.blob_stores()

    def keep_blob_stores(self, store_ids: Sequence[str]) -> None:
        """Say it. Belongs to the thread that writes."""
        self._writer.run(SQL["keep_blob_stores"], [json.dumps(store_ids)])

    def named_blob_stores(self, store_ids: Sequence[str]) -> tuple[str, ...]:
        """Those of these stores that values are in. Goes through all events if there is one that has none."""
        return self._reader.named_blob_stores(store_ids)

    def paused(self) -> bool:
        """Whether this is a copy that nobody has said may work yet: the original may be at work."""
        return "paused" in self._reader.meta()

    def resume(self) -> None:
        """Let a copy work. Belongs to the thread that writes."""
        self._writer.run(SQL["resume"])

    def checkpoint(self, *, pages: int = 4_000) -> bool:
        """Carry the write-ahead log over to the file, if it took *pages* or more since the last time.

        Nothing is safer afterwards, but the log grows no further and reads stay fast. Belongs to the
        thread that writes, between batches: no commit does it, for it takes an fsync or two.

        Returns:
            whether there was enough to do it.
        """
        return self._writer.checkpoint(pages=pages)

    def forget(self) -> bool:
        """Let nothing of what a batch has emptied stand in the log or in free pages any more.

        Belongs to the thread that writes. To be asked again, after later batches, while it says no:
        somebody reads a state of the file that is older than that batch.

        Returns:
            whether nothing is left to forget.
        """
        return self._writer.forget()

    def give_back(self, *, pages: int = 64) -> None:
        """Return up to so many unused pages of the file to the system, after runs were removed.

        Belongs to the thread that writes. Takes the longer the more pages; they would be used again anyway.
        """
        self._writer.give_back(pages=pages)

    def backup(self, path: Path | str) -> None:
        """Write a consistent, durable copy with a file id of its own, paused. Any thread, beside all else.

        Raises:
            UnavailableError: there is a file of that name already, or it cannot be written.
        """
        write_backup(self._path, Path(path), vfs=self._vfs)

    def check(self) -> tuple[str, ...]:
        """Read the whole file and say what is wrong with it, at most a few hundred lines. Any thread."""
        return find_problems(self._path, vfs=self._vfs)

    def open_beside(self) -> Reader:
        """Open one more connection that reads, for whoever takes his time; he closes it."""
        return Reader.open(self._path, vfs=self._vfs)

    def close(self) -> None:
        """Release the file. Everything written is safe already."""
        self._reader.close()
        self._searcher.close()
        self._writer.close()
