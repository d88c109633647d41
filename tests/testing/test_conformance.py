"""The embedded engine keeps to every docstring of ``Backend``, on its own thread and a real file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from perdure.engine.engine import EngineSettings
from perdure.ports.backend import Backend
from perdure.testing.conformance import BackendConformance, InspectorConformance, ScriptedInvoker, Stage
from perdure.testing.world import World

# The worker here never says that it is late, so the engine has to find out itself.
SETTINGS = EngineSettings(synchronous="OFF", heartbeat_ms=None, hang_grace_ms=0)


class EngineStage:
    """A world whose worker is scripted, and whose time the suite alone moves."""

    def __init__(self) -> None:
        self.worker = ScriptedInvoker()
        self.world = World(
            lambda _: self.worker, advances_for_waiters=False, held=lambda: self.worker.held, settings=SETTINGS
        )

    @property
    def backend(self) -> Backend:
        return self.world.backend

    async def settle(self) -> None:
        await asyncio.wrap_future(self.world.settle())

    async def pass_time(self, duration_ms: int) -> None:
        await asyncio.wrap_future(self.world.advance(duration_ms))


class TestEmbedded(BackendConformance, InspectorConformance):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[Stage]:
        stage = EngineStage()
        stage.world.open()
        yield stage
        stage.world.close()
