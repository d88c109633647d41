"""How time and an engine go together; what an author sees of it is in ``test_environment.py``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from perdure.model.conditions import TimerCondition
from perdure.model.errors import UnavailableError
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.outcome import RunStatus
from perdure.model.requests import StartRequest
from perdure.testing.conformance import ScriptedInvoker
from perdure.testing.conformance.invoker import arrival
from perdure.testing.conformance.lines import complete, move, straight, wait_for
from perdure.testing.world import World

ADA = WorkflowId("ada")


@pytest.fixture
def worker() -> ScriptedInvoker:
    return ScriptedInvoker()


@pytest.fixture
def world(worker: ScriptedInvoker) -> Iterator[World]:
    world = World(lambda _: worker, held=lambda: worker.held)
    world.open()
    yield world
    world.close()


async def sleep_an_hour(world: World, worker: ScriptedInvoker) -> None:
    worker.on_wait("sleeper", wait_for(TimerCondition(duration_ms=3_600_000)))
    worker.on_execute("sleeper", complete())
    await world.backend.start(StartRequest(ADA, WorkflowType("sleep"), move("sleeper")))


async def test_time_passes_while_the_test_holds_a_call(world: World, worker: ScriptedInvoker) -> None:
    held = worker.hold_execute("other")
    await world.backend.start(StartRequest(WorkflowId("other"), WorkflowType("other"), straight("other")))
    call = await arrival(held)
    await sleep_an_hour(world, worker)
    await asyncio.wrap_future(world.advance(3_600_000))
    assert (await world.backend.describe(ADA)).status is RunStatus.COMPLETED
    call.answer(complete())


async def test_two_who_advance_at_once_take_turns(world: World, worker: ScriptedInvoker) -> None:
    await sleep_an_hour(world, worker)
    began_ms = world.clock.monotonic_ms()
    await asyncio.gather(*(asyncio.wrap_future(world.advance(1_800_000)) for _ in range(2)))
    assert world.clock.monotonic_ms() == began_ms + 3_600_000
    assert (await world.backend.describe(ADA)).status is RunStatus.COMPLETED


async def test_description_does_not_move_time_and_a_wait_does(world: World, worker: ScriptedInvoker) -> None:
    await sleep_an_hour(world, worker)
    for _ in range(3):
        assert (await world.backend.describe(ADA)).status is RunStatus.RUNNING
    assert world.clock.monotonic_ms() == 0
    await world.backend.wait_for_result(ADA)
    assert world.clock.monotonic_ms() == 3_600_000


async def test_wait_for_what_has_happened_moves_no_time(world: World, worker: ScriptedInvoker) -> None:
    await sleep_an_hour(world, worker)
    worker.on_execute("quick", complete())
    await world.backend.start(StartRequest(WorkflowId("quick"), WorkflowType("quick"), straight("quick")))
    await asyncio.wrap_future(world.settle())
    assert (await world.backend.wait_for_result(WorkflowId("quick"))).status is RunStatus.COMPLETED
    assert world.clock.monotonic_ms() == 0


async def test_each_restart_finds_what_was_acknowledged(world: World, worker: ScriptedInvoker) -> None:
    worker.on_wait("sleeper", wait_for(TimerCondition(duration_ms=3_600_000)))
    worker.on_execute("sleeper", complete())
    for number in range(5):
        request = StartRequest(WorkflowId(str(number)), WorkflowType("sleep"), move("sleeper"))
        run_id = await world.backend.start(request)
        await asyncio.to_thread(world.restart)
        assert (await world.backend.describe(WorkflowId(str(number)))).run_id == run_id
    await asyncio.wrap_future(world.advance(3_600_000))
    assert len(worker.requests_of("sleeper")) == 5


def test_closed_world_says_that_it_is_not_open() -> None:
    world = World(lambda _: ScriptedInvoker())
    with pytest.raises(UnavailableError, match="not open"):
        world.advance(1)
    world.open()
    world.close()
    world.close()
    with pytest.raises(UnavailableError, match="not open"):
        world.settle()
