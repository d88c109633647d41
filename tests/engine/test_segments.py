from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from perdure.engine.hot import fold
from perdure.engine.ledger import Ledger
from perdure.engine.segments import CutPolicy
from perdure.interpreter.events import SignalReceived
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import Failure, StateRequest
from perdure.model.errors import InvalidRequest
from perdure.model.ids import RunId, StateExecutionId, StateId
from perdure.model.options import RetryPolicy, StateOptions
from perdure.model.outcome import RunStatus
from perdure.model.requests import ResetKind, ResetRequest, RpcCall
from perdure.model.value import Message
from perdure.store.rows import EventRow
from tests.engine.script import ADA, Worker, after, done, go_to, signal_on, starting, straight, text, wait_for, writing
from tests.engine.stage import SETTINGS, EngineStage
from tests.engine.test_batch import begun
from tests.engine.test_calls import opened

AT_ONCE = CutPolicy(events_max=1, growth=0)


@pytest.mark.parametrize(
    ("events", "size", "genesis_size", "cut"),
    [(99, 9_000, 100, False), (100, 9_000, 100, True), (1, 1 << 20, 100, True), (500, 9_000, 20_000, False)],
)
def test_long_segments_are_cut_unless_there_is_more_to_remember(
    events: int, size: int, genesis_size: int, cut: bool
) -> None:
    assert CutPolicy().cuts(events, size, genesis_size=genesis_size) is cut


def kinds(rows: Iterable[EventRow]) -> list[str]:
    return [row.event.kind for row in rows]


def test_cut_is_journaled_behind_what_made_the_segment_long() -> None:
    ledger = Ledger(policy=CutPolicy(events_max=3, growth=0))
    run = begun(ledger)
    for expected in (["started", "signal"], ["signal"], ["signal", "resumed"], ["signal"]):
        ledger.journal(run, SignalReceived("letters"), now_ms=1, actor="client")
        ledger.cut(now_ms=2)
        sealed = ledger.take_batch().seal()
        assert kinds(sealed.events) == expected
        assert sealed.runs[0].events == sealed.events[-1].seq == run.events


def test_cut_writes_down_when_the_calls_under_way_began() -> None:
    ledger = Ledger(policy=AT_ONCE)
    run = begun(ledger)
    call = opened()
    run.calls[call.invoke.call_id] = call
    ledger.journal(run, SignalReceived("letters"), now_ms=1, actor="client")
    ledger.cut(now_ms=2)
    (row,) = ledger.take_batch().seal().calls
    assert (row.call_id, row.attempts, row.first_ms) == (7, 1, 100)


def cut_at_once(tmp_path: Path, worker: Worker) -> EngineStage[Worker]:
    return EngineStage(tmp_path / "engine.db", worker=worker, settings=replace(SETTINGS, cut=AT_ONCE, resting_max=0))


def last_segment(stage: EngineStage[Worker]) -> tuple[EventRow, ...]:
    store = stage.engine.store
    key = store.current_runs([ADA])[ADA].key
    return store.load([key])[key].events


async def test_run_goes_on_over_cuts_and_crashes_as_if_nothing_had_happened(tmp_path: Path) -> None:
    worker = Worker(
        {
            "ask?": wait_for(signal_on("letters"), after(60_000)),
            "ask": go_to("only", options=straight()),
            "desk!": writing("k", "by rpc"),
        }
    )
    async with cut_at_once(tmp_path, worker) as stage:
        await stage.backend.start(starting("ask", state=StateOptions()))
        await stage.settle()
        await stage.crash()
        await stage.backend.call_rpc(RpcCall(ADA, "desk", data_loading=LoadingPolicy(locks=("k",))))
        assert kinds(last_segment(stage)) == ["resumed"]
        await stage.crash()
        await stage.backend.signal(ADA, Message("letters", text("dear")))
        await stage.pass_time(59_999)
        assert not worker.calls("ask")
        await stage.crash()
        await stage.pass_time(1)
        assert [len(worker.calls(name)) for name in ("ask?", "ask", "only")] == [1, 1, 1]
        worker.answer(done("end"))
        assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED
        assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("k", text("by rpc")),)


async def test_attempts_are_counted_on_over_a_cut(tmp_path: Path) -> None:
    worker = Worker()
    async with cut_at_once(tmp_path, worker) as stage:
        retry = RetryPolicy(initial_interval_ms=1_000, maximum_attempts=3)
        await stage.backend.start(starting(state=straight(retry=retry)))
        await stage.settle()
        first = worker.requests[0]
        await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("v"))])
        worker.answer(Failure("no"))
        await stage.settle()
        await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("w"))])
        await stage.crash()
        await stage.pass_time(1_000)
        again = worker.requests[-1]
        assert isinstance(first, StateRequest)
        assert isinstance(again, StateRequest)
        assert (again.attempt, again.first_attempt_ms) == (2, first.first_attempt_ms)


async def test_short_journal_is_never_cut(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "engine.db", worker=Worker({"only": done()})) as stage:
        await stage.backend.start(starting())
        await stage.backend.wait_for_result(ADA)
        await asyncio.sleep(0)
        assert kinds(last_segment(stage)) == ["started", "call-succeeded"]
        key = stage.engine.store.current_runs([ADA])[ADA].key
        run, _ = fold(stage.engine.store.load([key])[key])
        assert run.row.run_id == RunId(run.execution.run.run_id)


DAY_MS = 86_400_000


async def test_early_segments_of_a_long_run_are_forgotten_after_their_retention(tmp_path: Path) -> None:
    settings = replace(SETTINGS, cut=AT_ONCE, history_retention_ms=DAY_MS)
    worker = Worker({"only?": wait_for(signal_on("letters")), "only": done("end")})
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=settings) as stage:
        began = stage.clock.now_ms()
        await stage.backend.start(starting("only", state=StateOptions()))
        await stage.settle()
        for n in range(3):
            await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text(str(n)))])
        assert [entry.seq for entry in await stage.backend.history(ADA)] == list(range(1, 10)), "all is young"
        await stage.pass_time(DAY_MS + 1)
        await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("last"))])
        first, *later = await stage.backend.history(ADA)
        assert (first.seq, first.kind) == (9, "resumed")
        assert first.texts("pruned") == ("events 1 to 8 are no longer kept",)
        assert not any(entry.texts("pruned") for entry in later)
        for early in (
            ResetRequest(ADA, ResetKind.BEGINNING),
            ResetRequest(ADA, ResetKind.HISTORY_EVENT_ID, event_id=11),
            ResetRequest(ADA, ResetKind.HISTORY_EVENT_TIME, time_ms=began),
            ResetRequest(ADA, ResetKind.HISTORY_EVENT_TIME),
            ResetRequest(ADA, ResetKind.STATE_ID, state_id=StateId("only")),
            ResetRequest(ADA, ResetKind.STATE_EXECUTION_ID, state_execution_id=StateExecutionId("only-1")),
        ):
            with pytest.raises(InvalidRequest, match="history of this run is kept from event 9 on"):
                await stage.backend.reset(early)
        await stage.crash()
        await stage.backend.reset(ResetRequest(ADA, ResetKind.HISTORY_EVENT_ID, event_id=12, skip_signals=True))
        assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("k", text("2")),)
        await stage.backend.signal(ADA, Message("letters"))
        assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED


async def test_history_is_kept_for_as_long_as_its_run_if_nothing_else_is_said(tmp_path: Path) -> None:
    async with cut_at_once(tmp_path, Worker()) as stage:
        await stage.backend.start(starting(None))
        for n in range(3):
            await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text(str(n)))])
            await stage.pass_time(400 * DAY_MS)
        assert (await stage.backend.history(ADA))[0].kind == "started"
