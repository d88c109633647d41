from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from perdure.blobs.aside import Aside
from perdure.blobs.invoker import BlobInvoker
from perdure.model.attributes import DataAttribute
from perdure.model.calls import Answer, ExecuteAnswer, Failure, RpcAnswer, StateRequest, Writes
from perdure.model.value import EncodedValue
from perdure.testing.clock import VirtualClock
from perdure.testing.conformance.invoker import Request, ScriptedInvoker
from perdure.testing.conformance.invoking import Hands, InvokerConformance
from perdure.testing.conformance.lines import complete
from tests.blobs.hands import blob_hands
from tests.blobs.test_keeper import ADA, LARGE, Desk
from tests.blobs.test_values import CALL, RPC
from tests.worker.hands import hands_here, hands_over_http

SMALL = EncodedValue("small")


class TestBlobInvoker(InvokerConformance):
    """The contract of an invoker, with every value apart."""

    @pytest.fixture
    async def hands(self, tmp_path: Path) -> AsyncIterator[Hands]:
        async with hands_here() as inner, blob_hands(inner, tmp_path) as hands:
            yield hands


class TestBlobInvokerOverHttp(InvokerConformance):
    @pytest.fixture
    async def hands(self, tmp_path: Path) -> AsyncIterator[Hands]:
        async with hands_over_http() as inner, blob_hands(inner, tmp_path) as hands:
            yield hands


class Place:
    """An invoker over a scripted worker, and a store that does what the test says."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder)
        self.worker = ScriptedInvoker()
        self.worker.on_execute("s", complete())
        self.clock = VirtualClock()
        self.aside = Aside(1)
        self.invoker = BlobInvoker(
            self.worker,
            self.desk.keeper,
            aside=self.aside,
            loop=asyncio.get_running_loop(),
            monotonic_ms=self.clock.monotonic_ms,
        )

    def begin(self, request: Request) -> asyncio.Future[Answer | Failure]:
        loop = asyncio.get_running_loop()
        reported: asyncio.Future[Answer | Failure] = loop.create_future()

        def report(result: Answer | Failure) -> None:
            loop.call_soon_threadsafe(reported.set_result, result)

        self.invoker.invoke(request, timeout_ms=1_000, report=report)
        return reported

    async def ask(self, request: Request) -> Answer | Failure:
        async with asyncio.timeout(60):
            return await self.begin(request)

    def shown(self, value: EncodedValue | None) -> StateRequest:
        """Make a request as the engine has it, with *value* as its input."""
        run = replace(CALL.run, workflow_id=ADA)
        return replace(CALL, run=run, call=replace(CALL.call, input=value))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    yield place
    place.invoker.close()
    place.aside.close()


async def test_a_worker_is_sent_whole_values(place: Place) -> None:
    await place.ask(place.shown(place.desk.put()))
    [asked] = place.worker.requests
    assert isinstance(asked, StateRequest)
    assert asked.call.input == LARGE


async def test_what_is_large_in_an_answer_goes_apart_before_it_is_reported(place: Place) -> None:
    place.worker.on_execute("s", complete(LARGE, writes=Writes(data=(DataAttribute("a", LARGE),))))
    answer = await place.ask(place.shown(SMALL))
    assert isinstance(answer, ExecuteAnswer)
    [written] = answer.writes.data
    assert written.value is not None
    assert written.value.data is None
    assert place.desk.paths == {written.value.external_path}
    assert place.desk.keeper.bring_back(answer) == complete(LARGE, writes=Writes(data=(DataAttribute("a", LARGE),)))


async def test_a_call_without_large_values_goes_straight_through(place: Place) -> None:
    reported: list[Answer | Failure] = []
    place.invoker.invoke(place.shown(SMALL), timeout_ms=1_000, report=reported.append)
    assert reported == [complete()], "before `invoke` has returned: no thread, no turn of the loop"


async def test_what_an_rpc_that_writes_nothing_answers_is_not_kept(place: Place) -> None:
    place.worker.on_rpc("rpc", RpcAnswer(LARGE))
    assert await place.ask(RPC) == RpcAnswer(LARGE)
    assert place.desk.paths == set()


async def test_what_cannot_be_loaded_is_a_failed_attempt_and_the_worker_is_not_called(place: Place) -> None:
    kept = place.desk.put()
    (path,) = place.desk.paths
    place.desk.keeper._cache.forget(path)
    place.desk.store.failing = {"get"}
    failure = await place.ask(place.shown(kept))
    assert failure == Failure("cannot get: the network is down", error_type="UnavailableError")
    assert place.worker.requests == []


async def test_what_cannot_be_kept_is_a_failed_attempt(place: Place) -> None:
    place.worker.on_execute("s", complete(LARGE))
    place.desk.store.failing = {"put"}
    failure = await place.ask(place.shown(SMALL))
    assert failure == Failure("cannot put: the network is down", error_type="UnavailableError")


async def test_an_answer_with_a_name_of_ours_and_no_data_is_a_failed_attempt(place: Place) -> None:
    place.worker.on_execute("s", complete(place.desk.put()))
    failure = await place.ask(place.shown(SMALL))
    assert isinstance(failure, Failure)
    assert (failure.error_type, "only the name of a blob" in failure.message) == ("InvalidRequest", True)


async def test_loading_is_part_of_the_time_of_a_call(place: Place) -> None:
    kept = place.desk.put()
    place.desk.keeper._cache.forget(kept.external_path or "")
    place.desk.store.open_gates["get"].clear()
    reported = place.begin(place.shown(kept))
    await asyncio.to_thread(place.desk.store.arrived.wait, 10)
    place.clock.settle_at(1_000)
    place.desk.store.open_gates["get"].set()
    async with asyncio.timeout(60):
        failure = await reported
    assert isinstance(failure, Failure)
    assert failure.timed_out
    assert place.worker.requests == []


async def test_a_closed_one_makes_no_call_that_was_being_prepared(place: Place) -> None:
    kept = place.desk.put()
    place.desk.keeper._cache.forget(kept.external_path or "")
    place.desk.store.open_gates["get"].clear()
    place.begin(place.shown(kept))
    await asyncio.to_thread(place.desk.store.arrived.wait, 10)
    place.invoker.close()
    place.desk.store.open_gates["get"].set()
    await asyncio.wrap_future(place.aside.submit(lambda: None))  # by the one thread, once it has loaded
    await asyncio.sleep(0)
    assert place.worker.requests == []


async def test_a_failure_is_reported_as_it_is(place: Place) -> None:
    place.worker.on_execute("s", Failure("no"))
    assert await place.ask(place.shown(SMALL)) == Failure("no")
