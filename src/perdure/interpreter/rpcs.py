"""Locking RPCs: those under way, and those that a reset asks again."""

from __future__ import annotations

from collections.abc import Iterable

from perdure.interpreter.events import RpcClosed, RpcOpened
from perdure.interpreter.locks import LockKey, Table
from perdure.interpreter.snapshot import RpcSnapshot
from perdure.model.requests import RpcCall


class LockingRpcs:
    """Counts them, and knows which are open."""

    def __init__(self) -> None:
        self.number = 0
        """Of the last one."""
        self.asked_again: tuple[RpcCall, ...] = ()
        """Those that a reset asks again and that have not ended yet, in order."""
        self._open: dict[int, RpcOpened] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._open

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of those under way, oldest first."""
        return tuple(self._open)

    @property
    def may_ask_again(self) -> bool:
        """Whether one is to be asked again, and none is just now."""
        return bool(self.asked_again) and not any(rpc.again for rpc in self._open.values())

    def open(self, event: RpcOpened) -> None:
        self.number = event.number
        self._open[event.number] = event

    def close(self, event: RpcClosed) -> bool:
        """Say whether it was under way."""
        opened = self._open.pop(event.number, None)
        if opened is not None and opened.again and not event.abandoned:
            self.asked_again = self.asked_again[1:]
        return opened is not None

    def give_up(self) -> None:
        """Forget those under way; those to be asked again still are."""
        self._open.clear()

    def snapshot(self) -> tuple[RpcSnapshot, ...]:
        return tuple(
            RpcSnapshot(rpc.number, rpc.data_locks, rpc.search_locks, rpc.again) for rpc in self._open.values()
        )

    def restore(self, number: int, rpcs: Iterable[RpcSnapshot], asked_again: tuple[RpcCall, ...]) -> list[RpcOpened]:
        """Take up what a snapshot says; return those under way, whose locks they hold."""
        self.number, self.asked_again = number, asked_again
        for rpc in rpcs:
            self._open[rpc.number] = RpcOpened(rpc.number, rpc.data_locks, rpc.search_locks, again=rpc.again)
        return list(self._open.values())


def locks_of(rpc: RpcOpened) -> tuple[LockKey, ...]:
    return (
        *(LockKey(Table.DATA, key) for key in rpc.data_locks),
        *(LockKey(Table.SEARCH, key) for key in rpc.search_locks),
    )
