from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from perdure.store.connection import SYNCHRONOUS, open_reader, open_writer


@pytest.mark.parametrize(("synchronous", "number"), [("OFF", 0), ("NORMAL", 1), ("FULL", 2), ("EXTRA", 3)])
def test_the_writer_waits_for_the_disk_as_it_is_told(tmp_path: Path, synchronous: str, number: int) -> None:
    connection = open_writer(str(tmp_path / "a.db"), synchronous=synchronous)
    assert connection.pragma("synchronous") == number
    assert synchronous in SYNCHRONOUS


def test_a_way_of_waiting_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'full', expected one of FULL"):
        open_writer(str(tmp_path / "a.db"), synchronous="full")


def test_the_writer_waits_by_default_and_never_checkpoints_in_a_commit(tmp_path: Path) -> None:
    connection = open_writer(str(tmp_path / "a.db"))
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("wal_autocheckpoint") == 0


def test_what_is_deleted_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    connection = open_writer(str(file))
    connection.execute("INSERT INTO value VALUES ('hash', 'a secret of some length')")
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    assert b"a secret of some length" in file.read_bytes()
    connection.execute("DELETE FROM value")
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    assert b"a secret of some length" not in file.read_bytes()


def test_a_reader_writes_nothing(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")
    open_writer(file)
    with pytest.raises(apsw.ReadOnlyError):
        open_reader(file).execute("DELETE FROM run")


def test_a_reader_does_not_make_a_file(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        open_reader(str(tmp_path / "none.db"))
    assert not list(tmp_path.iterdir())
