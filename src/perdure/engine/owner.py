"""One owner per file: a lock beside it that names who has it, and that dies with its process."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Self
from weakref import WeakSet

from perdure.model.errors import UnavailableError


class Owned(UnavailableError):
    """The file has an owner."""

    def __init__(self, message: str, *, pid: int | None, address: str | None, is_here: bool) -> None:
        super().__init__(message)
        self.pid = pid
        """The owner's; ``None`` if it has not said so yet."""
        self.address = address
        """Where it can be reached; empty if it cannot, ``None`` if it has not said so yet."""
        self.is_here = is_here
        """It is an engine of this very process."""


class Owner:
    """The lock on ``<file>.lock``, held until ``release`` or the end of the process.

    It tells apart two engines in one process as well as two processes. The file itself stays: to
    remove it would let a third one lock another file of the same name. Links to the database lead to
    the same lock, as SQLite follows them to the same file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        _owners.add(self)

    @classmethod
    def take(cls, path: Path, *, address: str | None = "") -> Self:
        """Become the owner of the database at *path*.

        Args:
            address: where this engine can be reached by others, if it can; ``None``: to be said soon,
                with ``announce``.

        Raises:
            Owned: it has an owner; the message names it and how to reach it.
            UnavailableError: the lock cannot be opened or written.
        """
        if path.is_dir():
            raise UnavailableError(f"{path} is a folder, expected a file, such as {path / 'perdure.db'}")
        lock = lock_of(path)
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError as error:
            folder = path.absolute().parent
            raise UnavailableError(f"{path} cannot be made: there is no folder {folder}; make it first") from error
        except OSError as error:
            raise UnavailableError(f"{lock} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                owned = _owned(path, descriptor)
            finally:
                os.close(descriptor)
            raise owned from None
        owner = cls(descriptor)
        try:
            owner.announce(address)
        except OSError as error:
            owner.disown()
            raise UnavailableError(f"{lock} cannot be written: {error.strerror}") from error
        return owner

    def announce(self, address: str | None) -> None:
        """Tell whoever wants the file where this engine can be reached; empty: nowhere."""
        assert self._descriptor is not None, "the file was given up"
        told = {"pid": os.getpid()} if address is None else {"pid": os.getpid(), "address": address}
        # Not one step: who reads in between finds no JSON, and asks again.
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(told).encode(), 0)

    def release(self) -> None:
        """Give the file up. Harmless to repeat."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def disown(self) -> None:
        """Keep a copy of this process from owning the file too, and longer than we do."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def holds(self, descriptor: int) -> bool:
        """Say whether *descriptor* is of the file whose lock this is."""
        return self._descriptor is not None and os.path.sameopenfile(self._descriptor, descriptor)


_owners: WeakSet[Owner] = WeakSet()


def _disown_all() -> None:
    for owner in list(_owners):
        owner.disown()


os.register_at_fork(after_in_child=_disown_all)


def lock_of(path: Path) -> Path:
    """Return where the lock of the database at *path* is: beside the file itself, not beside a link to it."""
    file = Path(os.path.realpath(path))
    return file.with_name(file.name + ".lock")


def said_of(path: Path) -> tuple[int | None, str | None]:
    """Return the pid and the address that the owner of *path* has said last; it may have gone since."""
    try:
        return _read(lock_of(path).read_bytes())
    except OSError:
        return None, None


def _owned(path: Path, descriptor: int) -> Owned:
    pid, address = _read(os.pread(descriptor, 4096, 0))
    is_here = any(owner.holds(descriptor) for owner in list(_owners))
    message = f"{path} is in use by {_named(path, pid, address, is_here=is_here)}"
    return Owned(message, pid=pid, address=address, is_here=is_here)


def _read(told: bytes) -> tuple[int | None, str | None]:
    try:
        owner = json.loads(told)
        pid, address = owner["pid"], owner.get("address")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
    if not isinstance(pid, int) or not isinstance(address, str | None):
        return None, None
    return pid, address


def _named(path: Path, pid: int | None, address: str | None, *, is_here: bool) -> str:
    if is_here:
        return (
            f"this very process ({pid}), which has opened it before. Use that client, from any thread or task, "
            "or close it first"
        )
    if pid is None:
        return "another process that has not said its name yet"
    if address is None:
        return f"process {pid}, which has not said yet how others can use its engine"
    if not address:
        return f"process {pid}, which lets no other use its engine. Stop it first"
    if not address.startswith("unix:"):
        return f"process {pid}, a server. Connect to it at {address}, or stop it first"
    return f"process {pid}. Use its engine: connect({'sqlite:///' + str(path)!r}), or stop it first"
