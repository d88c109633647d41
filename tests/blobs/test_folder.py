"""The contract is in the suite; here is what a folder has of its own: files, their owner, and what a crash leaves."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure.blobs.folder import BlobFolder
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.testing.conformance.blob_store import BlobStoreConformance


@pytest.fixture
def folder(tmp_path: Path) -> BlobFolder:
    folder = BlobFolder(tmp_path / "above" / "blobs")
    folder.open()
    return folder


class TestBlobFolder(BlobStoreConformance):
    @pytest.fixture
    def store(self, folder: BlobFolder) -> Iterator[BlobFolder]:
        yield folder
        folder.close()


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_nobody_else_may_read_a_blob(folder: BlobFolder, tmp_path: Path) -> None:
    folder.put("f/ab/abc/def", b"1")
    root = tmp_path / "above" / "blobs"
    [file] = files_in(root)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*")) if path.is_dir()} == {0o700}


def test_folders_that_become_empty_go_with_the_last_blob(folder: BlobFolder, tmp_path: Path) -> None:
    folder.put("f/ab/abc/def", b"1")
    folder.put("f/ab/abd/def", b"1")
    folder.delete("f/ab/abc/def")
    root = tmp_path / "above" / "blobs"
    assert sorted(path.name for path in (root / "f" / "ab").iterdir()) == ["abd"]
    folder.delete("f/ab/abd/def")
    assert not (root / "f").exists()
    assert root.exists()


def test_a_blob_is_wholly_there_or_not_at_all(
    folder: BlobFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match=r"cannot write f/a in .*: No space left on device"):
        folder.put("f/a", b"1")
    monkeypatch.undo()
    assert folder.get("f/a") is None
    assert files_in(tmp_path) == []


def test_a_blob_is_synced_before_it_has_its_name_and_the_folders_after(
    folder: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, os.rename

    def fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def move(source: str, target: Path) -> None:
        done.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", move)
    folder.put("f/ab/a", b"1")
    assert done == ["file", "rename", "folder", "folder", "folder"]  # ab, f and the store's own


def test_what_a_crash_left_half_written_goes_and_what_others_write_stays(folder: BlobFolder, tmp_path: Path) -> None:
    incoming = tmp_path / "above" / "blobs" / ".incoming"
    for name, age_seconds in (("old", 90_000), ("young", 10)):
        (incoming / name).write_bytes(b"half")
        written = (incoming / name).stat().st_mtime - age_seconds
        os.utime(incoming / name, (written, written))
    folder.open()
    assert [path.name for path in incoming.iterdir()] == ["young"]
    assert list(folder.list("")) == []


def test_a_folder_that_cannot_be_made_is_told_when_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidRequest, match=r"file/blobs for large values cannot be used: .*Make it"):
        BlobFolder(tmp_path / "file" / "blobs").open()


def test_a_disk_that_fails_is_unavailable(folder: BlobFolder, tmp_path: Path) -> None:
    (tmp_path / "above" / "blobs" / "f").write_text("in the way")
    with pytest.raises(UnavailableError, match="cannot write f/a in"):
        folder.put("f/a", b"1")
    (tmp_path / "above" / "blobs" / "g").mkdir()
    (tmp_path / "above" / "blobs" / "g" / "a").mkdir()
    with pytest.raises(UnavailableError, match="cannot read g/a in"):
        folder.get("g/a")
