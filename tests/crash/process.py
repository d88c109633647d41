"""The engine's core on a real file, with everything that drives it replaced by single steps.

One thing happens at a time, and between any two the process may die: an input is posted, a turn is
taken, a batch is written, its writer says so, one output leaves, one worker answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from perdure.engine.batch import PendingBatch
from perdure.engine.core import Core
from perdure.engine.inputs import Input, Reported
from perdure.engine.outputs import Answered, Attempt, Output
from perdure.engine.segments import CUT_POLICY, CutPolicy
from perdure.model.calls import Answer, Failure
from perdure.model.errors import UnavailableError
from perdure.store.rows import Batch
from perdure.store.store import Store
from tests.crash.outside import Client, Delivered, Outside
from tests.engine.script import Request

Respond = Callable[[Request], Answer | Failure]
Delay = Callable[[Request], int]


@dataclass(frozen=True)
class Knobs:
    """Sizes that decide which ways through the engine are taken."""

    resting_max: int = 2_000
    lane_max: int = 512
    cut: CutPolicy = CUT_POLICY
    checkpoint_pages: int = 1_000_000
    """How much is written between two checkpoints."""


@dataclass(frozen=True)
class Move:
    """Something that can happen next."""

    name: str
    do: Callable[[], None]


@dataclass
class _Writing:
    pending: PendingBatch
    batch: Batch
    written: bool = False


@dataclass(frozen=True)
class _Call:
    delivered: Delivered
    ready_ms: int


class ClientReply:
    """Brings an answer to a client, from this life of the engine only."""

    def __init__(self, outside: Outside, client: Client) -> None:
        self._outside = outside
        self._client = client

    def set_result(self, value: object) -> None:
        self._client.settle(value, None, now_ms=self._outside.time_ms)

    def set_error(self, error: Exception) -> None:
        self._client.settle(None, error, now_ms=self._outside.time_ms)


class _Clock:
    """Wall time is the outside's; monotonic time begins with each life."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._since_ms = outside.time_ms

    def now_ms(self) -> int:
        return self._outside.time_ms

    def monotonic_ms(self) -> int:
        return self._outside.time_ms - self._since_ms

    def call_later(self, delay_ms: int, callback: Callable[[], None]) -> Cancelled:
        raise AssertionError("a core calls nothing: it says when it wants to be woken")


class Cancelled:
    def cancel(self) -> None:
        raise AssertionError("nothing was asked for")


class Process:
    """One life of an engine."""

    def __init__(
        self,
        path: Path,
        outside: Outside,
        *,
        respond: Respond,
        delay: Delay,
        knobs: Knobs,
        vfs: str | None = None,
    ) -> None:
        # Files of the machine's outlive a process as they are; for other disks it takes more.
        self.store = Store.open(path, synchronous="OFF" if vfs is None else "FULL", vfs=vfs)
        self._checkpoint_pages = knobs.checkpoint_pages
        self._outside = outside
        self._respond = respond
        self._delay = delay
        self.core = Core(
            self.store,
            clock=_Clock(outside),
            ids=outside,
            resting_max=knobs.resting_max,
            lane_max=knobs.lane_max,
            cut=knobs.cut,
            hang_grace_ms=0,
        )
        self.inbox: list[Input] = []
        self.outbox: deque[Output] = deque()
        self.calls: list[_Call] = []
        self.writing: _Writing | None = None
        self._stale = True  # a turn may find something to do
        self.core.boot()

    def close(self) -> None:
        self.store.close()

    # What can happen

    def moves(self) -> list[Move]:
        """Return what this process can do now; nothing, if it only waits for time or for others."""
        now_ms = self._outside.time_ms
        moves = []
        if self.inbox or self._stale or self.core.next_wakeup_ms() == 0:
            moves.append(Move("turn", self._turn))
        if self.writing is not None:
            moves.append(Move("commit", self._commit) if self.writing.written else Move("write", self._write))
        if self.outbox:
            moves.append(Move("deliver", self._deliver))
        ready = [call for call in self.calls if call.ready_ms <= now_ms]
        moves += [Move("answer", partial(self._answer, call)) for call in ready]
        return moves

    def next_ms(self) -> int | None:
        """Return when something can happen here that cannot now."""
        moments = [call.ready_ms for call in self.calls]
        delay_ms = self.core.next_wakeup_ms()
        if delay_ms is not None:
            moments.append(self._outside.time_ms + delay_ms)
        return min(moments, default=None)

    def refuse_write(self) -> None:
        """Let the batch that is being written fail."""
        assert self.writing is not None
        assert not self.writing.written
        pending, self.writing, self._stale = self.writing.pending, None, True
        self.outbox += self.core.failed(pending, UnavailableError("the disk is full"))

    def _turn(self) -> None:
        self._stale = False
        for given in self.inbox:
            self.core.submit(given)
        self.inbox.clear()
        self.outbox += self.core.process()
        self._take_batch()

    def _take_batch(self) -> None:
        taken = self.core.take_batch()
        if taken is not None:
            assert self.writing is None
            self.writing = _Writing(*taken)

    def _write(self) -> None:
        assert self.writing is not None
        self.store.write(self.writing.batch)
        self.writing.written = True
        durable = {report.token for report, _ in self.writing.pending.reports}
        for one in self._outside.delivered:
            one.reported |= one.life == self._outside.life and one.token in durable

    def _commit(self) -> None:
        assert self.writing is not None
        pending, self.writing, self._stale = self.writing.pending, None, True
        self.outbox += self.core.committed(pending)
        self.store.checkpoint(pages=self._checkpoint_pages)

    def _deliver(self) -> None:
        output = self.outbox.popleft()
        if isinstance(output, Attempt):
            delivered = Delivered(self._outside.life, output.token, output.request)
            self._outside.delivered.append(delivered)
            self.calls.append(_Call(delivered, self._outside.time_ms + self._delay(output.request)))
        elif isinstance(output, Answered):
            output.reply.set_result(output.value)
        else:
            output.reply.set_error(output.error)

    def _answer(self, call: _Call) -> None:
        self.calls.remove(call)
        self.inbox.append(Reported(call.delivered.token, self._respond(call.delivered.request)))
