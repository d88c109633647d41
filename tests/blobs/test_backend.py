"""What is large is in the store and nowhere else, and nobody sees that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.engine.backend import EmbeddedBackend
from perdure.engine.engine import EngineSettings, open_engine
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import RpcAnswer, RpcRequest, StateRequest, Writes
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.model.history import HistoryEntry
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.requests import RpcCall, StartRequest
from perdure.model.value import EncodedValue, Message
from perdure.ports.blob_store import loader_of
from perdure.ports.dumper import dumper_of
from perdure.ports.inspector import inspector_of
from perdure.testing.conformance.backend import BackendConformance
from perdure.testing.conformance.dumping import DumperConformance
from perdure.testing.conformance.inspection import InspectorConformance
from perdure.testing.conformance.invoker import ScriptedInvoker
from perdure.testing.conformance.lines import complete, go_to, straight
from tests.blobs.stores import TestedStore
from tests.engine.stage import EngineStage


def settings(folder: Path, *, threshold_bytes: int = 0) -> EngineSettings:
    blobs = Blobs(BlobFolder(folder), threshold_bytes=threshold_bytes)
    return EngineSettings(synchronous="OFF", heartbeat_ms=None, hang_grace_ms=0, blobs=blobs)


class TestBlobBackend(BackendConformance, InspectorConformance, DumperConformance):
    """The whole contract, with every value apart."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[EngineStage[ScriptedInvoker]]:
        stage = EngineStage(tmp_path / "engine.db", worker=ScriptedInvoker(), settings=settings(tmp_path / "blobs"))
        async with stage:
            yield stage


# What the contract does not say: where values are, what happens to a store that fails, and what it costs

ADA = WorkflowId("ada")
LARGE = EncodedValue("large-" * 1_000, "words")


class World(EngineStage[ScriptedInvoker]):
    """An engine whose store does what the test says; a threshold that some values stay under."""

    def __init__(self, folder: Path) -> None:
        self.folder = BlobFolder(folder / "blobs")
        self.store = TestedStore(self.folder)
        blobs = Blobs(self.store, threshold_bytes=1_000, cache_characters=0)
        settings = EngineSettings(synchronous="OFF", heartbeat_ms=None, hang_grace_ms=0, blobs=blobs)
        super().__init__(folder / "engine.db", worker=ScriptedInvoker(), settings=settings)

    @property
    def paths(self) -> set[str]:
        return {blob.path for blob in self.folder.list("")}

    def in_the_file(self, text: str) -> bool:
        files = [self.path, self.path.with_name(self.path.name + "-wal")]
        return any(text.encode() in file.read_bytes() for file in files if file.exists())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


def request(*, value: EncodedValue | None = LARGE, workflow_id: WorkflowId = ADA) -> StartRequest:
    return StartRequest(workflow_id, WorkflowType("T"), straight("s", value=value))


async def write(world: World, value: EncodedValue) -> None:
    await world.backend.set_data_attributes(ADA, [DataAttribute("a", value)])


async def test_what_is_large_is_in_the_store_and_not_in_the_file(world: World) -> None:
    world.worker.on_execute("s", lambda asked: complete(EncodedValue("output-" * 1_000, "words")))
    await world.backend.start(request())
    info = await world.backend.wait_for_result(ADA)
    assert info.outcome is not None
    assert info.outcome.results is not None
    assert info.outcome.results[0].output == EncodedValue("output-" * 1_000, "words")
    [asked] = world.worker.requests_of("s")
    assert isinstance(asked, StateRequest)
    assert asked.call.input == LARGE
    assert len(world.paths) == 2
    assert not world.in_the_file("large-large-")
    assert not world.in_the_file("output-output-")
    dumper = dumper_of(world.backend)
    assert dumper is not None
    assert LARGE in [named.value for entry in await history(world) for named in entry.values]
    assert (await dumper.dump(ADA)).outputs[0].output.data == "output-" * 1_000


async def history(world: World) -> tuple[HistoryEntry, ...]:
    inspector = inspector_of(world.backend)
    assert inspector is not None
    return await inspector.history(ADA)


async def test_a_value_that_goes_on_from_state_to_state_is_kept_once(world: World) -> None:
    world.worker.on_execute("s", go_to(straight("t", value=LARGE)))
    world.worker.on_execute("t", complete(LARGE))
    await world.backend.start(request())
    await world.settle()
    assert len(world.paths) == 1


@pytest.mark.parametrize("fails", ["put", "get"])
async def test_a_store_that_is_away_makes_what_needs_it_unavailable_and_nothing_else(world: World, fails: str) -> None:
    world.worker.on_execute("s", complete())
    await world.backend.start(request(value=None))
    await world.settle()
    await world.backend.start(request(workflow_id=WorkflowId("bob"), value=None))
    world.worker.on_rpc("write", RpcAnswer(LARGE, Writes(messages=(Message("c"),))))
    idle = WorkflowId("idle")
    await world.backend.start(StartRequest(idle, WorkflowType("T"), data=(DataAttribute("a", LARGE),)))
    world.store.failing = {fails}
    before = await world.backend.search()
    if fails == "put":
        for asked in (
            world.backend.start(request(workflow_id=WorkflowId("new"))),
            world.backend.signal(idle, Message("c", LARGE)),
            world.backend.publish(idle, [Message("c", LARGE)]),
            world.backend.set_data_attributes(idle, [DataAttribute("b", LARGE)]),
            world.backend.call_rpc(RpcCall(idle, "write", LARGE, data_loading=LoadingPolicy(locks=("a",)))),
        ):
            with pytest.raises(UnavailableError, match="the network is down"):
                await asked
        inspector = inspector_of(world.backend)
        assert inspector is not None
        assert len(await inspector.history(idle)) == 1, "nothing was journaled"
    else:
        with pytest.raises(UnavailableError, match="the network is down"):
            await world.backend.get_data_attributes(idle)
    await world.backend.signal(idle, Message("c", EncodedValue("small")))
    assert (await world.backend.search()).runs == before.runs


async def test_small_values_ask_nothing_of_the_store_and_are_handed_on_as_they_are(world: World) -> None:
    world.store.asked.clear()
    world.worker.on_execute("s", complete(EncodedValue("small")))
    asked = world.backend.start(request(value=EncodedValue("small")))
    assert asked.cr_code is EmbeddedBackend.start.__code__, "there is nothing in between"  # type: ignore[attr-defined]  # of every coroutine
    await asked
    await world.backend.wait_for_result(ADA)
    assert world.store.asked == []


async def test_what_an_rpc_reads_is_not_written_anywhere(world: World) -> None:
    world.worker.on_rpc("echo", lambda asked: RpcAnswer(asked.input if isinstance(asked, RpcRequest) else None))
    await world.backend.start(StartRequest(ADA, WorkflowType("T")))
    assert await world.backend.call_rpc(RpcCall(ADA, "echo", LARGE)) == LARGE
    assert world.paths == set()


async def test_what_an_rpc_writes_is_apart_and_comes_back(world: World) -> None:
    world.worker.on_rpc("write", lambda asked: RpcAnswer(LARGE, Writes(data=(DataAttribute("a", LARGE),))))
    await world.backend.start(StartRequest(ADA, WorkflowType("T")))
    for locks in (None, ("a",)):
        call = RpcCall(ADA, "write", EncodedValue("in-" * 1_000), data_loading=LoadingPolicy(locks=locks))
        assert await world.backend.call_rpc(call) == LARGE
    assert await world.backend.get_data_attributes(ADA) == (DataAttribute("a", LARGE),)
    assert len(world.paths) == 2
    assert not world.in_the_file("large-large-")


async def test_a_name_is_loaded_and_one_that_leads_nowhere_is_refused(world: World) -> None:
    await world.backend.start(StartRequest(ADA, WorkflowType("T"), data=(DataAttribute("a", LARGE),)))
    [path] = world.paths
    loader = loader_of(world.backend)
    assert loader is not None
    assert await loader.load_value(EncodedValue(None, "words", "folder", path)) == LARGE
    with pytest.raises(InvalidRequest, match="found the store 's3'"):
        await loader.load_value(EncodedValue(None, "words", "s3", path))


async def test_a_caller_who_goes_away_while_a_value_is_put_takes_nothing_with_him(world: World) -> None:
    await world.backend.start(StartRequest(ADA, WorkflowType("T")))
    world.store.open_gates["put"].clear()
    writing = asyncio.create_task(write(world, LARGE))
    await asyncio.to_thread(world.store.arrived.wait, 10)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    world.store.open_gates["put"].set()
    await world.backend.set_data_attributes(ADA, [DataAttribute("b", EncodedValue("small"))])
    assert await world.backend.get_data_attributes(ADA, ["a"]) == ()


async def test_the_engine_goes_on_while_a_store_is_slow(world: World) -> None:
    await world.backend.start(StartRequest(ADA, WorkflowType("T")))
    world.store.open_gates["put"].clear()
    writing = asyncio.create_task(write(world, LARGE))
    await asyncio.to_thread(world.store.arrived.wait, 10)
    await world.backend.set_data_attributes(ADA, [DataAttribute("b", EncodedValue("small"))])
    assert not writing.done()
    world.store.open_gates["put"].set()
    await writing
    assert await world.backend.get_data_attributes(ADA, ["a"]) == (DataAttribute("a", LARGE),)


async def test_erasing_a_person_takes_the_blobs_and_leaves_those_of_others(world: World) -> None:
    world.worker.on_execute("s", complete(LARGE))
    for workflow_id in (ADA, WorkflowId("bob")):
        await world.backend.start(request(workflow_id=workflow_id))
        await world.backend.wait_for_result(workflow_id)
    before = world.paths
    await world.backend.erase(ADA)
    assert len(world.paths) == 1
    assert world.paths < before
    info = await world.backend.wait_for_result(WorkflowId("bob"))
    assert info.outcome is not None
    assert info.outcome.results is not None
    assert info.outcome.results[0].output == LARGE


async def test_an_erasing_that_does_not_reach_the_store_says_so_and_is_done_again(world: World) -> None:
    world.worker.on_execute("s", complete(LARGE))
    await world.backend.start(request())
    await world.backend.wait_for_result(ADA)
    world.store.failing = {"delete"}
    with pytest.raises(UnavailableError, match=r"is erased in the database, and large values .* Erase it again"):
        await world.backend.erase(ADA)
    world.store.failing = set()
    await world.backend.erase(ADA)
    assert world.paths == set()


async def test_erasing_is_refused_before_anything_is_removed(world: World) -> None:
    await world.backend.start(StartRequest(ADA, WorkflowType("T"), data=(DataAttribute("a", LARGE),)))
    with pytest.raises(InvalidRequest, match="is open"):
        await world.backend.erase(ADA)
    assert await world.backend.get_data_attributes(ADA) == (DataAttribute("a", LARGE),)


def test_in_a_thread_without_a_loop_nothing_suspends(tmp_path: Path) -> None:
    blobs = Blobs(BlobFolder(tmp_path / "blobs"), threshold_bytes=0)
    engine = open_engine(tmp_path / "engine.db", ScriptedInvoker(), settings=EngineSettings(blobs=blobs))
    engine.start()
    try:
        start = engine.backend.start(StartRequest(ADA, WorkflowType("T"), data=(DataAttribute("a", LARGE),)))
        read = engine.backend.get_data_attributes(ADA)
        answers = []
        for asked in (start, read):
            with pytest.raises(StopIteration) as done:
                asked.send(None)
            answers.append(done.value.value)
        assert answers[1] == (DataAttribute("a", LARGE),)
    finally:
        engine.close()
