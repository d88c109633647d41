from __future__ import annotations

from pathlib import Path

import pytest

from perdure.model.errors import UnavailableError
from perdure.store.backup import write_backup
from perdure.store.rows import Batch, RunKey
from perdure.store.store import Store
from tests.store.samples import LONG, event, run, value


@pytest.fixture
def original(tmp_path: Path) -> Store:
    store = Store.open(tmp_path / "a.db")
    store.write(Batch(runs=(run(1, events=1),), events=(event(1, 1, value(LONG)),)))
    return store


def test_a_backup_holds_what_is_in_use_and_was_never_checkpointed(original: Store, tmp_path: Path) -> None:
    original.backup(tmp_path / "b.db")
    copy = Store.open(tmp_path / "b.db")
    assert copy.load([RunKey(1)]) == original.load([RunKey(1)])
    assert copy.check() == ()
    assert sorted(path.name for path in tmp_path.iterdir() if "b.db" in path.name) == ["b.db", "b.db-shm", "b.db-wal"]


def test_a_backup_is_another_file_and_paused_until_told_to_work(original: Store, tmp_path: Path) -> None:
    original.backup(tmp_path / "b.db")
    copy = Store.open(tmp_path / "b.db")
    assert copy.file_id() != original.file_id()
    assert (copy.paused(), original.paused()) == (True, False)
    copy.resume()
    assert not copy.paused()
    copy.close()
    assert not Store.open(tmp_path / "b.db").paused()


def test_a_backup_replaces_no_file(original: Store, tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("precious")
    with pytest.raises(UnavailableError, match=r"b\.db exists already"):
        original.backup(tmp_path / "b.db")
    assert (tmp_path / "b.db").read_text() == "precious"


def test_a_backup_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all, but long enough to look for one" * 100)
    with pytest.raises(UnavailableError, match="not an SQLite database"):
        write_backup(tmp_path / "a.db", tmp_path / "b.db")
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_a_backup_into_no_folder_is_refused(original: Store, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be opened"):
        original.backup(tmp_path / "none" / "b.db")


def test_what_a_backup_that_was_cut_short_left_is_replaced(original: Store, tmp_path: Path) -> None:
    (tmp_path / "b.db.unfinished").write_text("half")
    original.backup(tmp_path / "b.db")
    assert Store.open(tmp_path / "b.db").check() == ()
    assert not (tmp_path / "b.db.unfinished").exists()
