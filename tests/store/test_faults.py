from __future__ import annotations

import apsw
import pytest

from perdure.model.errors import InternalError, PerdureError, UnavailableError
from perdure.store.faults import FileGuard, explain, faults_of


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (apsw.SQLITE_FULL, UnavailableError, "disk of a.db is full.*make room"),
        (apsw.SQLITE_BUSY, UnavailableError, "a.db is locked by another process.*connect"),
        (apsw.SQLITE_LOCKED, UnavailableError, "locked"),
        (apsw.SQLITE_NOTADB, UnavailableError, "not an SQLite database"),
        (apsw.SQLITE_CORRUPT, UnavailableError, "damaged.*restore a backup"),
        (apsw.SQLITE_READONLY, UnavailableError, "cannot be written.*rights"),
        (apsw.SQLITE_CANTOPEN, UnavailableError, "cannot be opened.*folder"),
        (apsw.SQLITE_IOERR_FSYNC, UnavailableError, "fsync failed.*open the file again"),
        (apsw.SQLITE_IOERR_READ, UnavailableError, "check the disk"),
        (apsw.SQLITE_CONSTRAINT_UNIQUE, InternalError, "contradict"),
        (apsw.SQLITE_ERROR, InternalError, "refused a statement"),
    ],
)
def test_each_fault_says_what_is_wrong_and_what_to_do(code: int, kind: type[PerdureError], says: str) -> None:
    error = apsw.exception_for(code)
    assert isinstance(error, apsw.Error)
    assert type(explain(error, "a.db")) is kind
    with pytest.raises(kind, match=says), faults_of("a.db"):
        raise apsw.exception_for(code)


def test_half_a_surrogate_pair_is_a_fault_of_ours() -> None:
    with pytest.raises(InternalError, match="surrogate"), faults_of("a.db"):
        "\ud800".encode()


@pytest.mark.parametrize("code", [apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC, apsw.SQLITE_CORRUPT])
def test_a_write_that_leaves_the_disk_unknown_closes_the_file_for_good(code: int) -> None:
    guard = FileGuard("a.db")
    with pytest.raises(UnavailableError) as first, guard.writing():
        raise apsw.exception_for(code)
    assert guard.is_closed
    for use in (guard.writing, guard.reading):
        with pytest.raises(UnavailableError) as later, use():
            pytest.fail("a closed file was used")
        assert str(later.value) == str(first.value)


@pytest.mark.parametrize("code", [apsw.SQLITE_FULL, apsw.SQLITE_BUSY, apsw.SQLITE_IOERR_WRITE])
def test_a_write_that_was_not_done_can_be_tried_again(code: int) -> None:
    guard = FileGuard("a.db")
    with pytest.raises(UnavailableError), guard.writing():
        raise apsw.exception_for(code)
    with guard.writing():
        pass


def test_damage_met_by_one_read_does_not_close_the_file() -> None:
    guard = FileGuard("a.db")
    with pytest.raises(UnavailableError), guard.reading():
        raise apsw.exception_for(apsw.SQLITE_CORRUPT)
    assert not guard.is_closed
