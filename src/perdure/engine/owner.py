"""One owner per file: a lock beside it that names who has it, and that dies with its process."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Self
from weakref import WeakSet

from perdure.model.errors import UnavailableError


class Owner:
    """The lock on ``<file>.lock``, held until ``release`` or the end of the process.

    It tells apart two engines in one process as well as two processes. The file itself stays: to
    remove it would let a third one lock another file of the same name.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        _owners.add(self)

    @classmethod
    def take(cls, path: Path, *, address: str = "") -> Self:
        """Become the owner of the database at *path*.

        Args:
            address: where this engine can be reached by others, if it can.

        Raises:
            UnavailableError: it has an owner; the message names it and how to reach it.
        """
        lock = path.with_name(path.name + ".lock")
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
            told = os.pread(descriptor, 4096, 0)
            os.close(descriptor)
            raise UnavailableError(f"{path} is in use by {_named(told)}") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)
        return cls(descriptor)

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


_owners: WeakSet[Owner] = WeakSet()


def _disown_all() -> None:
    for owner in list(_owners):
        owner.disown()


os.register_at_fork(after_in_child=_disown_all)


def _named(told: bytes) -> str:
    try:
        owner = json.loads(told)
        pid, address = owner["pid"], owner["address"]
    except (ValueError, KeyError, TypeError):
        return "another process that has not said its name yet"
    if not address:
        return f"process {pid}. Stop it, or use its engine through the server it runs, if it runs one"
    return f"process {pid}. Connect to it at {address}"
