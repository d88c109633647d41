"""Asking for a lock again while another call holds it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from perdure.model.errors import LockConflict
from perdure.model.requests import RpcCall
from perdure.model.value import EncodedValue
from perdure.ports.backend import Backend

FIRST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.25


class Pace(Protocol):
    """How time passes for who waits."""

    def seconds(self) -> float:
        """Return a moment, of a time that never goes back."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let so much time pass, or less."""
        ...


class RealPace:
    """The machine's time."""

    def seconds(self) -> float:
        return time.monotonic()

    async def pause(self, seconds: float) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            time.sleep(seconds)  # noqa: ASYNC251 - run in its caller's thread, which has no loop to hold up
        else:
            await asyncio.sleep(seconds)


REAL_PACE: Pace = RealPace()


async def call_patiently(
    backend: Backend, call: RpcCall, *, patience_ms: int, pace: Pace = REAL_PACE
) -> EncodedValue | None:
    """Call an RPC, and again while what it locks is held: the method has not run then.

    Raises:
        LockConflict: it was held for all of *patience_ms*.
    """
    give_up_at = pace.seconds() + patience_ms / 1_000
    pause_seconds = FIRST_PAUSE_SECONDS
    while True:
        try:
            return await backend.call_rpc(call)
        except LockConflict:
            if pace.seconds() + pause_seconds > give_up_at:
                raise
        await pace.pause(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
