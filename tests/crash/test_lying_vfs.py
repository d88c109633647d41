from __future__ import annotations

from pathlib import Path
from random import Random

import apsw
import pytest

from tests.crash.lying_vfs import (
    SECTOR,
    Created,
    Deleted,
    LyingDisk,
    Medium,
    Survival,
    Synced,
    SyncFailed,
    Truncated,
    Written,
    everything,
    lying_disk,
    nothing,
    torn,
)

NEW = Created("a.db", 1)
KNOWN = Created("a.db", 1, b"before", known=True)
OFF = Written(1, 0, b"x" * 3 * SECTOR)


def left(folder: Path, *events: object, survival: Survival = nothing, seed: int = 0) -> bytes | None:
    medium = Medium()
    for event in events:
        medium.take(event)  # type: ignore[arg-type]  # each is one of the happenings
    medium.cut_power(folder, survival=survival, dice=Random(seed))
    path = folder / "a.db"
    content = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    return content


def test_only_what_was_synced_is_sure_to_survive(tmp_path: Path) -> None:
    assert left(tmp_path, KNOWN, Written(1, 0, b"BE")) == b"before"
    assert left(tmp_path, KNOWN, Written(1, 0, b"BE"), survival=everything) == b"BEfore"
    assert left(tmp_path, KNOWN, Written(1, 0, b"BE"), Synced(1, False)) == b"BEfore"
    assert left(tmp_path, KNOWN, Written(1, 8, b"!"), Synced(1, False)) == b"before\0\0!"
    assert left(tmp_path, KNOWN, Truncated(1, 2), Synced(1, False)) == b"be"


def test_what_a_failed_sync_should_have_kept_is_lost(tmp_path: Path) -> None:
    events = (KNOWN, Written(1, 0, b"BE"), SyncFailed(1), Synced(1, False))
    assert left(tmp_path, *events, survival=everything) == b"before"


def test_names_may_be_lost_until_their_folder_is_synced(tmp_path: Path) -> None:
    assert {left(tmp_path, NEW, Synced(1, False), seed=seed) for seed in range(9)} == {None, b""}
    assert {left(tmp_path, NEW, Synced(1, True), seed=seed) for seed in range(9)} == {b""}
    assert {left(tmp_path, KNOWN, Deleted("a.db", False), seed=seed) for seed in range(9)} == {None, b"before"}
    assert {left(tmp_path, KNOWN, Deleted("a.db", True), seed=seed) for seed in range(9)} == {None}


def test_torn_writes_survive_in_pieces(tmp_path: Path) -> None:
    dice = Random(1)
    base = Created("a.db", 1, b"-" * 3 * SECTOR, known=True)
    found = {left(tmp_path, base, OFF, survival=torn(dice)) for _ in range(100)}
    assert len(found) > 10
    sectors = {content[place : place + SECTOR] for content in found if content for place in (0, SECTOR, 2 * SECTOR)}
    half = SECTOR // 2
    assert sectors == {b"-" * SECTOR, b"x" * SECTOR, b"x" * half + b"-" * half}


def work(disk: LyingDisk, path: Path, *, synchronous: str = "FULL") -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs=disk.name)
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", synchronous)
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES (1)")
    return connection


@pytest.mark.parametrize(("synchronous", "survives"), [("FULL", True), ("OFF", False)])
def test_sqlite_keeps_what_it_synced_and_loses_what_it_did_not(
    tmp_path: Path, synchronous: str, survives: bool
) -> None:
    after = tmp_path / "after"
    after.mkdir()
    with lying_disk() as disk:
        work(disk, tmp_path / "a.db", synchronous=synchronous).close()
        medium = Medium()
        for event in disk.happened:
            medium.take(event)
    medium.cut_power(after, survival=nothing, dice=Random(0))
    found = apsw.Connection(str(after / "a.db"))
    assert found.pragma("integrity_check") == "ok"
    assert bool(found.execute("SELECT name FROM sqlite_schema").fetchall()) == survives
    found.close()


@pytest.mark.parametrize(
    ("what", "code", "error"),
    [
        ("write", apsw.SQLITE_FULL, apsw.FullError),
        ("write", apsw.SQLITE_IOERR_WRITE, apsw.IOError),
        ("sync", apsw.SQLITE_IOERR_FSYNC, apsw.IOError),
    ],
)
def test_faults_reach_sqlite(tmp_path: Path, what: str, code: int, error: type[apsw.Error]) -> None:
    with lying_disk() as disk:
        connection = work(disk, tmp_path / "a.db")
        disk.fault = lambda kind, file: code if (kind, file) == (what, "wal") else None
        with pytest.raises(error) as raised:
            connection.execute("INSERT INTO t VALUES (2)")
        assert raised.value.extendedresult & 0xFF == code & 0xFF  # type: ignore[attr-defined]  # apsw's stubs leave it out
        disk.fault = lambda kind, file: None
        connection.close()
