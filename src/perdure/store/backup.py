"""A consistent copy of a file in use, which starts as another file and does nobody's work."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from perdure.model.errors import UnavailableError
from perdure.store.faults import faults_of
from perdure.store.migrations import check_kind, check_version
from perdure.store.statements import SQL


def write_backup(source: Path, path: Path, *, vfs: str | None = None) -> None:
    """Copy *source* as it is now to a new file: whole, durable and paused, or not there at all.

    Raises:
        UnavailableError: there is a file already, or it cannot be written; or there is no *source*, or it is
            no database of ours.
    """
    if path.exists():
        raise UnavailableError(f"{path} exists already: give the backup a name of its own")
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        _copy(source, unfinished, vfs=vfs)
        with faults_of(str(path)):
            _make_another(unfinished, vfs=vfs)
        _sync(unfinished)
        unfinished.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(source: Path, path: Path, *, vfs: str | None) -> None:
    # A connection of its own: the copy may take minutes.
    with faults_of(str(source)):
        connection = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
    try:
        with faults_of(str(source)):
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            check_kind(connection, str(source))
            check_version(connection, str(source))
        with faults_of(str(path)):
            connection.execute("VACUUM INTO ?", (str(path),))
    finally:
        connection.close()


def _make_another(path: Path, *, vfs: str | None) -> None:
    copy = apsw.Connection(str(path), vfs=vfs)
    try:
        copy.execute(SQL["draw_file_id"])
        copy.execute(SQL["pause"])
    finally:
        copy.close()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
