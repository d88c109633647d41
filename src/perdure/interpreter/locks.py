"""Who holds which attributes, and who waits for them.

iWF 4.7: keys of one table are taken all together or not at all; the one who waits longest comes
first, but holds nothing of a table while it waits for the rest of it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Table(StrEnum):
    DATA = "data"
    SEARCH = "search"


class LockKey(NamedTuple):
    table: Table
    key: str


class Locks:
    """Owners are numbers: a state execution's own, or a locking RPC's with a minus sign."""

    def __init__(self) -> None:
        self._held: dict[LockKey, int] = {}
        self._held_by: dict[int, list[LockKey]] = {}
        self._wanted: dict[int, tuple[LockKey, ...]] = {}
        self._queues: dict[LockKey, list[int]] = {}

    def clear(self) -> None:
        """Forget who holds what and who waits."""
        for table in (self._held, self._held_by, self._wanted, self._queues):
            table.clear()

    def free(self, keys: Iterable[LockKey]) -> bool:
        return all(key not in self._held for key in keys)

    def take_or_wait(self, owner: int, keys: tuple[LockKey, ...]) -> bool:
        """Take all the keys if all are free, else queue for them; say which."""
        if not keys:
            return True
        if self.free(keys):
            self.take(owner, keys)
            return True
        self.wait(owner, keys)
        return False

    def take(self, owner: int, keys: Iterable[LockKey]) -> None:
        held = self._held_by.setdefault(owner, [])
        for key in keys:
            if key not in self._held:
                self._held[key] = owner
                held.append(key)

    def wait(self, owner: int, keys: tuple[LockKey, ...]) -> None:
        """Queue for keys, by age: the lower number is older."""
        self._wanted[owner] = keys
        for key in set_in_order(keys):
            insort(self._queues.setdefault(key, []), owner)

    def release(self, owner: int) -> list[LockKey]:
        """Free everything *owner* holds and return it: ``grant`` says who gets it."""
        keys = self._held_by.pop(owner, None)
        if keys is None:
            return []
        for key in keys:
            del self._held[key]
        return keys

    def grant(self, freed: Iterable[LockKey]) -> int | None:
        """Let the oldest waiter that now can have all it wants, some of it *freed*, have it; return who."""
        able = (self._first_able(key) for key in freed if key not in self._held)
        owner = min((owner for owner in able if owner is not None), default=None)
        if owner is not None:
            wanted = self._wanted[owner]
            self._leave(owner)
            self.take(owner, wanted)
        return owner

    def _first_able(self, key: LockKey) -> int | None:
        return next((owner for owner in self._queues.get(key, ()) if self.free(self._wanted[owner])), None)

    def _leave(self, owner: int) -> None:
        for key in set_in_order(self._wanted.pop(owner)):
            queue = self._queues[key]
            queue.remove(owner)
            if not queue:
                del self._queues[key]


def set_in_order(keys: Iterable[LockKey]) -> tuple[LockKey, ...]:
    """Return the keys, each once: no iteration over sets, whose order differs between processes."""
    return tuple(dict.fromkeys(keys))
