"""Crashes between a value's being kept and its name's being written, retention, and a process that is killed."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.engine.apart import Apart
from perdure.engine.engine import Engine, EngineSettings, open_engine
from perdure.engine.writer import Done, InlineWriter
from perdure.model.attributes import DataAttribute
from perdure.model.calls import StateRequest
from perdure.model.errors import InvalidRequest, UnavailableError, WorkflowAlreadyStarted
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.requests import ResetKind, ResetRequest, StartRequest
from perdure.model.value import EncodedValue, Message
from perdure.store.reader import Reader
from perdure.store.rows import Batch, RunKey
from perdure.store.store import Store
from perdure.testing.conformance.invoker import ScriptedInvoker
from perdure.testing.conformance.lines import complete, go_to, straight
from tests.blobs.stores import TestedStore
from tests.engine.stage import EngineStage
from tests.engine.test_kill import COMMANDS_A_LIFE, Life

ADA = WorkflowId("ada")
KIND = WorkflowType("T")
LARGE = EncodedValue("x" * 1_000, "json")


class FullDisk(InlineWriter):
    """Writes nothing while there is no room."""

    is_full = False

    def write(self, batch: Batch, done: Done) -> None:
        if FullDisk.is_full:
            done(UnavailableError("the disk is full"))
        else:
            super().write(batch, done)


def settings(folder: Path, *, min_age_ms: int = 0, retention_ms: int | None = None) -> EngineSettings:
    blobs = Blobs(BlobFolder(folder / "blobs"), threshold_bytes=100, min_age_ms=min_age_ms)
    return EngineSettings(synchronous="OFF", heartbeat_ms=None, hang_grace_ms=0, blobs=blobs, retention_ms=retention_ms)


def apart(engine: Engine) -> Apart:
    assert engine._apart is not None
    return engine._apart


def paths(folder: Path) -> set[str]:
    return {blob.path for blob in BlobFolder(folder / "blobs").list("")}


async def test_a_value_whose_name_was_never_written_is_an_orphan_and_goes(tmp_path: Path) -> None:
    async with EngineStage(
        tmp_path / "e.db", worker=ScriptedInvoker(), settings=settings(tmp_path), make_writer=FullDisk
    ) as stage:
        stage.worker.on_execute("s", complete(LARGE))
        await stage.backend.start(StartRequest(ADA, KIND, straight("s"), data=(DataAttribute("a", LARGE),)))
        FullDisk.is_full = True
        try:
            with pytest.raises(UnavailableError, match="the disk is full"):
                await stage.backend.set_data_attributes(ADA, [DataAttribute("b", EncodedValue("y" * 1_000))])
        finally:
            FullDisk.is_full = False
        assert len(paths(tmp_path)) == 2
        assert apart(stage.engine).sweeper.sweep() == 0, "nobody knows yet that it was never written"
        await stage.crash()
        assert apart(stage.engine).sweeper.sweep() == 1
        assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("a", LARGE),)


async def test_values_of_runs_that_are_no_longer_kept_go(tmp_path: Path) -> None:
    async with EngineStage(
        tmp_path / "e.db", worker=ScriptedInvoker(), settings=settings(tmp_path, retention_ms=1_000)
    ) as stage:
        for workflow_id, value in ((ADA, "x"), (WorkflowId("bob"), "y")):
            data = (DataAttribute("a", EncodedValue(value * 1_000)),)
            await stage.backend.start(StartRequest(workflow_id, KIND, data=data))
        await stage.backend.stop(ADA)
        await stage.pass_time(200_000)
        assert apart(stage.engine).sweeper.sweep() == 1
        [left] = await stage.backend.get_data_attributes(WorkflowId("bob"))
        assert left.value == EncodedValue("y" * 1_000)


async def test_cleaning_at_any_moment_takes_nothing_that_a_run_needs(tmp_path: Path) -> None:
    dice = random.Random(20261124)
    async with EngineStage(tmp_path / "e.db", worker=ScriptedInvoker(), settings=settings(tmp_path)) as stage:
        stage.worker.on_execute("s", go_to(straight("t", value=LARGE)))
        stage.worker.on_execute("t", lambda asked: complete(LARGE))
        for number in range(60):
            name = WorkflowId(f"w{dice.randrange(10)}")
            value = EncodedValue(str(dice.randrange(3)) * 500)
            match dice.randrange(5):
                case 0 | 1:
                    first = straight("s", value=value) if number % 2 else None
                    with suppress(WorkflowAlreadyStarted):
                        await stage.backend.start(StartRequest(name, KIND, first, data=(DataAttribute("a", value),)))
                case 2:
                    for run in (await stage.backend.search()).runs:
                        if not run.status.closed:
                            await stage.backend.signal(run.workflow_id, Message("c", value))
                            break
                case 3:
                    await stage.crash()
                case _:
                    await stage.settle()
            apart(stage.engine).sweeper.sweep()
            for run in (await stage.backend.search()).runs:
                for attribute in await stage.backend.get_data_attributes(run.workflow_id, run_id=run.run_id):
                    assert attribute.value is not None
                    assert attribute.value.data
                await stage.backend.describe(run.workflow_id, run_id=run.run_id)
        assert paths(tmp_path)


def test_a_process_that_is_killed_leaves_nothing_named_that_is_missing(tmp_path: Path) -> None:
    path, folder = tmp_path / "engine.db", tmp_path / "blobs"
    dice = random.Random(20261124)
    started: list[str] = []
    for life in range(3):
        child = Life(path, folder)
        commands = []
        for number in range(COMMANDS_A_LIFE):
            new = not started or dice.random() < 0.5
            name = f"w{life}-{number}" if new else dice.choice(started)
            commands.append(f"start {name}" if new else f"signal {name} {life}-{number}")
        child.tell(commands)
        said = child.kill_after(dice.randrange(COMMANDS_A_LIFE // 3, COMMANDS_A_LIFE))
        started += [line.split()[1] for line in said if line.startswith("start")]
    store = Store.open(path)
    reader = Reader.open(path)
    owner = store.file_id()
    store.close()
    runs = dict(reader.workflows(after=RunKey(0), limit=10_000))
    named = reader.external_paths(runs)
    reader.close()
    kept = paths(tmp_path)
    assert len(runs) > 20
    assert len(named) > 20
    assert all(each.startswith(owner) for each in kept)
    assert named <= kept, "whatever is named is there"
    blobs = Blobs(BlobFolder(folder), threshold_bytes=0, min_age_ms=0)
    engine = open_engine(path, ScriptedInvoker(), settings=EngineSettings(blobs=blobs))
    try:
        removed = apart(engine).keeper.clean(before_ms=4_000_000_000_000)
        assert removed == len(kept - named)
        assert paths(tmp_path) == named, "and what is not named is gone"
    finally:
        engine.close()


def test_a_store_that_cannot_be_used_keeps_an_engine_from_opening_and_the_file_free(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("in the way")
    with pytest.raises(InvalidRequest, match="for large values cannot be used"):
        open_engine(tmp_path / "e.db", ScriptedInvoker(), settings=settings(tmp_path))
    (tmp_path / "blobs").unlink()
    open_engine(tmp_path / "e.db", ScriptedInvoker(), settings=settings(tmp_path)).close()


def test_stores_are_closed_with_the_engine(tmp_path: Path) -> None:
    store = TestedStore(BlobFolder(tmp_path / "blobs"))
    engine = open_engine(tmp_path / "e.db", ScriptedInvoker(), settings=EngineSettings(blobs=Blobs(store)))
    engine.start()
    engine.close()
    assert store.asked == ["open", "close"]


async def test_a_restored_copy_reads_what_the_original_kept_cleans_none_of_it_and_erases_it(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    async with EngineStage(tmp_path / "e.db", worker=ScriptedInvoker(), settings=settings(tmp_path)) as original:
        for workflow_id in (ADA, WorkflowId("bob")):
            await original.backend.start(StartRequest(workflow_id, KIND, data=(DataAttribute("a", LARGE),)))
        original.engine.store.backup(tmp_path / "copy" / "e.db")
        await original.backend.set_data_attributes(ADA, [DataAttribute("b", EncodedValue("later" * 100))])
    kept = paths(tmp_path)
    copy = Store.open(tmp_path / "copy" / "e.db")
    copy.resume()
    copy.close()
    async with EngineStage(tmp_path / "copy" / "e.db", worker=ScriptedInvoker(), settings=settings(tmp_path)) as stage:
        assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("a", LARGE),)
        assert apart(stage.engine).sweeper.sweep() == 0
        assert paths(tmp_path) == kept
        await stage.backend.stop(ADA)
        named = apart(stage.engine).keeper.names_of(ADA)
        await stage.backend.erase(ADA)
        assert paths(tmp_path) == kept - named
        assert await stage.backend.get_data_attributes(WorkflowId("bob")) == (DataAttribute("a", LARGE),)


async def test_a_reset_run_has_the_values_of_the_run_it_goes_back_in(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "e.db", worker=ScriptedInvoker(), settings=settings(tmp_path)) as stage:
        stage.worker.on_execute("s", complete(LARGE))
        await stage.backend.start(StartRequest(ADA, KIND, straight("s", value=EncodedValue("in" * 500))))
        await stage.settle()
        await stage.backend.reset(ResetRequest(ADA, ResetKind.BEGINNING))
        await stage.settle()
        assert apart(stage.engine).sweeper.sweep() == 0
        calls = [asked for asked in stage.worker.requests_of("s") if isinstance(asked, StateRequest)]
        assert [asked.call.input for asked in calls] == [EncodedValue("in" * 500)] * 2
        assert len(paths(tmp_path)) == 2
