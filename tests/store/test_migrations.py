from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from perdure.model.errors import UnavailableError
from perdure.store.connection import open_writer
from perdure.store.migrations import APPLICATION_ID, MIGRATIONS, check_version, migrate

NEXT = "CREATE TABLE note (run INTEGER, text TEXT) STRICT; INSERT INTO note SELECT key, workflow_id FROM run"


def columns(connection: apsw.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}


def test_a_new_file_says_whose_it_is_and_what_it_has_seen(tmp_path: Path) -> None:
    connection = open_writer(str(tmp_path / "a.db"))
    assert connection.pragma("application_id") == APPLICATION_ID
    assert connection.pragma("user_version") == len(MIGRATIONS)
    assert connection.pragma("auto_vacuum") == 2
    assert connection.pragma("journal_mode") == "wal"


def test_an_older_file_is_brought_up_to_date_with_what_is_in_it(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")
    older = open_writer(file)
    older.execute(
        "INSERT INTO run (key, workflow_id, run_id, workflow_type, status, started_ms, events, busy)"
        "VALUES (1, 'ada', 'r', 'Signup', 'RUNNING', 0, 0, 0)"
    )
    older.close()
    newer = open_writer(file, migrations=(*MIGRATIONS, NEXT))
    assert newer.execute("SELECT run, text FROM note").fetchall() == [(1, "ada")]
    assert newer.pragma("user_version") == len(MIGRATIONS) + 1
    newer.close()
    assert open_writer(file, migrations=(*MIGRATIONS, NEXT)).execute("SELECT count(*) FROM note").get == 1


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")
    open_writer(file).close()
    with pytest.raises(apsw.SQLError):
        open_writer(file, migrations=(*MIGRATIONS, NEXT, "CREATE TABLE half (a); CREATE TABLE run (b)"))
    after = open_writer(file, migrations=(*MIGRATIONS, NEXT))
    assert after.pragma("user_version") == len(MIGRATIONS) + 1
    assert columns(after, "half") == set()
    assert not after.in_transaction


def test_a_newer_file_is_refused_naming_both_versions(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")
    open_writer(file, migrations=(*MIGRATIONS, NEXT)).close()
    before = Path(file).read_bytes()
    newer, known = len(MIGRATIONS) + 1, len(MIGRATIONS)
    with pytest.raises(UnavailableError, match=f"has version {newer}, this release knows versions up to {known}"):
        open_writer(file)
    assert Path(file).read_bytes() == before


def test_another_programs_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "bookmarks.db"
    foreign = apsw.Connection(str(file))
    foreign.execute("CREATE TABLE bookmark (url); PRAGMA application_id = 0x1234")
    foreign.close()
    before = file.read_bytes()
    with pytest.raises(UnavailableError, match=r"bookmarks.db belongs to another program \(application id 0x00001234"):
        open_writer(str(file))
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["bookmarks.db"]


def test_a_file_whose_making_was_cut_short_is_made_again(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")
    begun = apsw.Connection(file)
    begun.execute(f"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = {APPLICATION_ID}")
    begun.pragma("journal_mode", "WAL")
    begun.close()
    connection = open_writer(file)
    assert connection.pragma("user_version") == len(MIGRATIONS)
    assert connection.pragma("auto_vacuum") == 2


def test_migrating_an_up_to_date_file_changes_nothing(tmp_path: Path) -> None:
    connection = open_writer(str(tmp_path / "a.db"))
    before = connection.total_changes()
    migrate(connection)
    assert connection.total_changes() == before


def test_a_reader_refuses_a_file_that_is_not_up_to_date(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "a.db"))
    with pytest.raises(UnavailableError, match=r"a\.db has version 0, expected 1: it is empty, or of an earlier"):
        check_version(connection, str(tmp_path / "a.db"), migrations=("SELECT 1",))
    connection.execute("PRAGMA user_version = 1")
    check_version(connection, str(tmp_path / "a.db"), migrations=("SELECT 1",))
