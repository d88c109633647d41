"""Blobs as files of one folder, readable by nobody but who runs the process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from perdure.blobs.paths import check_path
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.ports.blob_store import StoredBlob

STORE_ID = "folder"
_INCOMING = ".incoming"
_TRIES = 5
"""A folder that has become empty goes; it may be this very moment that something is put there."""


class BlobFolder:
    """A ``BlobStore`` in a folder. Several processes may use one: their databases have paths of their own."""

    def __init__(self, folder: Path | str, *, store_id: str = STORE_ID, read_only: bool = False) -> None:
        """Make nothing yet.

        Args:
            folder: made if it is not there. It may not be on another machine's disk that forgets what
                it said was written.
            store_id: stands in journals, so it may never change; the folder may move.
            read_only: it must be there; nothing of it is made or cleared by ``open``.
        """
        self._root = Path(os.path.abspath(folder))
        self._incoming = self._root / _INCOMING
        self.store_id = store_id
        self._read_only = read_only

    def __repr__(self) -> str:
        return f"BlobFolder({str(self._root)!r})"

    def open(self) -> None:
        if self._read_only:
            if not os.access(self._root, os.R_OK | os.X_OK):
                raise InvalidRequest(f"the folder {self._root} for large values is not there, or may not be read")
            return
        try:
            self._root.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self._root, self._incoming):
                folder.mkdir(mode=0o700, exist_ok=True)
                _sync(folder.parent)
            if not os.access(self._root, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(f"not permitted for user {os.geteuid()}")
        except OSError as error:
            raise InvalidRequest(
                f"the folder {self._root} for large values cannot be used: {error}. Make it, and give it to who runs this"
            ) from error
        self._clear_incoming()

    def put(self, path: str, data: bytes) -> None:
        target = self._file(path)
        with self._told("write", path):
            try:
                if target.stat().st_size == len(data):
                    os.utime(target)
                    self._sync_up(target.parent)  # who has put it first may not have come so far yet
                    return
            except FileNotFoundError:
                pass
            descriptor, incoming = tempfile.mkstemp(dir=self._incoming)  # for its owner only
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                self._move_in(incoming, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(incoming)
                raise
            self._sync_up(target.parent)

    def get(self, path: str) -> bytes | None:
        with self._told("read", path):
            try:
                return self._file(path).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def delete(self, path: str) -> None:
        target = self._file(path)
        with self._told("remove", path):
            target.unlink(missing_ok=True)
            folder = target.parent
            with suppress(OSError):  # there is something in it, or it is gone
                while folder != self._root:
                    folder.rmdir()
                    folder = folder.parent
            if folder.is_dir():
                _sync(folder)

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        if prefix:
            check_path(prefix.removesuffix("/"))
        with self._told("list", prefix):
            for folder, folders, names in os.walk(self._root / prefix, onerror=_raise):
                folders[:] = sorted(name for name in folders if name != _INCOMING)
                for name in sorted(names):
                    file = os.path.join(folder, name)
                    with suppress(FileNotFoundError):
                        yield StoredBlob(os.path.relpath(file, self._root), os.stat(file).st_mtime_ns // 1_000_000)

    def close(self) -> None:
        """Nothing is held open."""

    def _file(self, path: str) -> Path:
        return self._root / check_path(path)

    def _move_in(self, incoming: str, target: Path) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                self._make(target.parent)
                os.rename(incoming, target)
                return
            except FileNotFoundError:
                if not tries_left:
                    raise

    def _make(self, folder: Path) -> None:
        if folder != self._root:
            self._make(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)

    def _sync_up(self, folder: Path) -> None:
        """Make durable that this folder is there, and what is in it."""
        while True:
            with suppress(FileNotFoundError):  # another blob in it was the last, and has gone with it
                _sync(folder)
            if folder == self._root:
                return
            folder = folder.parent

    def _clear_incoming(self) -> None:
        """Remove what a crash has left half written. What other processes are writing is younger."""
        with self._told("clear", _INCOMING):
            probe, name = tempfile.mkstemp(dir=self._incoming)
            now = os.fstat(probe)  # the time of whoever keeps the disk
            os.close(probe)
            os.unlink(name)
            for entry in os.scandir(self._incoming):
                with suppress(FileNotFoundError):
                    if now.st_mtime - entry.stat().st_mtime > 86_400:
                        os.unlink(entry.path)

    @contextmanager
    def _told(self, doing: str, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnavailableError(
                f"cannot {doing} {path} in {self._root}, where large values are: {reason}"
            ) from error


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
