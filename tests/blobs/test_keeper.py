from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perdure.blobs.folder import BlobFolder
from perdure.blobs.keeper import Keeper
from perdure.blobs.settings import Blobs
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.model.ids import WorkflowId
from perdure.model.limits import VALUE_CHARACTERS_MAX
from perdure.model.value import EncodedValue
from perdure.testing.clock import VirtualClock
from tests.blobs.stores import TestedStore

ADA = WorkflowId("ada")
BOB = WorkflowId("bob")
LARGE = EncodedValue("x" * 11, "json")
SMALL = EncodedValue("x" * 10, "json")
NOW_MS = 4_000_000_000_000
"""Later than all that is put here."""


class Names:
    """What journals would name."""

    def __init__(self) -> None:
        self.all: set[str] = set()

    def named(self, paths: Iterable[str]) -> set[str]:
        return set(paths) & self.all

    def named_by(self, workflow_id: WorkflowId) -> set[str]:
        return set(self.all)


class Desk:
    def __init__(self, folder: Path, *, owner: str = "file") -> None:
        self._folder = BlobFolder(folder / "new")
        self.store, self.old = TestedStore(self._folder), BlobFolder(folder / "old", store_id="old")
        self.names = Names()
        blobs = Blobs(self.store, threshold_bytes=10, others=(self.old,), cache_characters=1_000)
        self.keeper = Keeper(blobs, owner=owner, names=self.names, monotonic_ms=VirtualClock().monotonic_ms)
        self.keeper.open()

    def put(self, value: EncodedValue = LARGE, *, workflow_id: WorkflowId = ADA, named: bool = False) -> EncodedValue:
        hold = self.keeper.begin()
        kept = self.keeper.take_out(value, workflow_id=workflow_id, hold=hold)
        hold.release()
        if named:
            self.names.all.add(kept.external_path or "")
        return kept

    @property
    def paths(self) -> set[str]:
        return {blob.path for blob in self._folder.list("")}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_value_over_the_threshold_goes_apart_and_comes_back(desk: Desk) -> None:
    kept = desk.put()
    assert (kept.data, kept.encoding, kept.external_store_id) == (None, "json", "folder")
    assert desk.keeper.is_apart(kept)
    assert desk.keeper.bring_back((kept, None, SMALL)) == (LARGE, None, SMALL)


@pytest.mark.parametrize(
    ("data", "large"),
    [
        (None, False),
        ("", False),
        ("x" * 10, False),
        ("x" * 11, True),
        ("ä" * 5, False),
        ("ä" * 6, True),
        ("𝄞" * 3, True),
    ],
)
def test_a_value_is_large_by_its_bytes(desk: Desk, data: str | None, large: bool) -> None:
    value = EncodedValue(data, "json")
    assert desk.keeper.is_large(value) is large
    assert (desk.put(value) == value) is not large


def test_what_was_lately_put_is_not_read_and_what_was_not_is_read_once(desk: Desk, tmp_path: Path) -> None:
    kept = desk.put()
    desk.keeper.bring_back(kept)
    other = Desk(tmp_path)
    for _ in range(2):
        assert other.keeper.bring_back(kept) == LARGE
    assert ("get" in desk.store.asked, other.store.asked.count("get")) == (False, 1)


def test_the_same_of_one_workflow_is_one_blob_and_of_another_another(desk: Desk) -> None:
    assert desk.put() == desk.put(EncodedValue(LARGE.data, "json"))
    assert desk.put() != desk.put(workflow_id=BOB)
    assert len(desk.paths) == 2


def test_names_of_stores_that_are_not_ours_are_carried_as_they_are(desk: Desk) -> None:
    foreign = EncodedValue(external_store_id="s3", external_path="a/b")
    assert not desk.keeper.is_large(foreign)
    assert not desk.keeper.is_apart(foreign)
    assert desk.put(foreign) == desk.keeper.bring_back(foreign) == foreign


def test_a_name_of_ours_from_outside_is_refused_without_its_data(desk: Desk) -> None:
    kept = desk.put()
    for workflow_id in (ADA, BOB):
        with pytest.raises(InvalidRequest, match=r"only the name of a blob in store 'folder', expected its data"):
            desk.put(kept, workflow_id=workflow_id)


def test_a_value_that_still_has_the_name_it_came_with_is_kept_anew(desk: Desk) -> None:
    kept = desk.put()
    both = EncodedValue("y" * 11, "json", kept.external_store_id, kept.external_path)
    assert desk.keeper.bring_back(desk.put(both)) == EncodedValue("y" * 11, "json")
    assert desk.put(EncodedValue("y", "json", kept.external_store_id, kept.external_path)) == EncodedValue("y", "json")


def test_a_value_beyond_the_limit_of_values_is_refused_here_too(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match=r"a value has 67,108,865 characters, expected at most 67,108,864\. Keep"):
        desk.put(EncodedValue("x" * (VALUE_CHARACTERS_MAX + 1)))
    assert desk.paths == set()


def test_what_cannot_be_put_is_unavailable_and_what_cannot_be_read_too(desk: Desk, tmp_path: Path) -> None:
    kept = desk.put()
    desk.store.failing = {"put"}
    with pytest.raises(UnavailableError, match="cannot put: the network is down"):
        desk.put(workflow_id=BOB)
    other = Desk(tmp_path)
    other.store.failing = {"get"}
    with pytest.raises(UnavailableError, match="cannot get: the network is down"):
        other.keeper.bring_back(kept)


def test_a_blob_that_somebody_removed_or_changed_is_told_and_never_taken_for_the_value(tmp_path: Path) -> None:
    kept = Desk(tmp_path).put()
    file = tmp_path / "new" / (kept.external_path or "")
    file.write_bytes(b"z" * 11)
    with pytest.raises(UnavailableError, match="is not what was put there, its content has changed"):
        Desk(tmp_path).keeper.bring_back(kept)
    file.unlink()
    with pytest.raises(UnavailableError, match=r"has no blob .* which a run names: somebody has removed it"):
        Desk(tmp_path).keeper.bring_back(kept)


def test_what_another_store_holds_is_read_and_not_written(desk: Desk, tmp_path: Path) -> None:
    path = desk.put().external_path or ""
    desk.old.put(path, b"x" * 11)
    assert Desk(tmp_path).keeper.bring_back(EncodedValue(None, "json", "old", path)) == LARGE


def test_a_name_is_loaded(desk: Desk) -> None:
    kept = desk.put()
    assert desk.keeper.load(kept) == LARGE
    assert desk.keeper.load(SMALL) == SMALL
    desk.old.put("20261124$order-7/0b6c", b"from iWF")
    assert desk.keeper.load(EncodedValue(None, "json", "old", "20261124$order-7/0b6c")).data == "from iWF"


@pytest.mark.parametrize(
    ("store_id", "path", "problem"),
    [
        ("nobody's", "a", "found the store 'nobody's', expected one of 'folder', 'old'"),
        (None, "a", "found the store '', expected one of"),
        ("folder", None, "found the path '' of a blob"),
        ("folder", "../../etc/passwd", "expected words of letters"),
        ("folder", "a/b", "store 'folder' has no blob a/b"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(desk: Desk, store_id: str | None, path: str | None, problem: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        desk.keeper.load(EncodedValue(None, "json", store_id, path))
    assert problem.replace("'nobody's'", '"nobody\'s"') in str(told.value)


# Cleaning


def test_what_nobody_names_goes_and_what_somebody_names_stays(desk: Desk) -> None:
    named, orphan = desk.put(named=True), desk.put(workflow_id=BOB)
    desk.old.put(orphan.external_path or "", b"x" * 11)
    assert desk.keeper.clean(before_ms=NOW_MS) == 2
    assert desk.paths == {named.external_path}
    assert list(desk.old.list("")) == []
    assert desk.keeper.bring_back(named) == LARGE


def test_what_is_young_stays_although_nobody_names_it(desk: Desk, tmp_path: Path) -> None:
    old, young = desk.put(), desk.put(workflow_id=BOB)
    os.utime(tmp_path / "new" / (old.external_path or ""), (1_000, 1_000))
    assert desk.keeper.clean(before_ms=1_000_001) == 1
    assert desk.paths == {young.external_path}


def test_what_is_put_again_is_young_again(desk: Desk, tmp_path: Path) -> None:
    kept = desk.put()
    os.utime(tmp_path / "new" / (kept.external_path or ""), (1_000, 1_000))
    desk.put()
    assert desk.keeper.clean(before_ms=1_000_001) == 0


def test_blobs_of_another_database_are_not_looked_at(desk: Desk, tmp_path: Path) -> None:
    theirs = Desk(tmp_path, owner="another").put()
    assert desk.keeper.clean(before_ms=NOW_MS) == 0
    assert desk.paths == {theirs.external_path}


def test_what_a_request_under_way_has_put_stays_however_old_it_is(desk: Desk) -> None:
    hold = desk.keeper.begin()
    kept = desk.keeper.take_out(LARGE, workflow_id=ADA, hold=hold)
    assert desk.keeper.clean(before_ms=NOW_MS) == 0
    hold.release()
    assert desk.keeper.clean(before_ms=NOW_MS) == 1
    with pytest.raises(UnavailableError):
        desk.keeper.bring_back(kept)  # nor is it remembered


def test_what_is_named_while_a_cleaning_looks_is_not_removed(desk: Desk) -> None:
    """The hardest moment: unnamed and old when listed, then handed in again, named and let go before the removal."""
    kept = desk.put()
    desk.store.open_gates["list"].clear()
    with ThreadPoolExecutor(1) as threads:
        cleaning = threads.submit(desk.keeper.clean, before_ms=NOW_MS)
        assert desk.store.arrived.wait(60)
        assert desk.put(named=True) == kept
        desk.names.all.clear()  # as if the names had been read before
        desk.store.open_gates["list"].set()
        assert cleaning.result(60) == 0
    assert desk.paths == {kept.external_path}


def test_what_is_put_while_it_is_removed_is_there_afterwards(desk: Desk) -> None:
    kept = desk.put()
    desk.store.open_gates["delete"].clear()
    with ThreadPoolExecutor(2) as threads:
        cleaning = threads.submit(desk.keeper.clean, before_ms=NOW_MS)
        assert desk.store.arrived.wait(60)
        putting = threads.submit(desk.put)
        desk.store.open_gates["delete"].set()
        assert (cleaning.result(60), putting.result(60)) == (1, kept)
    assert desk.paths == {kept.external_path}


def test_clearing_a_workflow_takes_all_of_it_and_nothing_else_whatever_its_age(desk: Desk) -> None:
    desk.put()
    others = desk.put(workflow_id=BOB)
    foreign = "original/ab/" + (others.external_path or "").split("/", 2)[2]
    desk.store.put(foreign, b"x" * 11)
    with desk.keeper.watching() as held:
        assert desk.keeper.clear_workflow(ADA, held, more={foreign}) >= 2
    assert desk.paths == {others.external_path}


def test_a_cleaning_that_fails_removes_nothing_it_should_not_and_the_next_goes_on(desk: Desk) -> None:
    named = desk.put(named=True)
    desk.put(workflow_id=BOB)
    desk.store.failing = {"delete"}
    with pytest.raises(UnavailableError, match="cannot delete"):
        desk.keeper.clean(before_ms=NOW_MS)
    desk.store.failing = set()
    assert desk.keeper.clean(before_ms=NOW_MS) == 1
    assert desk.paths == {named.external_path}
