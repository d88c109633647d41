"""What the conformance suite cannot ask: broken journals, many readers, and runs that stay parked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from perdure.engine import open_engine
from perdure.engine.engine import EngineSettings
from perdure.model.conditions import ChannelCondition
from perdure.model.errors import InternalError, UnavailableError
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue, Message
from perdure.testing.conformance.invoker import ScriptedInvoker
from perdure.testing.conformance.lines import move, wait_for
from tests.engine.stage import EngineStage

ADA = WorkflowId("ada")


def asked(name: str, *, first: str = "patient") -> StartRequest:
    return StartRequest(WorkflowId(name), WorkflowType("T"), move(first))


def patient() -> ScriptedInvoker:
    worker = ScriptedInvoker()
    worker.on_wait("patient", wait_for(ChannelCondition("never")))
    return worker


async def test_reading_brings_no_run_back_into_memory(tmp_path: Path) -> None:
    settings = EngineSettings(synchronous="OFF", heartbeat_ms=None, resting_max=0)
    async with EngineStage(tmp_path / "a.db", worker=patient(), settings=settings) as stage:
        await stage.backend.start(asked("ada"))
        await stage.settle()
        assert stage.engine.hot_runs == 0
        assert len((await stage.backend.progress(ADA)).states) == 1
        assert len(await stage.backend.history(ADA)) == 2
        assert stage.engine.hot_runs == 0


async def test_a_journal_that_cannot_be_read_is_shown_up_to_there_and_beyond(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "a.db", worker=patient()) as stage:
        await stage.backend.start(asked("ada"))
        await stage.settle()
        apsw.Connection(str(tmp_path / "a.db")).execute("UPDATE event SET kind = 'of tomorrow' WHERE seq = 2")
        started, unreadable = await stage.backend.history(ADA)
        assert started.texts("workflow_type") == ("T",)
        assert "of this release" in unreadable.texts("unreadable")[0]
        with pytest.raises(InternalError, match=r"the journal of run .* cannot be read"):
            await stage.backend.progress(ADA)


async def test_a_quarantined_run_says_why(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "a.db", worker=patient()) as stage:
        await stage.backend.start(asked("ada"))
        await stage.settle()
        apsw.Connection(str(tmp_path / "a.db")).execute("UPDATE run SET quarantine = 'it broke'")
        progress = await stage.backend.progress(ADA)
        assert (progress.quarantine, progress.states) == ("it broke", ())


async def test_a_history_longer_than_a_page_is_whole(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "a.db", worker=patient()) as stage:
        await stage.backend.start(asked("ada"))
        await asyncio.gather(
            *(stage.backend.publish(ADA, [Message("numbers", EncodedValue(str(n)))]) for n in range(1_100))
        )
        entries = await stage.backend.history(ADA, limit=5_000)
        assert [entry.seq for entry in entries] == list(range(1, 1_104))
        assert entries[-1].kind == "resumed", "so much is cut once"
        assert len(await stage.backend.history(ADA)) == 1_000


def test_a_thread_without_a_loop_reads_where_it_is(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "a.db", patient())
    engine.start()
    try:
        for question in (engine.backend.start(asked("ada")), engine.backend.history(ADA), engine.backend.progress(ADA)):
            with pytest.raises(StopIteration):
                question.send(None)
    finally:
        engine.close()


async def test_a_closed_engine_tells_nothing(tmp_path: Path) -> None:
    stage = EngineStage(tmp_path / "a.db", worker=patient())
    async with stage:
        await stage.backend.start(asked("ada"))
        await stage.backend.history(ADA)
    with pytest.raises(UnavailableError, match="the engine is closed"):
        await stage.backend.history(ADA)
