"""Crashes and failing disks at every boundary, by dice: what was acknowledged is there once, and all runs end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from perdure.engine.writer import Done, InlineWriter
from perdure.interpreter.codec import decode_event
from perdure.interpreter.events import SignalReceived
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import Failure, RpcAnswer, RpcRequest, StateAnswer, Writes
from perdure.model.errors import LockConflict, RpcFailed, UnavailableError, WorkflowClosed
from perdure.model.ids import WorkflowId
from perdure.model.options import RetryPolicy, StateOptions
from perdure.model.outcome import RunStatus
from perdure.model.requests import RpcCall
from perdure.model.value import Message
from perdure.store.rows import Batch
from perdure.store.store import Store
from perdure.testing.rule import rule
from tests.engine.script import Request, Worker, after, done, go_to, signal_on, starting, straight, text, wait_for
from tests.engine.stage import EngineStage

RUNS = 6
STEPS = 120
LOCKED = LoadingPolicy(locks=("counted",))


class UnsteadyWriter(InlineWriter):
    """Takes its time, so that a crash may come before a batch is written, and sometimes cannot write."""

    dice = random.Random()
    fails = 0.0
    newest: UnsteadyWriter | None = None

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        UnsteadyWriter.newest = self

    def write(self, batch: Batch, done: Done) -> None:
        if self.dice.random() < self.fails:
            done(UnavailableError("the disk is full"))
            return
        self._later(self.dice.randrange(4), batch, done)

    def _later(self, turns: int, batch: Batch, done: Done) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._later, turns - 1, batch, done)
        elif self is UnsteadyWriter.newest:  # or a crash came first
            super().write(batch, done)


class Play:
    """Clients, a worker that often fails, and what was acknowledged."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.started: list[WorkflowId] = []
        self.signals: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self.unlucky = 0.3
        self._number = 0
        retrying = RetryPolicy(1_000, maximum_interval_ms=2_000)
        self.worker = Worker(
            {
                "fork": partial(self._perhaps, go_to("left", "right")),
                "left?": partial(self._perhaps, wait_for(signal_on("letters"))),
                "left": partial(self._perhaps, go_to("last", options=straight(retrying))),
                "right?": partial(self._perhaps, wait_for(after(3_000))),
                "right": partial(self._perhaps, done("right")),
                "last": partial(self._perhaps, done("left")),
                "count!": self._count,
            }
        )

    def _perhaps(self, answer: StateAnswer, request: Request) -> StateAnswer | Failure:
        return Failure("the dice say no") if self.dice.random() < self.unlucky else answer

    def _count(self, request: Request) -> RpcAnswer | Failure:
        if self.dice.random() < 0.2:
            return Failure("the dice say no")
        assert isinstance(request, RpcRequest)
        before = [item.value.data for item in request.attributes.data if item.value and item.key == "counted"]
        assert request.input is not None
        counted = ",".join([data for data in before if data] + [request.input.data or ""])
        return RpcAnswer(None, Writes(data=(DataAttribute("counted", text(counted)),)))

    async def act(self, stage: EngineStage[Worker]) -> None:
        """One client does one thing; only what was acknowledged counts."""
        self._number += 1
        number = str(self._number)
        verb = self.dice.choice(["start", "signal", "count", "count"])
        if verb == "start" and len(self.started) < RUNS:
            name = WorkflowId(f"w{number}")
            await stage.backend.start(starting("fork", workflow_id=name, state=straight(RetryPolicy(1_000))))
            self.started.append(name)
        elif self.started:
            name = self.dice.choice(self.started)
            if verb == "signal":
                await stage.backend.signal(name, Message("letters", text(number)))
                self.signals[f"{name} {number}"] += 1
            else:
                await stage.backend.call_rpc(RpcCall(name, "count", text(number), data_loading=LOCKED))
                self.counted[f"{name} {number}"] += 1

    async def try_to_act(self, stage: EngineStage[Worker]) -> None:
        try:
            await self.act(stage)
        except (UnavailableError, LockConflict, RpcFailed, WorkflowClosed):
            return  # It is not known whether it happened, or it did not.


@rule("C1", "C3")
@pytest.mark.parametrize("seed", range(25))
async def test_what_was_acknowledged_survives_and_every_run_ends(tmp_path: Path, seed: int) -> None:
    play = Play(seed)
    UnsteadyWriter.dice, UnsteadyWriter.fails = play.dice, 0.05
    stage = EngineStage(tmp_path / "engine.db", worker=play.worker, make_writer=UnsteadyWriter)
    acting: list[asyncio.Task[None]] = []
    async with stage:
        for _ in range(STEPS):
            fate = play.dice.random()
            if fate < 0.5:
                acting.append(asyncio.create_task(play.try_to_act(stage)))
            elif fate < 0.9:
                for _ in range(play.dice.randrange(6)):
                    await asyncio.sleep(0)
            elif fate < 0.95:
                stage.clock.step()
            else:
                await stage.crash()
        await stage.crash()
        for task in acting:
            task.cancel()
        await asyncio.gather(*acting, return_exceptions=True)
        UnsteadyWriter.fails = play.unlucky = 0.0
        await _let_all_end(play, stage)
        _check(play, stage.engine.store)


async def _let_all_end(play: Play, stage: EngineStage[Worker]) -> None:
    await stage.pass_time(150_000)
    names = [run.workflow_id for run in (await stage.backend.search()).runs]
    assert set(play.started) <= set(names)
    for name in names:
        if (await stage.backend.describe(name)).status is RunStatus.RUNNING:
            await stage.backend.signal(name, Message("letters", text("the last")))
    await stage.pass_time(150_000)
    for name in names:
        info = await stage.backend.describe(name)
        assert info.status is RunStatus.COMPLETED, f"{name} hangs"
        assert info.outcome is not None
        assert info.outcome.results is not None
        assert Counter(result.output.data for result in info.outcome.results) == {"left": 1, "right": 1}


def _check(play: Play, store: Store) -> None:
    assert store.check() == ()
    assert not store.busy_runs()
    for name in play.started:
        (row,) = store.runs_of(name)
        assert row.deadline_ms is None
        found = Counter(
            event.value.data
            for line in store.journal(row.key)
            if isinstance(event := decode_event(line.event), SignalReceived) and event.value
        )
        for told in play.signals:
            if told.split()[0] == name:
                assert found[told.split()[1]] == 1, told
        assert max(found.values(), default=1) == 1, "no signal came twice"


@pytest.mark.parametrize("seed", range(25, 30))
async def test_locked_counts_lose_nothing(tmp_path: Path, seed: int) -> None:
    """The counting RPC reads and writes under its lock: what one wrote the next one sees."""
    play = Play(seed)
    UnsteadyWriter.dice, UnsteadyWriter.fails = play.dice, 0.05
    name = WorkflowId("counted")
    stage = EngineStage(tmp_path / "engine.db", worker=play.worker, make_writer=UnsteadyWriter)
    async with stage:
        UnsteadyWriter.fails = 0.0
        await stage.backend.start(starting(None, workflow_id=name, state=StateOptions()))
        UnsteadyWriter.fails = 0.05
        play.started += [name] * RUNS
        acting: list[asyncio.Task[None]] = []
        for _ in range(STEPS):
            acting.append(asyncio.create_task(play.try_to_act(stage)))
            for _ in range(play.dice.randrange(8)):
                await asyncio.sleep(0)
            if play.dice.random() < 0.05:
                await stage.crash()
        UnsteadyWriter.fails = 0.0
        await stage.crash()
        for task in acting:
            task.cancel()
        await asyncio.gather(*acting, return_exceptions=True)
        data = {item.key: item.value for item in await stage.backend.get_data_attributes(name)}
    counted = data.get("counted")
    found = Counter((counted.data or "").split(",")) if counted else Counter[str]()
    assert play.counted, "some were acknowledged"
    assert [told for told in play.counted if found[told.split()[1]] != 1] == []
    assert max(found.values()) == 1
