"""What kind of file it is, and how an older one is brought up to date.

``application_id`` says that a file is ours, ``user_version`` how many migrations it has seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from perdure.model.errors import UnavailableError
from perdure.store.statements import SQL

APPLICATION_ID = 0x50455244
"""``PERD``: what ``file`` and SQLite's own tools recognise."""

MIGRATIONS: tuple[str, ...] = (SQL["schema"], SQL["add_bodies"], SQL["add_segments"])
"""Scripts in their order, each run once in a file's life; a later release appends, never edits."""


def check_kind(connection: apsw.Connection, file: str, *, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Refuse a file that is not ours, or of a later release. Writes nothing.

    Raises:
        UnavailableError: it says what was found and what was expected.
    """
    found = _pragma(connection, "application_id")
    if found != APPLICATION_ID and not _is_empty(connection):
        raise UnavailableError(
            f"{file} belongs to another program (application id {found:#010x}, expected {APPLICATION_ID:#010x}): "
            "give another path"
        )
    version = _pragma(connection, "user_version")
    if found == APPLICATION_ID and version > len(migrations):
        raise UnavailableError(
            f"{file} has version {version}, this release knows versions up to {len(migrations)}: "
            "use the release that wrote it, or a later one"
        )


def check_version(connection: apsw.Connection, file: str, *, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Refuse a file that has not seen all migrations, for those who only read. Ask ``check_kind`` before.

    Raises:
        UnavailableError: it says what was found and what to do.
    """
    version = _pragma(connection, "user_version")
    if version < len(migrations):
        raise UnavailableError(
            f"{file} has version {version}, expected {len(migrations)}: "
            "it is empty, or of an earlier release; run this release on it once, which brings it up to date"
        )


def claim(connection: apsw.Connection) -> None:
    """Make an empty file ours, before its first table; leave any other as it is."""
    if _is_empty(connection):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def migrate(connection: apsw.Connection, *, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Run the migrations that the file has not seen: each wholly or not at all."""
    for version in range(_pragma(connection, "user_version"), len(migrations)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(migrations[version])
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _is_empty(connection: apsw.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM sqlite_schema").get


def _pragma(connection: apsw.Connection, name: str) -> int:
    value = connection.pragma(name)
    assert isinstance(value, int), f"PRAGMA {name} gave {value!r}, expected a number"
    return value
