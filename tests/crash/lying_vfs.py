"""A disk that keeps what was synced, and of everything else what it likes.

SQLite works on ordinary files through the VFS here, and everything it does to them is recorded. A
``Medium`` plays a recording back up to any point and leaves the files as a power cut would have.

Rule 1: what was written is durable once its file was synced; before that any part of it may be, in any order.
Rule 2: a name is durable once its folder was synced. SQLite's unix VFS does that with the first sync of a
    new log or journal, and when it deletes with the wish to sync.
Rule 3: after a sync that failed, what it should have made durable never will be, though reads still see it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import apsw

SECTOR = 512

# What happens to a disk


@dataclass(frozen=True)
class Created:
    name: str
    inode: int
    content: bytes = b""
    """Of a file that was there before anybody looked: durable already, its name too."""
    known: bool = False


@dataclass(frozen=True)
class Written:
    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncated:
    inode: int
    size: int


@dataclass(frozen=True)
class Synced:
    inode: int
    folder_too: bool


@dataclass(frozen=True)
class SyncFailed:
    inode: int


@dataclass(frozen=True)
class Deleted:
    name: str
    folder_too: bool


Happened = Created | Written | Truncated | Synced | SyncFailed | Deleted


@dataclass
class _Inode:
    number: int
    syncs_folder: bool
    """Its next sync makes names durable too."""


Fault = Callable[[str, str], int | None]
"""Asked before each ``write`` and ``sync`` of a file by its name's end; an SQLite error code lets it fail."""


class LyingDisk:
    """A VFS and the recording of what was done through it."""

    _numbers = count(1)

    def __init__(self) -> None:
        self.name = f"lying-{next(self._numbers)}"
        self.happened: list[Happened] = []
        self.fault: Fault = lambda what, file: None
        self._inodes: dict[str, _Inode] = {}
        self._counted = count(1)
        self._vfs = _Vfs(self)

    def close(self) -> None:
        self._vfs.unregister()

    def inode_of(self, name: str, *, fresh: bool, dir_sync: bool) -> _Inode:
        inode = self._inodes.get(name)
        if inode is None:
            inode = self._inodes[name] = _Inode(next(self._counted), fresh and dir_sync)
            content = b"" if fresh else Path(name).read_bytes()
            self.happened.append(Created(name, inode.number, content, known=not fresh))
        return inode

    def delete(self, name: str, *, folder_too: bool) -> None:
        self._inodes.pop(name, None)
        self.happened.append(Deleted(name, folder_too))

    def fails(self, what: str, name: str) -> int | None:
        return self.fault(what, name.rpartition("-")[2] if "-" in Path(name).name else "db")


class _File(apsw.VFSFile):
    def __init__(self, disk: LyingDisk, name: str, flags: list[int], inode: _Inode) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._name = name
        self._inode = inode

    def xWrite(self, data: bytes, offset: int) -> None:
        code = self._disk.fails("write", self._name)
        if code is not None:
            data = data[: len(data) // 2]
        super().xWrite(data, offset)
        self._disk.happened.append(Written(self._inode.number, offset, bytes(data)))
        if code is not None:
            raise apsw.exception_for(code)

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._disk.happened.append(Truncated(self._inode.number, newsize))

    def xSync(self, flags: int) -> None:
        code = self._disk.fails("sync", self._name)
        if code is not None:
            self._disk.happened.append(SyncFailed(self._inode.number))
            raise apsw.exception_for(code)
        self._disk.happened.append(Synced(self._inode.number, self._inode.syncs_folder))
        self._inode.syncs_folder = False


class _Vfs(apsw.VFS):
    def __init__(self, disk: LyingDisk) -> None:
        super().__init__(disk.name, "unix")
        self._disk = disk

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        if name is None:  # a temporary file: nothing that is to last
            return apsw.VFSFile("unix", name, flags)
        path = name if isinstance(name, str) else name.filename()
        fresh = not os.path.exists(path)
        file_kind = flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL)
        inode = self._disk.inode_of(path, fresh=fresh, dir_sync=bool(file_kind))
        return _File(self._disk, path, flags, inode)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self._disk.delete(filename, folder_too=bool(syncdir))


@contextmanager
def lying_disk() -> Iterator[LyingDisk]:
    disk = LyingDisk()
    try:
        yield disk
    finally:
        disk.close()


# What is left of it

Survival = Callable[[Written], list[Written]]
"""What remains of a write that was not synced."""


def nothing(write: Written) -> list[Written]:
    return []


def everything(write: Written) -> list[Written]:
    return [write]


def torn(dice: Random) -> Survival:
    """Keep sectors by chance, and of one in eight only the first half."""

    def survive(write: Written) -> list[Written]:
        kept = []
        start = write.offset
        while start < (end := write.offset + len(write.data)):
            stop = min(end, (start // SECTOR + 1) * SECTOR)
            if dice.random() < 0.5:
                half = dice.random() < 1 / 8
                piece = write.data[
                    start - write.offset : (start + stop) // 2 - write.offset if half else stop - write.offset
                ]
                kept.append(Written(write.inode, start, piece))
            start = stop
        return kept

    return survive


@dataclass
class _Content:
    durable: bytearray
    pending: list[Written | Truncated] = field(default_factory=list)


class Medium:
    """What is on the medium, after so much has happened."""

    def __init__(self) -> None:
        self._contents: dict[int, _Content] = {}
        self._names: dict[str, int] = {}
        self._renaming: list[Created | Deleted] = []

    def take(self, event: Happened) -> None:
        """Let one more thing happen."""
        match event:
            case Created():
                self._contents[event.inode] = _Content(bytearray(event.content))
                if event.known:
                    self._names[event.name] = event.inode
                else:
                    self._renaming.append(event)
            case Written() | Truncated():
                self._contents[event.inode].pending.append(event)
            case SyncFailed():
                self._contents[event.inode].pending.clear()
            case Synced():
                content = self._contents[event.inode]
                for change in content.pending:
                    _apply(content.durable, change)
                content.pending.clear()
                if event.folder_too:
                    self._settle_names()
            case Deleted():
                self._renaming.append(event)
                if event.folder_too:
                    self._settle_names()

    def cut_power(self, folder: Path, *, survival: Survival, dice: Random) -> None:
        """Leave in *folder* what a power cut leaves, under the names the files have."""
        names = dict(self._names)
        # A journalling file system may have written names that nobody has asked for, in their order.
        for event in self._renaming[: dice.randint(0, len(self._renaming))]:
            _rename(names, event)
        for name, inode in names.items():
            content = self._contents[inode]
            left = bytearray(content.durable)
            for change in content.pending:
                for kept in survival(change) if isinstance(change, Written) else [change] * dice.randint(0, 1):
                    _apply(left, kept)
            (folder / Path(name).name).write_bytes(left)

    def _settle_names(self) -> None:
        for event in self._renaming:
            _rename(self._names, event)
        self._renaming.clear()


def _rename(names: dict[str, int], event: Created | Deleted) -> None:
    if isinstance(event, Created):
        names[event.name] = event.inode
    else:
        names.pop(event.name, None)


def _apply(content: bytearray, change: Written | Truncated) -> None:
    if isinstance(change, Truncated):
        if change.size < len(content):
            del content[change.size :]
        return
    if len(content) < change.offset:
        content.extend(bytes(change.offset - len(content)))
    content[change.offset : change.offset + len(change.data)] = change.data
