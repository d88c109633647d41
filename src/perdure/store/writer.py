"""One batch, one step of SQLite, one transaction.

Whoever steps SQLite gives up the interpreter's lock, and gets it back from a thread that computes
only after 5 ms. So a batch is one statement, whatever is in it: an INSERT into a view of this
connection, whose trigger holds a statement for each table and reads its rows from a JSON text.
Measured on 2 cores with 100 events to a batch, alone and beside a thread that computes: 57,000 and
14,000 rows/s, where ``executemany`` makes 96,000 and 210.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from perdure.interpreter.erasure import QUOTING_KINDS
from perdure.model.attributes import SearchAttribute
from perdure.model.value import ERASED
from perdure.store.attribute_types import AttributeTypes, TypeRow
from perdure.store.bodies import SharedBodies
from perdure.store.connection import BUSY_MS
from perdure.store.faults import FileGuard
from perdure.store.payload import Payload, pack
from perdure.store.rows import Batch, CallRow, CompletionRow, EventRow, RunKey, RunRow
from perdure.store.search_card import Entry, entry_of
from perdure.store.search_values import IndexTerm, normalise
from perdure.store.statements import SQL


@dataclass(frozen=True, slots=True)
class _Group:
    """Statements that run if there is something in the first column."""

    view: str
    columns: tuple[str, ...]
    """What the statements take their rows from as ``new.…``, each a JSON text or NULL."""
    statements: tuple[str, ...]


_NOT_KEPT = (
    "remove_terms",
    "remove_cards",
    "remove_values",
    "remove_value_uses",
    "remove_calls",
)
"""What takes away all of the removed runs but their rows, events and completions."""

_STATEMENTS = {
    **SQL,
    # The same of runs that are emptied: only the column is another.
    **{f"{name} of emptied": SQL[name].replace("new.removed_runs", "new.emptied") for name in _NOT_KEPT},
}

_ALWAYS = _Group(
    "batch",
    ("open_runs", "closed_runs", "events", "calls", "ended_calls"),
    ("write_open_runs", "write_closed_runs", "append_events", "write_calls", "remove_ended_calls"),
)
# In their order: what is removed goes last, and what tells what else to remove goes last of all.
_SOMETIMES = (
    _Group("bodies", ("bodies",), ("write_bodies",)),
    _Group("large_values", ("large_values", "value_uses"), ("keep_values", "keep_value_uses")),
    _Group("completions", ("completions",), ("write_completions",)),
    _Group(
        "cards",
        ("cards", "terms", "attribute_types"),
        ("write_attribute_types", "remove_changed_terms", "write_terms", "write_cards"),
    ),
    _Group("trimmed", ("trimmed",), ("trim_events", "trim_values", "trim_value_uses")),
    _Group(
        "emptied_runs",
        ("emptied", "rewritten", "emptied_workflows"),
        (*(f"{name} of emptied" for name in _NOT_KEPT), "rewrite_events", "empty_completions"),
    ),
    _Group(
        "removed_runs",
        ("removed_runs",),
        (
            "remember_highest_key",
            *_NOT_KEPT,
            "remove_events",
            "remove_completions",
            "remove_runs",
        ),
    ),
)
_COLUMNS = tuple(column for group in (_ALWAYS, *_SOMETIMES) for column in group.columns)
_INSERT = f"INSERT INTO batch VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608


def _prepare(connection: apsw.Connection) -> None:
    """Make the views and triggers of this connection; nothing of them is in the file."""
    passing_on = []
    for group in _SOMETIMES:
        view = f"batch_{group.view}"
        _make_view(connection, view, group.columns, [_STATEMENTS[name] for name in group.statements])
        values = ", ".join(f"new.{column}" for column in group.columns)
        passing_on.append(f"INSERT INTO {view} SELECT {values} WHERE new.{group.columns[0]} IS NOT NULL")
    _make_view(connection, _ALWAYS.view, _COLUMNS, [SQL[name] for name in _ALWAYS.statements] + passing_on)


def _make_view(connection: apsw.Connection, name: str, columns: Sequence[str], statements: Sequence[str]) -> None:
    connection.execute(f"CREATE TEMP VIEW {name} AS SELECT {', '.join(f'NULL AS {column}' for column in columns)}")
    body = "".join(f"{statement.strip()};\n" for statement in statements)
    connection.execute(f"CREATE TEMP TRIGGER write_{name} INSTEAD OF INSERT ON {name} BEGIN\n{body}END")


_ERASED_PAYLOAD = pack((ERASED,)).text

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False).encode


class Writer:
    """Owns the connection that writes. Belongs to one thread."""

    def __init__(
        self, connection: apsw.Connection, types: AttributeTypes, bodies: SharedBodies, guard: FileGuard
    ) -> None:
        self._connection = connection
        self._types = types
        self._bodies = bodies
        self._guard = guard
        self._checkpointed = 0
        self._forgetting = True
        """What was erased may still stand in the log: also what another life of this file has erased."""
        _prepare(connection)

    def write(self, batch: Batch) -> None:
        try:
            columns, new_types = _columns_of(batch, self._types, self._bodies)
            self.run(_INSERT, [_to_json(columns[name]) if columns.get(name) else None for name in _COLUMNS])
        except BaseException:
            self._bodies.forget()
            raise
        self._bodies.written()
        self._types.add(new_types)
        self._forgetting = self._forgetting or bool(batch.emptied)

    def forget(self) -> bool:
        if self._forgetting:
            with self._guard.writing():
                self._forgetting = not self._truncate()
        return not self._forgetting

    def _truncate(self) -> bool:
        """Carry the whole log over and make it empty, unless somebody reads what only the log remembers."""
        self._connection.set_busy_timeout(0)  # a backup reads for minutes, and all writing would wait for it
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return False
        finally:
            self._connection.set_busy_timeout(BUSY_MS)
        return True

    def run(self, statement: str, parameters: Sequence[str | None] = ()) -> None:
        """Run one statement as a transaction of its own.

        Raises:
            UnavailableError: it was not done. After a failed fsync, or in a damaged file, nothing is done any more.
        """
        with self._guard.writing():
            self._connection.execute(statement, parameters).fetchall()

    def checkpoint(self, *, pages: int) -> bool:
        written = self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE)[0]
        if written - self._checkpointed < pages:
            return False
        with self._guard.writing():
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._checkpointed = written
        return True

    def give_back(self, *, pages: int) -> None:
        self.run(f"PRAGMA incremental_vacuum({pages})")

    def close(self) -> None:
        if self._guard.is_closed:
            # A checkpoint would copy pages of a log that may not be on the disk.
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._connection.close()


def _columns_of(
    batch: Batch, types: AttributeTypes, bodies: SharedBodies
) -> tuple[dict[str, list[Any]], list[TypeRow]]:
    columns: dict[str, list[Any]] = {
        "open_runs": [_run_line(row) for row in batch.runs if not row.status.closed],
        "closed_runs": [_run_line(row) for row in batch.runs if row.status.closed],
        "calls": [_call_line(row) for row in batch.calls],
        "ended_calls": list(batch.ended_calls),
        "completions": [_completion_line(row) for row in batch.completions],
        "trimmed": [(row.run, row.seq_max, row.before_ms) for row in batch.trimmed],
        "removed_runs": list(batch.removed),
        "emptied": list(batch.emptied),
        "rewritten": [_rewritten_line(row) for row in batch.rewritten],
        "emptied_workflows": [(workflow_id, _ERASED_PAYLOAD) for workflow_id in batch.emptied_workflows],
    }
    large: dict[str, str] = {}
    uses: dict[tuple[RunKey, str], None] = {}

    def text_of(run: RunKey, payload: Payload) -> str:
        for digest, data in payload.large:
            large[digest] = data
            uses[run, digest] = None
        return payload.text

    columns["events"] = [
        _event_line(row, _body_of(row, bodies), text_of(row.run, pack(row.event.values))) for row in batch.events
    ]
    columns["bodies"] = list(bodies.added)
    columns["large_values"] = list(large.items())
    columns["value_uses"] = list(uses)
    new_types = _add_index(columns, batch, types)
    return columns, new_types


def _body_of(row: EventRow, bodies: SharedBodies) -> str:
    # Shared bodies are never removed: one that quotes an error could not be erased with its run.
    return row.event.body if row.event.kind in QUOTING_KINDS else bodies.short(row.event.body)


def _add_index(columns: dict[str, list[Any]], batch: Batch, types: AttributeTypes) -> list[TypeRow]:
    if not batch.index:
        return []
    # A time ago counts from the event that states it.
    moments: dict[RunKey, int] = {row.key: row.started_ms for row in batch.runs}
    moments.update((row.run, row.at_ms) for row in batch.events)
    written = {
        run: [normalise(attribute, now_ms=moments.get(run, 0)) for attribute in attributes]
        for run, attributes in batch.index.items()
    }
    numbers, new_types = types.numbers_of(a for attributes in written.values() for a in attributes)
    cards = {run: _card_of(attributes, numbers) for run, attributes in written.items()}
    columns["attribute_types"] = list(new_types)
    columns["cards"] = [[run, {number: entry for number, (entry, _) in card.items()}] for run, card in cards.items()]
    columns["terms"] = [
        (number, term, run) for run, card in cards.items() for number, (_, terms) in card.items() for term in terms
    ]
    return new_types


def _card_of(
    attributes: list[SearchAttribute], numbers: Mapping[str, int]
) -> dict[int, tuple[Entry, tuple[IndexTerm, ...]]]:
    return {numbers[attribute.key]: entry_of(attribute) for attribute in attributes}


def _run_line(row: RunRow) -> tuple[Any, ...]:
    return (
        row.key,
        row.workflow_id,
        row.run_id,
        row.workflow_type,
        None if row.first_run_id == row.run_id else row.first_run_id,
        row.request_id,
        row.status,
        row.started_ms,
        row.closed_ms,
        row.events,
        row.deadline_ms,
        int(row.busy),
        row.quarantine,
    )


def _event_line(row: EventRow, body: str, payload: str) -> tuple[Any, ...]:
    event = row.event
    return (
        row.run,
        row.seq,
        row.at_ms,
        event.kind,
        event.version,
        row.actor,
        row.reason,
        row.trace,
        body,
        payload,
    )


def _rewritten_line(row: EventRow) -> tuple[Any, ...]:
    event = row.event
    return (row.run, row.seq, event.version, event.body, pack(event.values, apart=False).text, row.reason, row.trace)


def _call_line(row: CallRow) -> tuple[Any, ...]:
    errors = json.dumps(row.errors)  # not as it is: an author's error may hold half a surrogate pair
    return (row.run, row.call_id, row.attempts, row.first_ms, row.next_ms, errors, row.crashes)


def _completion_line(row: CompletionRow) -> tuple[Any, ...]:
    payload = None
    if row.output is not None:
        payload = pack((row.output,), apart=False).text
    return (row.workflow_id, row.first_run_id, row.key, payload)
