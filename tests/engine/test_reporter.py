"""What an observer is told of a real engine, to the last figure."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from perdure.engine.writer import Done, InlineWriter
from perdure.model.calls import Failure
from perdure.model.errors import UnavailableError
from perdure.model.ids import WorkflowId
from perdure.model.options import RetryPolicy, StateOptions
from perdure.model.outcome import RunStatus, StopKind
from perdure.model.requests import RpcCall
from perdure.ports.observer import CallEnded, CallOutcome, Commit
from perdure.store.rows import Batch
from perdure.store.store import Store
from perdure.testing.clock import VirtualClock
from tests.engine.script import ADA, KIND, Worker, after, done, go_to, starting, straight, wait_for, writing
from tests.engine.stage import SETTINGS, EngineStage

BOB = WorkflowId("bob")


class Tally:
    """An observer that keeps all it is told."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.calls: list[CallEnded] = []
        self.lateness_ms: list[int] = []
        self.lags_ms: list[int] = []
        self.failed = 0

    def committed(self, commit: Commit) -> None:
        self.commits.append(commit)

    def commit_failed(self) -> None:
        self.failed += 1

    def calls_ended(self, calls: Sequence[CallEnded]) -> None:
        self.calls.extend(calls)

    def timers_passed(self, lateness_ms: Sequence[int]) -> None:
        self.lateness_ms.extend(lateness_ms)

    def loop_lagged(self, lag_ms: int) -> None:
        self.lags_ms.append(lag_ms)

    @property
    def started(self) -> list[str]:
        return [kind for commit in self.commits for kind in commit.started]

    @property
    def closed(self) -> list[RunStatus]:
        return [status for commit in self.commits for _, status in commit.closed]


async def test_a_run_of_two_steps_is_counted_to_the_event(tmp_path: Path) -> None:
    tally = Tally()
    worker = Worker({"one": go_to("two", options=straight()), "two": done("over")})
    async with EngineStage(tmp_path / "engine.db", worker=worker, observer=tally) as stage:
        await stage.backend.start(starting("one"))
        await stage.settle()
        (key,) = stage.engine.store.load([stage.engine.store.last_key()])
        journal = stage.engine.store.journal(key)
    assert tally.started == [KIND]
    assert tally.closed == [RunStatus.COMPLETED]
    assert tally.calls == [CallEnded(KIND, "execute", 1, CallOutcome.SUCCESS, 0)] * 2
    assert sum(commit.events for commit in tally.commits) == len(journal)
    assert all(commit.runs == 1 and commit.took_seconds > 0 for commit in tally.commits)
    assert tally.failed == sum(commit.quarantined for commit in tally.commits) == 0


async def test_every_way_a_call_can_end_is_told_with_the_number_of_its_attempt(tmp_path: Path) -> None:
    tally = Tally()
    worker = Worker({"only": [Failure("no mail today"), None, done()], "tell!": writing("k", "v")})
    async with EngineStage(tmp_path / "engine.db", worker=worker, observer=tally) as stage:
        await stage.backend.start(starting("only", state=straight(timeout_ms=5_000)))
        await stage.pass_time(7_000)
        await stage.backend.call_rpc(RpcCall(ADA, "tell"))
        await stage.pass_time(10_000)
    ended = [(call.method, call.attempt, call.outcome.value, call.took_ms) for call in tally.calls]
    assert ended == [
        ("execute", 1, "failure", 0),
        ("execute", 2, "timeout", 5_000),
        ("rpc", 1, "success", 0),
        ("execute", 3, "success", 0),
    ]


async def test_every_end_of_a_run_is_counted_once_by_its_status(tmp_path: Path) -> None:
    tally = Tally()
    async with EngineStage(tmp_path / "engine.db", worker=Worker(), observer=tally) as stage:
        for kind in StopKind:
            await stage.backend.start(starting(workflow_id=WorkflowId(kind.value)))
            await stage.backend.stop(WorkflowId(kind.value), kind)
        await stage.backend.stop(WorkflowId("CANCEL"))
        await stage.settle()
    assert Counter(tally.closed) == {RunStatus.CANCELED: 1, RunStatus.TERMINATED: 1, RunStatus.FAILED: 1}
    assert len(tally.started) == 3


class FailsOnce(InlineWriter):
    """Refuses the batch a test points at."""

    refused: int | None = None

    def write(self, batch: Batch, done: Done) -> None:
        if self.refused is not None:
            self.refused -= 1
            if self.refused == 0:
                self.refused = None
                done(UnavailableError("the disk is full"))
                return
        super().write(batch, done)


async def test_what_a_failed_commit_took_back_counts_when_it_is_written_and_once(tmp_path: Path) -> None:
    tally = Tally()
    writers: list[FailsOnce] = []

    def make(store: Store) -> FailsOnce:
        writers.append(FailsOnce(store))
        return writers[-1]

    worker = Worker()
    async with EngineStage(tmp_path / "engine.db", worker=worker, observer=tally, make_writer=make) as stage:
        await stage.backend.start(starting())
        await stage.settle()
        writers[0].refused = 1
        worker.answer(done())
        await stage.settle()
        assert (tally.failed, tally.closed, len(tally.calls)) == (1, [], 1)
        await stage.pass_time(10_000)
    assert (tally.failed, tally.closed, len(tally.calls)) == (1, [RunStatus.COMPLETED], 1)


async def test_a_timer_is_as_late_as_the_engine_came_after_its_moment(tmp_path: Path) -> None:
    tally = Tally()
    worker = Worker({"only?": wait_for(after(60_000)), "only": done()})
    settings = replace(SETTINGS, heartbeat_ms=1_000)
    async with EngineStage(tmp_path / "engine.db", worker=worker, observer=tally, settings=settings) as stage:
        await stage.backend.start(starting(state=StateOptions()))
        await stage.pass_time(60_000)
        assert tally.lateness_ms == [0]
        await stage.backend.start(starting(state=StateOptions(), workflow_id=BOB))
        await stage.settle()
        stage.clock.shift_wall(timedelta(seconds=90))
        await stage.pass_time(1_000)
    assert len(tally.lateness_ms) == 2
    assert 30_000 <= tally.lateness_ms[1] <= 31_000


class LateClock(VirtualClock):
    """Calls are made 7 ms late, as by a loop that has other things to do."""

    def call_later(self, delay_ms: int, callback: Callable[[], None]) -> Any:
        return super().call_later(delay_ms + 7, callback)


async def test_a_loop_that_comes_late_says_by_how_much(tmp_path: Path) -> None:
    tally = Tally()
    settings = replace(SETTINGS, heartbeat_ms=1_000)
    stage = EngineStage(tmp_path / "engine.db", worker=Worker(), clock=LateClock(), observer=tally, settings=settings)
    async with stage:
        await stage.pass_time(3_021)
    assert tally.lags_ms == [7, 7, 7]


class Raising(Tally):
    def committed(self, commit: Commit) -> None:
        raise ZeroDivisionError

    def calls_ended(self, calls: Sequence[CallEnded]) -> None:
        raise ZeroDivisionError


async def test_an_observer_that_raises_stops_nothing_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker({"only": done()})
    async with EngineStage(tmp_path / "engine.db", worker=worker, observer=Raising()) as stage:
        await stage.backend.start(starting())
        info = await stage.backend.wait_for_result(ADA)
    assert info.status is RunStatus.COMPLETED
    assert "an observer raised" in caplog.text


async def test_a_run_that_fails_is_one_line_with_its_names_and_no_value(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    once = straight(RetryPolicy(maximum_attempts=1))
    with caplog.at_level(logging.INFO, "perdure.engine.reporter"):
        async with EngineStage(tmp_path / "engine.db", worker=Worker({"only": Failure("no", "E")})) as stage:
            run_id = await stage.backend.start(starting(state=once))
            await stage.settle()
    (line,) = [record for record in caplog.records if record.name == "perdure.engine.reporter"]
    assert line.getMessage() == "a run of workflow 'ada' ended: FAILED"
    assert (line.__dict__["workflow_id"], line.__dict__["run_id"]) == (ADA, run_id)
    assert line.__dict__["workflow_type"] == KIND
    assert line.__dict__["error_type"] == "STATE_API_FAIL_ERROR_TYPE"
    assert "input" not in str(line.__dict__)


async def test_begins_and_good_ends_are_lines_for_who_wants_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "perdure.engine.reporter"):
        async with EngineStage(tmp_path / "engine.db", worker=Worker({"only": done()})) as stage:
            await stage.backend.start(starting())
            await stage.settle()
    lines = [record.getMessage() for record in caplog.records if record.name == "perdure.engine.reporter"]
    assert lines == ["a run of workflow 'ada' began", "a run of workflow 'ada' ended: COMPLETED"]
