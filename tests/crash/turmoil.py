"""An engine, a few workflows, and everything at once that callers, workers, the clock and a disk can do to them.

A seed decides all of it. Nothing is expected of a single answer: what must hold is that the engine comes to rest,
that the file is well for the doctor, and that each run is what its journal says, however it is folded.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from perdure.engine.doctor import examine
from perdure.engine.engine import EngineSettings
from perdure.engine.hot import fold
from perdure.engine.inputs import Prune
from perdure.engine.inspector import events_of
from perdure.engine.segments import CutPolicy
from perdure.engine.writer import Done, InlineWriter
from perdure.interpreter.codec import decode_event
from perdure.interpreter.execution import Execution
from perdure.model.errors import InternalError, RequestError, RpcFailed, UnavailableError, WaitTimedOut
from perdure.model.ids import StateExecutionId, StateId, WorkflowId
from perdure.model.outcome import StopKind
from perdure.model.requests import ResetKind, ResetRequest, RpcCall, StateWait, TimerRef
from perdure.model.value import ERASED, Message
from perdure.store.reader import Reader
from perdure.store.rows import Batch, EventRow, RunRow
from perdure.store.store import Store
from tests.crash.whims import LOCK_ONE, LOCK_TWO, STATES, Whims
from tests.engine.script import Line, Worker, name_of
from tests.engine.stage import SETTINGS, EngineStage

WORKFLOWS = tuple(WorkflowId(f"w{number}") for number in range(4))
LOOK_EVERY = 10
RESTS_WITHIN_S = 120
REFUSED = "the store refuses"
"""What the doctor and a run's row say of a run whose content was not taken: that is what was done to it."""


class UnsureDisk(InlineWriter):
    """Refuses a batch now and then, as a full disk does or for what is in it, and takes its time with others."""

    def __init__(
        self, store: Store, *, dice: Random, refused: Callable[[], float], is_slow: Callable[[], bool]
    ) -> None:
        super().__init__(store)
        self._dice = dice
        self._refused = refused
        self._is_slow = is_slow
        self._is_closed = False

    def close(self) -> None:
        """Write nothing more: whoever has the file then may not be surprised."""
        self._is_closed = True

    def write(self, batch: Batch, done: Done) -> None:
        fate = self._dice.random()
        if fate < self._refused() / 2:
            done(UnavailableError("the disk is full"))
        elif fate < self._refused() * 0.75:
            done(InternalError("this content is not taken"))
        else:
            self._later(self._dice.choice((0, 0, 1, 3, 8)) if self._is_slow() else 0, batch, done)

    def _later(self, turns: int, batch: Batch, done: Done) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._later, turns - 1, batch, done)
        elif not self._is_closed:
            super().write(batch, done)


class MoodyWorker(Worker):
    """Answers as it likes, and keeps one call in five for later."""

    def __init__(self, whims: Whims) -> None:
        super().__init__()
        self._whims = whims

    def line_of(self) -> Line | None:
        return None if self._whims.dice.random() < 0.2 else self._whims.answer

    def invoke(self, request: Any, *, timeout_ms: int, report: Any) -> None:
        self.script = {name_of(request): self.line_of()}
        super().invoke(request, timeout_ms=timeout_ms, report=report)

    def answer_one(self) -> None:
        if self.waiting:
            held = self.waiting.pop(self._whims.dice.randrange(len(self.waiting)))
            held.answer(self._whims.answer(held.request))


class Turmoil:
    """One seed's world."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self.dice = Random(seed)
        self.whims = Whims(self.dice)
        self.tally: Counter[str] = Counter()
        """What was done, and what journals say that has happened."""
        self.trail: list[str] = []
        self._asked: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []
        self._refused = self.dice.choice((0, 0, 0.03, 0.1))
        self._is_slow = self.dice.random() < 0.6
        self.worker = MoodyWorker(self.whims)
        self.path = folder / "turmoil.db"
        self.stage = EngineStage(self.path, worker=self.worker, settings=self._settings(), make_writer=self._make_disk)
        self._deeds = (
            *(self._start,) * 4,
            *(self._signal,) * 3,
            *(self._answer,) * 3,
            *(self._pass_time,) * 2,
            self._publish,
            self._write,
            self._index,
            self._call,
            self._call_locked,
            self._stop,
            self._reset,
            self._erase,
            self._erase_and_start,
            self._skip,
            self._wait,
            self._read,
            self._crash,
            self._prune,
            self._close,
            self._copy,
        )

    def _make_disk(self, store: Store) -> UnsureDisk:
        self._disk = UnsureDisk(store, dice=self.dice, refused=lambda: self._refused, is_slow=lambda: self._is_slow)
        return self._disk

    def _settings(self) -> EngineSettings:
        choose = self.dice.choice
        return replace(
            SETTINGS,
            resting_max=choose((0, 3, 100)),
            cut=choose((CutPolicy(1, growth=0), CutPolicy(3, growth=0), CutPolicy())),
            history_retention_ms=choose((None, 0, 5_000)),
            lane_max=choose((1, 3, 100)),
            heartbeat_ms=choose((None, 1_000)),
        )

    async def run(self, steps: int) -> None:
        """Do so many things, and look every few of them at what has come of it."""
        async with self.stage:
            for step in range(1, steps + 1):
                deed = self.dice.choice(self._deeds)
                workflow_id = self.dice.choice(WORKFLOWS)
                name = deed.__name__.removeprefix("_")
                self.trail.append(f"{name} {workflow_id}")
                self.tally[name] += 1
                await deed(workflow_id)
                for _ in range(self.dice.choice((0, 0, 0, 1, 2, 3))):
                    await asyncio.sleep(0)
                if step % LOOK_EVERY == 0:
                    await self.stage.settle()
                    self._look()
            self._refused, self._is_slow = 0, False
            await self.stage.pass_time(3_000)
            self._look()
            self._forget_asked()

    # What is done

    async def _start(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.start, self.whims.start(workflow_id)))

    async def _signal(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.signal, workflow_id, Message("s", self.whims.value())))

    async def _publish(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.publish, workflow_id, [Message("own", self.whims.value())]))

    async def _write(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.set_data_attributes, workflow_id, self.whims.writes().data))

    async def _index(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.set_search_attributes, workflow_id, self.whims.writes().search))

    async def _call(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.call_rpc, RpcCall(workflow_id, "rpc", self.whims.value())))

    async def _call_locked(self, workflow_id: WorkflowId) -> None:
        loading = self.dice.choice((LOCK_ONE, LOCK_TWO))
        self._ask(
            partial(self.stage.backend.call_rpc, RpcCall(workflow_id, "rpc", self.whims.value(), data_loading=loading))
        )

    async def _stop(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.stop, workflow_id, self.dice.choice(list(StopKind)), reason="because"))

    async def _reset(self, workflow_id: WorkflowId) -> None:
        runs = self.stage.engine.store.runs_of(workflow_id)
        request = ResetRequest(
            workflow_id,
            self.dice.choice(
                (ResetKind.BEGINNING, ResetKind.HISTORY_EVENT_ID, ResetKind.STATE_ID, ResetKind.STATE_EXECUTION_ID)
            ),
            self.dice.choice(runs).run_id if runs else None,
            event_id=self.dice.randrange(2, 20),
            state_id=StateId(self.dice.choice(STATES)),
            state_execution_id=self._first_of_a_state(),
            skip_signals=self.dice.random() < 0.3,
            skip_locked_rpcs=self.dice.random() < 0.3,
        )
        self._ask(partial(self.stage.backend.reset, request))

    async def _erase(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.erase, workflow_id, reason="asked to"))

    async def _erase_and_start(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.stop, workflow_id, StopKind.TERMINATE))
        self._ask(partial(self.stage.backend.erase, workflow_id))
        if self.dice.random() < 0.5:
            self._ask(partial(self.stage.backend.start, self.whims.plain_start(workflow_id)))

    async def _skip(self, workflow_id: WorkflowId) -> None:
        timer = TimerRef(self._first_of_a_state(), timer_id="t")
        self._ask(partial(self.stage.backend.skip_timer, workflow_id, timer))

    async def _wait(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.wait_for_result, workflow_id, wait_ms=self.dice.choice((0, 10_000))))
        self._ask(
            partial(self.stage.backend.wait_for_state, StateWait(workflow_id, StateExecutionId("A-1")), wait_ms=5_000)
        )

    async def _read(self, workflow_id: WorkflowId) -> None:
        self._ask(partial(self.stage.backend.get_data_attributes, workflow_id))
        self._ask(partial(self.stage.backend.history, workflow_id))
        self._ask(partial(self.stage.backend.dump, workflow_id))
        self._ask(partial(self.stage.backend.search, "k = 'x1'"))

    async def _answer(self, _workflow_id: WorkflowId) -> None:
        for _ in range(self.dice.randrange(4)):
            self.worker.answer_one()

    async def _pass_time(self, _workflow_id: WorkflowId) -> None:
        await self.stage.pass_time(self.dice.choice((500, 5_000, 61_000)))

    async def _prune(self, _workflow_id: WorkflowId) -> None:
        self.stage.engine.submit(Prune(self.stage.clock.now_ms() - self.dice.choice((-1, 20_000))))

    async def _copy(self, _workflow_id: WorkflowId) -> None:
        copy = self.path.with_name("copy.db")
        self.stage.engine.store.backup(copy)
        _be_well(copy)
        copy.unlink()

    async def _crash(self, _workflow_id: WorkflowId) -> None:
        self._disk.close()
        await self.stage.crash()
        self._forget_asked()

    async def _close(self, _workflow_id: WorkflowId) -> None:
        """End in order, as long as that takes, and open the file again."""
        closing = asyncio.ensure_future(self.stage.engine.aclose(grace_ms=1_000))
        async with asyncio.timeout(RESTS_WITHIN_S):
            while not closing.done():
                await asyncio.sleep(0)
                if self.dice.random() < 0.1:
                    self.worker.answer_one()
                if self.dice.random() < 0.05:
                    self.stage.clock.step()
        closing.result()
        self.worker.close()
        _be_well(self.path)
        self.stage.engine = self.stage._open()
        self.stage.engine.start()

    def _first_of_a_state(self) -> StateExecutionId:
        return StateExecutionId(f"{self.dice.choice(STATES)}-1")

    def _ask(self, question: Callable[[], Coroutine[Any, Any, object]]) -> None:
        task = asyncio.ensure_future(self._heard(question))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _heard(self, question: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Take any answer but one that says that the engine is wrong."""
        try:
            await question()
        except (RequestError, UnavailableError, RpcFailed, WaitTimedOut):
            self.tally["refused"] += 1
        except InternalError as error:
            if "content is not taken" not in str(error):
                self._errors.append(error)
        except Exception as error:  # noqa: BLE001 - raised where all this is looked at
            self._errors.append(error)

    def _forget_asked(self) -> None:
        """Let those go that nobody answers any more."""
        for task in tuple(self._asked):
            task.cancel()

    # What must hold

    def _look(self) -> None:
        if self._errors:
            raise self._errors[0]
        reader = Reader.open(self.path)
        try:
            for workflow_id in WORKFLOWS:
                for row in reader.runs_of(workflow_id):
                    self._look_at(reader, row)
        finally:
            reader.close()
        _be_well(self.path)

    def _look_at(self, reader: Reader, row: RunRow) -> None:
        events = list(events_of(reader, row))
        assert events, row
        assert events[-1].seq == row.events, row
        whole = Execution()
        for event in events:
            assert not event.event.fault, event.event.fault
            self.tally[f"event {event.event.kind}"] += 1
            whole.handle(decode_event(event.event), event.at_ms)
        if row.quarantine is not None:
            assert REFUSED in row.quarantine or row.quarantine == "(erased)", row
            return
        assert whole.closed == row.status.closed, row
        loaded, _ = fold(reader.load([row.key])[row.key])
        assert loaded.execution.snapshot() == whole.snapshot(), row
        if whole.closed:
            assert whole.outcome is not None
            assert whole.outcome.status is row.status, row
        if events[-1].event.kind == "erased":
            _be_erased(row, events, whole)


def _be_well(path: Path) -> None:
    found = [str(finding) for finding in examine(path) if REFUSED not in str(finding)]
    assert not found, found


def _be_erased(row: RunRow, events: list[EventRow], whole: Execution) -> None:
    ids = {row.workflow_id, row.run_id, row.first_run_id}
    left = [
        value
        for event in events
        for value in event.event.values
        if value.data is not None and value.data not in ids and Whims.is_secret(value)
    ]
    assert not left, (row, left)
    if row.status.closed:
        assert {attribute.value for attribute in whole.data_attributes().values()} <= {ERASED}, row
