"""Whether a file is whole: SQLite's own check, and what our rows say about each other."""

from __future__ import annotations

from pathlib import Path

import apsw

from perdure.store.connection import open_reader
from perdure.store.faults import FileGuard
from perdure.store.reader import Reader
from perdure.store.statements import SQL


def find_problems(path: Path, *, vfs: str | None = None) -> tuple[str, ...]:
    """Read the whole file and say what is wrong with it; a damaged file is an answer, not an error."""
    guard = FileGuard(str(path))
    with guard.reading():
        # A connection of its own: this may take minutes.
        connection = open_reader(guard.file, vfs=vfs)
        try:
            return _damage(connection) or _contradictions(Reader(connection, guard))
        finally:
            connection.close()


def _damage(connection: apsw.Connection) -> tuple[str, ...]:
    try:
        lines = [str(line) for (line,) in connection.execute("PRAGMA integrity_check")]
    except apsw.CorruptError as error:
        return (str(error),)
    return () if lines == ["ok"] else tuple(lines)


def _contradictions(reader: Reader) -> tuple[str, ...]:
    names = (
        "list_broken_journals",
        "list_gaps",
        "list_missing_values",
        "list_missing_bodies",
        "list_stray_rows",
        "list_stray_terms",
    )
    # Each by itself: nothing is long under way, and what two of them say need not agree.
    journals, gaps, values, bodies, strays, terms = ([*reader.fetch([SQL[name]])[0]] for name in names)
    return (
        *(f"run {key} says it has {events} events, its journal ends at {last}" for key, events, last in journals),
        *(f"the journal of run {run} has {count} events from {first} to {last}" for run, first, last, count in gaps),
        *(f"run {run} needs value {digest}, which is missing" for run, digest in values),
        *(f"event {seq} of run {run} needs body {number}, which is missing" for run, seq, number in bodies),
        *(f"a row of the kind {kind!r} is of run {run}, which is not there" for kind, run in strays),
        *(f"a search finds run {run} by {key!r}, and its card does not say so" for run, key in terms),
    )
