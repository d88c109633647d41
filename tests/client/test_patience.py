"""A lock that is held is asked for again, as long as there is patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from perdure.client.patience import call_patiently
from perdure.model.attributes import LoadingPolicy
from perdure.model.errors import LockConflict
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.requests import RpcCall, StartRequest
from perdure.testing.conformance import ScriptedInvoker
from perdure.testing.conformance.invoker import arrival
from perdure.testing.conformance.lines import answer_rpc, text
from perdure.testing.world import World

ADA = WorkflowId("ada")


@pytest.fixture
def worker() -> ScriptedInvoker:
    return ScriptedInvoker()


@pytest.fixture
async def world(worker: ScriptedInvoker) -> AsyncIterator[World]:
    world = World(lambda _: worker, held=lambda: worker.held)
    world.open()
    await world.backend.start(StartRequest(ADA, WorkflowType("desk")))
    yield world
    world.close()


def locking(name: str) -> RpcCall:
    return RpcCall(ADA, name, data_loading=LoadingPolicy(locks=("key",)))


async def test_call_gets_its_turn_when_the_lock_is_free(world: World, worker: ScriptedInvoker) -> None:
    worker.on_rpc("second", answer_rpc("second"))
    held = worker.hold_rpc("first")
    first = asyncio.ensure_future(world.backend.call_rpc(locking("first")))
    call = await arrival(held)
    second = asyncio.ensure_future(call_patiently(world.backend, locking("second"), patience_ms=10_000))
    await asyncio.sleep(0.02)
    assert worker.requests_of("second") == []
    call.answer(answer_rpc("first"))
    assert await first == text("first")
    assert await second == text("second")
    assert len(worker.requests_of("second")) == 1


async def test_patience_ends(world: World, worker: ScriptedInvoker) -> None:
    held = worker.hold_rpc("first")
    first = asyncio.ensure_future(world.backend.call_rpc(locking("first")))
    call = await arrival(held)
    for patience_ms in (0, 30):
        with pytest.raises(LockConflict):
            await call_patiently(world.backend, locking("second"), patience_ms=patience_ms)
    assert worker.requests_of("second") == []
    call.answer(answer_rpc())
    await first
