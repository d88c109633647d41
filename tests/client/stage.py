"""An engine, and a remote backend in front of it, for the conformance suite."""

from __future__ import annotations

import asyncio
from typing import cast

from perdure.client.remote import RemoteBackend
from perdure.engine.engine import EngineSettings
from perdure.ports.backend import Backend
from perdure.testing.clock import VirtualClock
from perdure.testing.conformance import ScriptedInvoker
from perdure.testing.world import World
from tests.client.serving import Counting

SETTINGS = EngineSettings(synchronous="OFF", heartbeat_ms=None, hang_grace_ms=0)
REST_TURNS = 40
"""So many turns of the loop nothing may change before a stage is at rest: more than a request takes."""
WAITS = frozenset({"wait_for_result", "wait_for_state", "call_rpc"})


class RemoteStage:
    """Client, server and test on one loop, the engine on its own; the suite alone moves its time.

    What is on its way between them is under way: at rest, each call of the client has come to wait
    in the engine. How it gets there is a subclass's.
    """

    def __init__(self) -> None:
        self.worker = ScriptedInvoker()
        self._world = World(
            lambda _: self.worker, advances_for_waiters=False, held=lambda: self.worker.held, settings=SETTINGS
        )
        self._served = Counting(self._world.backend)

    async def open_door(self, served: Backend) -> RemoteBackend:
        """Serve a backend, and return the one at the other end."""
        raise NotImplementedError

    async def close_door(self) -> None:
        raise NotImplementedError

    async def open(self) -> None:
        self._world.open()
        self._remote = await self.open_door(cast("Backend", self._served))
        self._asked = Counting(self._remote)

    async def close(self) -> None:
        await self._remote.close()
        await self.close_door()
        self._world.close()

    @property
    def clock(self) -> VirtualClock:
        return self._world.clock

    @property
    def backend(self) -> Backend:
        return cast("Backend", self._asked)

    async def settle(self) -> None:
        async with asyncio.timeout(60):
            turns = 0
            while turns < REST_TURNS:
                await asyncio.wrap_future(self._world.settle())
                await asyncio.sleep(0)
                turns = turns + 1 if self._is_at_rest else 0

    async def pass_time(self, duration_ms: int) -> None:
        await self.settle()
        await asyncio.wrap_future(self._world.advance(duration_ms))
        await self.settle()

    @property
    def _is_at_rest(self) -> bool:
        waiting = self._served.open
        return WAITS.issuperset(waiting) and len(self._asked.open) == len(waiting)
