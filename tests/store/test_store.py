from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from perdure.interpreter import events
from perdure.interpreter.codec import decode_event, encode_event
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.decisions import Movement
from perdure.model.errors import UnavailableError
from perdure.model.ids import RunId, StateId, WorkflowId, WorkflowType
from perdure.model.requests import StartRequest
from perdure.store.rows import Batch, EventRow, RunKey
from perdure.store.store import Store
from tests.store.samples import LONG, event, run, value

T = SearchAttributeType
AGE = SearchAttribute("age", T.INT, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def test_what_was_written_is_there_when_the_file_is_opened_again(path: Path) -> None:
    batch = Batch(runs=(run(1, events=1),), events=(event(1, 1, value(LONG)),), index={RunKey(1): (AGE,)})
    first = Store.open(path)
    first.write(batch)
    loaded, file_id = first.load([RunKey(1)]), first.file_id()
    first.close()
    again = Store.open(path)
    assert again.load([RunKey(1)]) == loaded
    assert again.index_of(RunKey(1))["age"] == AGE
    assert again.attribute_types()["age"] is T.INT
    assert again.file_id() == file_id
    assert again.check() == ()
    again.close()


def test_what_was_written_survives_a_process_that_never_closed_the_file(path: Path, tmp_path: Path) -> None:
    store = Store.open(path)
    store.write(Batch(runs=(run(1),), index={RunKey(1): (AGE,)}))
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for part in tmp_path.glob("a.db*"):
        shutil.copy(part, crashed)
    after = Store.open(crashed / "a.db")
    assert after.runs([RunId("run-1")]) == {"run-1": run(1)}
    assert after.check() == ()
    after.close()
    store.close()


def test_a_real_event_comes_back_as_it_was(path: Path) -> None:
    request = StartRequest(WorkflowId("ada"), WorkflowType("Signup"), Movement(StateId("submit"), value('{"a": 1}')))
    started = events.Started(request, RunId("run-1"), RunId("run-1"))
    store = Store.open(path)
    store.write(Batch(runs=(run(1, events=1),), events=(EventRow(RunKey(1), 1, 5, encode_event(started)),)))
    [row] = store.journal(RunKey(1))
    assert decode_event(row.event) == started
    store.close()


def test_reads_go_on_beside_writes_and_see_whole_batches(path: Path) -> None:
    store = Store.open(path, synchronous="OFF")
    done = threading.Event()

    def write() -> None:
        for seq in range(1, 200):
            store.write(Batch(runs=(run(1, events=seq),), events=(event(1, seq),)))
        done.set()

    writing = threading.Thread(target=write)
    writing.start()
    while not done.is_set():
        for stored in store.load([RunKey(1)]).values():
            assert len(stored.events) == stored.row.events
    writing.join()
    store.close()


def test_an_attributes_first_use_decides_also_after_the_file_was_opened_again(path: Path) -> None:
    store = Store.open(path)
    assert store.check_search_attributes([AGE]) is None
    store.write(Batch(runs=(run(1),), index={RunKey(1): (AGE,)}))
    store.close()
    again = Store.open(path)
    assert again.check_search_attributes([SearchAttribute("age", T.KEYWORD, "three")]) is not None
    assert again.check_search_attributes([AGE]) is None
    again.close()


def test_the_systems_own_attributes_have_their_types_in_a_new_file(path: Path) -> None:
    store = Store.open(path)
    assert dict(store.attribute_types()) == {"IwfWorkflowType": T.KEYWORD, "IwfExecutingStateIds": T.KEYWORD_ARRAY}
    assert store.check_search_attributes([SearchAttribute("IwfWorkflowType", T.INT, 3)]) is not None
    store.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: path.write_bytes(b"a letter, not a database, and long enough" * 200), "not an SQLite database"),
    ],
)
def test_what_is_no_file_of_ours_is_not_opened(path: Path, make: object, says: str) -> None:
    assert callable(make)
    make(path)
    with pytest.raises(UnavailableError, match=says):
        Store.open(path)


def test_a_folder_that_is_not_there_is_not_made(path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be opened: check that its folder exists"):
        Store.open(path / "none" / "b.db")


def test_another_writer_is_waited_for_and_then_named_as_the_trouble(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perdure.store.connection.BUSY_MS", 1)
    store = Store.open(path)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked by another process"):
        store.write(Batch(runs=(run(1),)))
    other.execute("ROLLBACK")
    store.write(Batch(runs=(run(1),)))
    assert store.last_key() == 1
    store.close()


class FailingDisk(apsw.VFS):
    """A disk whose fsync fails from a moment on."""

    def __init__(self) -> None:
        self.fails = False
        self.syncs = 0
        super().__init__("failing-disk", "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return _FailingFile(self, name, flags)


class _FailingFile(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:
        self._disk.syncs += 1
        if self._disk.fails:
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    yield disk
    disk.unregister()


def test_every_commit_waits_for_the_disk(path: Path, disk: FailingDisk) -> None:
    store = Store.open(path, vfs="failing-disk")
    store.write(Batch(runs=(run(1),)))
    before = disk.syncs
    for key in range(2, 12):
        store.write(Batch(runs=(run(key),)))
    assert disk.syncs - before == 10
    store.close()


@pytest.mark.parametrize("what", ["write", "checkpoint"])
def test_after_a_failed_fsync_the_file_is_closed_for_good(path: Path, disk: FailingDisk, what: str) -> None:
    store = Store.open(path, vfs="failing-disk")
    store.write(Batch(runs=(run(1),)))
    disk.fails = True
    with pytest.raises(UnavailableError, match="fsync failed"):
        store.write(Batch(runs=(run(2),))) if what == "write" else store.checkpoint(pages=0)
    disk.fails = False
    for use in (
        lambda: store.write(Batch(runs=(run(3),))),
        lambda: store.runs([RunId("run-1")]),
        lambda: store.search("", page_size=1, page_token=""),
        lambda: store.checkpoint(pages=0),
    ):
        with pytest.raises(UnavailableError, match="fsync failed"):
            use()
    before = disk.syncs
    store.close()
    assert disk.syncs == before
    again = Store.open(path)
    assert again.runs([RunId("run-1")]) == {"run-1": run(1)}
    assert again.check() == ()
    again.close()
