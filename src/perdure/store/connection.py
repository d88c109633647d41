"""How connections to a file are opened: one that writes, others that read."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from perdure.store.migrations import MIGRATIONS, check_kind, claim, migrate
from perdure.store.statements import SQL

SYNCHRONOUS = ("FULL", "EXTRA", "NORMAL", "OFF")
BUSY_MS = 5_000  # for a reader of another program's, such as the sqlite3 shell, during a checkpoint
_LOG_BYTES = 64 * 1024 * 1024  # what a log shrinks to, once a long read no longer keeps it long
_WRITER_CACHE_KB = 32_000
_READER_CACHE_KB = 8_000


def open_writer(
    file: str, *, synchronous: str = "FULL", vfs: str | None = None, migrations: Sequence[str] = MIGRATIONS
) -> apsw.Connection:
    """Open or make a file and bring it up to date.

    Raises:
        ValueError: there is no such *synchronous*; SQLite would quietly take another.
        UnavailableError: the file is another program's, or of a later release.
        apsw.Error: the file or the disk cannot be used.
    """
    if synchronous not in SYNCHRONOUS:
        raise ValueError(f"synchronous is {synchronous!r}, expected one of {', '.join(SYNCHRONOUS)}")
    connection = apsw.Connection(file, vfs=vfs)
    try:
        connection.set_busy_timeout(BUSY_MS)
        check_kind(connection, file, migrations=migrations)
        claim(connection)
        connection.pragma("journal_mode", "WAL")
        connection.pragma("synchronous", synchronous)
        connection.pragma("secure_delete", True)
        # Checkpoints are asked for, never made inside a commit.
        connection.pragma("wal_autocheckpoint", 0)
        connection.pragma("journal_size_limit", _LOG_BYTES)
        connection.pragma("cache_size", -_WRITER_CACHE_KB)
        connection.pragma("temp_store", "MEMORY")
        migrate(connection, migrations=migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(file: str, *, vfs: str | None = None) -> apsw.Connection:
    """Open a connection that only reads; what it makes for itself is temporary."""
    connection = apsw.Connection(file, flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
    try:
        connection.set_busy_timeout(BUSY_MS)
        connection.pragma("wal_autocheckpoint", 0)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.pragma("cache_size", -_READER_CACHE_KB)
        connection.pragma("temp_store", "MEMORY")
        connection.execute(SQL["create_run_lines"])
        connection.pragma("query_only", True)
    except BaseException:
        connection.close()
        raise
    return connection
