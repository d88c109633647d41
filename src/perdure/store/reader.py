"""Rows out of the file: each question one statement that gives one row (see ``statements``)."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import apsw

from perdure.interpreter.codec import EncodedEvent
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.ids import RunId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.store.attribute_types import AttributeTypes, TypeRow
from perdure.store.bodies import BodyRow, BodyTexts
from perdure.store.connection import open_reader
from perdure.store.faults import FileGuard
from perdure.store.migrations import check_kind, check_version
from perdure.store.payload import ExternalName, external_names_in, hashes_in, unpack
from perdure.store.rows import CallRow, CompletionRow, EventRow, RunKey, RunRow, StoredRun
from perdure.store.search_card import read_card
from perdure.store.search_values import IndexTerm
from perdure.store.statements import SQL, in_one_row

WORKFLOW_TYPE_ATTRIBUTE = "IwfWorkflowType"
"""The system's own search attribute that every run has; it stands in the run's row."""

Line = list[Any]
_Row = TypeVar("_Row", EventRow, CallRow)
_WHAT_A_RUN_IS = ("load_runs", "load_events", "load_calls")
_FIRST_DEADLINE = (-(2**63), RunKey(0))


class Reader:
    """A connection that reads. May be used by any thread; a second one waits."""

    def __init__(self, connection: apsw.Connection, guard: FileGuard) -> None:
        self._connection = connection
        self._guard = guard
        self._lock = threading.RLock()
        self._bodies = BodyTexts(self.bodies_after)

    @classmethod
    def open(cls, path: Path | str, *, vfs: str | None = None) -> Self:
        """Read a file beside its owner, in whatever process that is.

        Raises:
            UnavailableError: there is no such file, or it cannot be read, or is of another program or release.
        """
        guard = FileGuard(str(path))
        with guard.reading():
            connection = open_reader(guard.file, vfs=vfs)
            try:
                check_kind(connection, guard.file)
                check_version(connection, guard.file)
            except BaseException:
                connection.close()
                raise
            return cls(connection, guard)

    def fetch(
        self, statements: Sequence[str], parameters: Mapping[str, object] | Sequence[object] = ()
    ) -> list[list[Any]]:
        """Run statements as one, and give the lines of each."""
        with self._lock, self._guard.reading():
            # To the end: a statement that is not would keep old pages from being overwritten.
            [row] = self._connection.execute(in_one_row(*statements), parameters).fetchall()
        return [json.loads(f"[{lines}]") if lines is not None else [] for lines in row]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def last_key(self) -> RunKey:
        [[key]] = self.fetch([SQL["find_last_key"]])
        return RunKey(key)

    def current_runs(self, workflow_ids: Sequence[WorkflowId]) -> dict[WorkflowId, RunRow]:
        [lines] = self.fetch([SQL["find_current_runs"]], {"workflow_ids": json.dumps(workflow_ids)})
        return {row.workflow_id: row for row in map(_run_of, lines)}

    def runs(self, run_ids: Sequence[RunId]) -> dict[RunId, RunRow]:
        [lines] = self.fetch([SQL["find_runs"]], {"run_ids": json.dumps(run_ids)})
        return {row.run_id: row for row in map(_run_of, lines)}

    def runs_of(self, workflow_id: WorkflowId) -> tuple[RunRow, ...]:
        [lines] = self.fetch([SQL["list_runs_of_workflow"]], {"workflow_id": workflow_id})
        return tuple(map(_run_of, lines))

    def load(self, keys: Sequence[RunKey]) -> dict[RunKey, StoredRun]:
        """What it takes to fold these runs. What of them cannot be read has a ``fault`` and harms no other."""
        statements = [SQL[name] for name in _WHAT_A_RUN_IS]
        (runs, events, calls), large = self._with_large_values(statements, {"keys": json.dumps(keys)}, events=1)
        return self._stored(runs, events, calls, large)

    def load_with_cards(
        self, keys: Sequence[RunKey], types: AttributeTypes
    ) -> tuple[dict[RunKey, StoredRun], dict[RunKey, dict[str, SearchAttribute]]]:
        """What ``load`` gives, and each run's own search attributes as the index had them at that very moment."""
        statements = [SQL[name] for name in (*_WHAT_A_RUN_IS, "load_cards")]
        parts, large = self._with_large_values(statements, {"keys": json.dumps(keys)}, events=1)
        runs, events, calls, cards = parts
        return self._stored(runs, events, calls, large), {
            RunKey(run): read_card(card, types.by_number) for run, card in cards
        }

    def _stored(
        self, runs: list[Line], events: list[Line], calls: list[Line], large: Mapping[str, str]
    ) -> dict[RunKey, StoredRun]:
        events_of = _by_run(self._events_of(sorted(events, key=_seq_of), large))
        calls_of = _by_run(map(_call_of, calls))
        return {
            row.key: StoredRun(row, tuple(events_of[row.key]), tuple(calls_of[row.key])) for row in map(_run_of, runs)
        }

    def journal(self, key: RunKey, *, after: int = 0, limit: int | None = None) -> tuple[EventRow, ...]:
        parameters = {"run": key, "after": after, "limit": -1 if limit is None else limit}
        [lines], large = self._with_large_values([SQL["list_events"]], parameters, events=0)
        return tuple(self._events_of(lines, large))

    def bodies_after(self, number: int) -> list[BodyRow]:
        """Bodies that many events share, without the first so many."""
        [lines] = self.fetch([SQL["load_bodies"]], {"after": number})
        return [(number, body) for number, body in lines]

    def busy_runs(self) -> tuple[RunKey, ...]:
        [keys] = self.fetch([SQL["list_busy_runs"]])
        return tuple(keys)

    def open_runs(self, *, after: RunKey, limit: int) -> tuple[RunKey, ...]:
        """Open runs in the order they were started, from the one after *after* on."""
        [keys] = self.fetch([SQL["list_open_runs"]], {"after": after, "limit": limit})
        return tuple(keys)

    def workflows(self, *, after: RunKey, limit: int) -> tuple[tuple[RunKey, WorkflowId], ...]:
        """All runs in the order they were started, from the one after *after* on, and whose they are."""
        [lines] = self.fetch([SQL["list_runs_after"]], {"after": after, "limit": limit})
        return tuple((RunKey(key), WorkflowId(workflow_id)) for key, workflow_id in lines)

    def external_paths(self, runs: Mapping[RunKey, WorkflowId]) -> set[str]:
        """Where values of these runs are that are kept outside the file, whatever the store."""
        return {path for _, path in self.external_names(runs)}

    def external_names(self, runs: Mapping[RunKey, WorkflowId]) -> set[ExternalName]:
        """What these runs name outside the file, by their events and results."""
        parameters = {"keys": json.dumps([*runs]), "workflow_ids": json.dumps(sorted(set(runs.values())))}
        [lines] = self.fetch([SQL["list_external_values"]], parameters)
        return {name for line in lines for name in external_names_in(line)}

    def blob_stores(self) -> tuple[str, ...]:
        """The stores outside the file that values may be in, by what was said last."""
        return tuple(json.loads(self.meta().get("blob_stores", "[]")))

    def named_blob_stores(self, store_ids: Sequence[str]) -> tuple[str, ...]:
        """Those of these stores that values are in. Goes through all events if there is one that has none."""
        [found] = self.fetch([SQL["list_named_blob_stores"]], {"store_ids": json.dumps(store_ids)})
        return tuple(found)

    def count_open_runs(self) -> int:
        [[count]] = self.fetch([SQL["count_open_runs"]])
        return int(count)

    def missing_terms(self, terms: Sequence[tuple[int, IndexTerm, RunKey]]) -> tuple[tuple[RunKey, int], ...]:
        """Say which of these (attribute, term, run) the index lacks, as (run, attribute)."""
        [lines] = self.fetch([SQL["list_missing_terms"]], {"terms": json.dumps(terms)})
        return tuple((RunKey(run), attribute) for run, attribute, _ in lines)

    def due_runs(
        self, before_ms: int, *, after: tuple[int, RunKey] | None = None, limit: int = 1000
    ) -> tuple[tuple[int, RunKey], ...]:
        after_ms, after_key = after or _FIRST_DEADLINE
        parameters = {"before_ms": before_ms, "after_ms": after_ms, "after_key": after_key, "limit": limit}
        [lines] = self.fetch([SQL["list_due_runs"]], parameters)
        return tuple((deadline_ms, RunKey(key)) for deadline_ms, key in lines)

    def closed_before(self, moment_ms: int, *, limit: int = 1000) -> tuple[RunKey, ...]:
        [keys] = self.fetch([SQL["list_runs_closed_before"]], {"moment_ms": moment_ms, "limit": limit})
        return tuple(keys)

    def completion(self, workflow_id: WorkflowId, first_run_id: RunId, key: str) -> CompletionRow | None:
        parameters = {"workflow_id": workflow_id, "first_run_id": first_run_id, "key": key}
        [lines] = self.fetch([SQL["find_completion"]], parameters)
        if not lines:
            return None
        [[payload]] = lines
        return CompletionRow(workflow_id, first_run_id, key, None if payload is None else unpack(payload, {})[0])

    def index_of(self, key: RunKey, types: AttributeTypes) -> dict[str, SearchAttribute]:
        [lines] = self.fetch([SQL["read_card"]], {"run": key})
        if not lines:
            return {}
        [[workflow_type, card]] = lines
        attributes = read_card(json.loads(card), types.by_number) if card is not None else {}
        own = SearchAttribute(WORKFLOW_TYPE_ATTRIBUTE, SearchAttributeType.KEYWORD, workflow_type)
        return dict(sorted((attributes | {WORKFLOW_TYPE_ATTRIBUTE: own}).items()))

    def meta(self) -> dict[str, str]:
        [lines] = self.fetch([SQL["read_meta"]])
        return dict(lines)

    def attribute_types(self) -> list[TypeRow]:
        [lines] = self.fetch([SQL["list_attribute_types"]])
        return [(number, key, SearchAttributeType(kind)) for number, key, kind in lines]

    def _events_of(self, lines: Sequence[Line], large: Mapping[str, str]) -> Iterator[EventRow]:
        self._bodies.learn(line[-2] for line in lines)
        long = self._bodies.long
        for run, seq, at_ms, kind, version, actor, reason, trace, body, payload in lines:
            try:
                event = EncodedEvent(kind, version, long(body), unpack(payload, large))
            except Exception as error:  # noqa: BLE001 - one journal's trouble must not become everybody's
                fault = f"event {seq} of run {run} cannot be read from {self._guard.file}"
                event = EncodedEvent(kind, version, "", fault=f"{fault} ({type(error).__name__}: {error})")
            yield EventRow(run, seq, at_ms, event, actor, reason, trace)

    def _with_large_values(
        self, statements: Sequence[str], parameters: Mapping[str, object], *, events: int
    ) -> tuple[list[list[Any]], Mapping[str, str]]:
        """What ``fetch`` gives, and the large values of the events that one of the statements gives."""
        with self._lock:
            parts = self.fetch(statements, parameters)
            wanted, large = self._large_values(parts[events])
            if len(large) < len(wanted):
                # A run was removed between the two, or they are lost: at one moment only the latter.
                with self._at_one_moment():
                    parts = self.fetch(statements, parameters)
                    _, large = self._large_values(parts[events])
            return parts, large

    def _large_values(self, events: Iterable[Line]) -> tuple[set[str], Mapping[str, str]]:
        hashes = {digest for line in events for digest in hashes_in(line[-1])}
        if not hashes:
            return hashes, {}
        [lines] = self.fetch([SQL["load_values"]], {"hashes": json.dumps(sorted(hashes))})
        return hashes, dict(lines)

    @contextmanager
    def _at_one_moment(self) -> Iterator[None]:
        with self._guard.reading():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def _seq_of(line: Line) -> int:
    return int(line[1])


def _by_run(rows: Iterable[_Row]) -> defaultdict[RunKey, list[_Row]]:
    found: defaultdict[RunKey, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.run].append(row)
    return found


def _run_of(line: Line) -> RunRow:
    key, workflow_id, run_id, workflow_type, first, started_ms, request_id, status, closed_ms, *rest = line
    events, deadline_ms, busy, quarantine = rest
    return RunRow(
        key,
        workflow_id,
        run_id,
        workflow_type,
        first,
        started_ms,
        request_id,
        RunStatus(status),
        closed_ms,
        events,
        deadline_ms,
        bool(busy),
        quarantine,
    )


def _call_of(line: Line) -> CallRow:
    run, call_id, attempts, first_ms, next_ms, errors, crashes = line
    return CallRow(run, call_id, attempts, first_ms, next_ms, tuple(json.loads(errors)), crashes)
