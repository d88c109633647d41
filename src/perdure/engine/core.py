"""The engine as a machine: inputs in, batches and outputs out. No thread, no loop, no waiting.

Its driver does what it cannot: it submits what callers ask and workers report, writes the batches
one after the other, delivers outputs, and comes back when ``next_wakeup_ms`` says so::

    core.submit(...)            any number of inputs
    core.process()              -> outputs that may leave at once
    core.take_batch()           -> a batch to write, unless one is being written
    core.committed(batch)       -> outputs that waited for it
    core.failed(batch, error)   -> the same outputs, as errors

Rule 1: nothing leaves before its cause is durable.
Rule 2: while one batch is written the next is filled; if one fails, so does the next.
        One that is refused for what is in it goes through the sieve.
Rule 3: a round reads the store with a fixed number of statements, however many inputs it has.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count, islice
from typing import Any

from perdure.engine.batch import PendingBatch
from perdure.engine.changes import Changes
from perdure.engine.erasing import Erasing
from perdure.engine.inputs import (
    CallRpc,
    Change,
    Describe,
    Erase,
    Forget,
    Input,
    Prune,
    ReadData,
    ReadSearch,
    Reply,
    Reported,
    Reset,
    Search,
    Start,
    WaitForResult,
    WaitForState,
    Wake,
)
from perdure.engine.ledger import Ledger
from perdure.engine.lifecycle import Lifecycle
from perdure.engine.loading import Loading
from perdure.engine.lookup import Lookup
from perdure.engine.outputs import Attempt, Output, Refused
from perdure.engine.overdue import Overdue
from perdure.engine.parking import RESTING_MAX, HotRuns
from perdure.engine.readings import Readings
from perdure.engine.reporter import Reporter
from perdure.engine.segments import CUT_POLICY, CutPolicy
from perdure.engine.sieve import Sieve
from perdure.engine.timekeeper import NEAREST_MAX, Place, Timekeeper
from perdure.engine.waiters import Waiters
from perdure.interpreter.events import (
    DeadlinePassed,
)
from perdure.model.calls import Failure, RpcRequest, StateRequest
from perdure.model.errors import (
    InternalError,
    PerdureError,
    UnavailableError,
)
from perdure.model.ids import RunId
from perdure.model.limits import CALLS_MAX
from perdure.ports.clock import Clock, Ids
from perdure.store.rows import Batch, RunKey
from perdure.store.store import Store

logger = logging.getLogger(__name__)

ROUND_MAX = 1_000
"""Inputs handled between two looks at the store."""
WAKE_MIN = 100
"""Due runs that are looked at between two commits however many calls wait for their workers: most of
those may be one worker's, and the next run another's."""
AHEAD_MS = 15_000
"""How long before its moment a run may be loaded, if there is nothing else to do."""
AHEAD_ROUND = 10
"""Runs loaded ahead at a time: who asks for something meanwhile waits for 3 ms."""
BOOT_MAX = 500
"""Busy runs a boot takes up with one batch."""
PRUNE_MAX = 500
"""Runs removed with one batch."""
RETRY_AFTER_FAILURE_MS = 1_000
"""How long runs of a failed commit rest before they are loaded again."""
HANG_GRACE_MS = 1_000
"""How much longer than its timeout an attempt may go unreported. Invokers mind the timeout
themselves, and can say more of it than we could."""

_FOREVER_MS = (1 << 62) - 1


class Core:
    """All executions of one store."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        resting_max: int = RESTING_MAX,
        lane_max: int = CALLS_MAX,
        nearest_max: int = NEAREST_MAX,
        hang_grace_ms: int = HANG_GRACE_MS,
        cut: CutPolicy = CUT_POLICY,
        history_retention_ms: int | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._inbox: deque[Input] = deque()
        self._committing: PendingBatch | None = None
        self._tokens = count(1)
        self._hang_grace_ms = hang_grace_ms
        self._overdue = Overdue()
        self._reporter = reporter or Reporter()
        self._ledger = Ledger(policy=cut, history_retention_ms=history_retention_ms)
        self._runs = HotRuns(resting_max=resting_max)
        self._waiters = Waiters()
        self._timekeeper = Timekeeper(self._read_deadlines, nearest_max=nearest_max)
        self._lives = Lifecycle(
            ledger=self._ledger,
            runs=self._runs,
            waiters=self._waiters,
            ids=ids,
            last_key=store.last_key(),
            lane_max=lane_max,
            check=store.check_search_attributes,
            now_ms=clock.now_ms,
            begin=self._begin_attempt,
            wake=self._wake,
        )
        self._attempts, self._rpcs = self._lives.attempts, self._lives.rpcs
        self._loading = Loading(
            store=store,
            clock=clock,
            runs=self._runs,
            ledger=self._ledger,
            waiters=self._waiters,
            timekeeper=self._timekeeper,
            lives=self._lives,
        )
        self._ahead: deque[RunKey] = deque()
        """Runs to be loaded before their moment comes, when there is nothing else to do."""
        self._leaving: deque[RunKey] = deque()
        """Runs to be loaded so that their calls are left to the next start."""
        self._unsaid: list[Reported] = []
        """Reports whose commit failed: to be taken again."""
        self._retry_at_ms: int | None = None
        self._holding = False
        self._sieve = Sieve()
        self._lookup = Lookup(
            store=store,
            runs=self._runs,
            run_of=lambda token: self._attempts.run_of(token) or self._rpcs.run_of(token),
            going=self._is_going,
        )
        self._readings = Readings(
            store=store,
            clock=clock,
            runs=self._runs,
            lookup=self._lookup,
            ledger=self._ledger,
            waiters=self._waiters,
            load=self._loading.load,
        )
        self._erasing = Erasing(
            store=store,
            runs=self._runs,
            ledger=self._ledger,
            load=self._loading.load,
            submit=self.submit,
            going=self._is_going,
        )
        self._changes = Changes(
            store=store,
            ids=ids,
            runs=self._runs,
            lookup=self._lookup,
            ledger=self._ledger,
            lives=self._lives,
            unwritten=self._unwritten,
        )
        self._handlers: dict[type, Callable[[Any, int], None]] = {
            Start: self._changes.start,
            Change: self._changes.change,
            ReadData: self._readings.read_data,
            ReadSearch: self._readings.read_search,
            CallRpc: self._changes.call_rpc,
            Describe: self._readings.describe,
            WaitForResult: self._readings.wait_for_result,
            WaitForState: self._readings.wait_for_state,
            Reset: self._changes.reset,
            Erase: self._erasing.erase,
            Search: self._readings.search,
            Forget: self._forget,
            Reported: self._reported,
            Prune: self._prune,
            Wake: self._woken,
        }

    # For the driver

    def boot(self) -> None:
        """Take up what was in progress when the file was last used. Nothing else is loaded."""
        self._loading.booting = dict.fromkeys(self._store.busy_runs())

    def hold(self) -> None:
        """Begin no more calls of states, and wake no more runs; what comes in is handled. For the time before ``shut``."""
        self._holding = True
        self._loading.booting.clear()  # they stay busy in the file: the next boot takes them up
        self._ahead.clear()
        self._leaving.extend(self._attempts.hold())

    def submit(self, given: Input) -> None:
        self._inbox.append(given)

    def process(self) -> list[Output]:
        """Handle everything submitted and everything due; return what may leave at once."""
        now_ms = self._clock.now_ms()
        self._sift()
        if not self._sieve.sifting:
            self._come_back(now_ms)
            if self._leaving:
                self._loading.load_readily(self._leaving, BOOT_MAX)
            if self._ahead and self.idle:
                self._load_ahead()
            while self._inbox:
                self._round([self._inbox.popleft() for _ in range(min(len(self._inbox), ROUND_MAX))])
        self._runs.park()
        return self._ledger.take_outputs()

    def take_batch(self) -> tuple[PendingBatch, Batch] | None:
        """Return what is to be written next, unless something is being written or nothing is to be."""
        if self._committing is not None or self._ledger.open.empty:
            return None
        self._ledger.cut(now_ms=self._clock.now_ms())
        self._committing = batch = self._ledger.take_batch()
        return batch, batch.seal()

    def committed(self, batch: PendingBatch) -> list[Output]:
        """Learn that *batch* is durable; return what waited for that. More may be to process now."""
        assert batch is self._committing, "batches are written one after the other"
        self._committing = None
        self._sieve.passed()
        held = batch.held
        for run in batch.runs.values():
            run.stored = True
            if run.held is held:
                run.held = None
            self._timekeeper.note(run.key, run.row.deadline_ms)
        self._ledger.say_all(held.outputs)
        for reply, do in held.afterwards:
            self._guarded(reply, do)
        for row in batch.completions:
            self._ledger.say_all(self._waiters.state_completed(row.workflow_id, row.key, row.output))
        for run in batch.runs.values():
            if not run.working:
                self._runs.rest(run)
        self._runs.park()
        return self._ledger.take_outputs()

    def failed(self, batch: PendingBatch, error: Exception) -> list[Output]:
        """Learn that *batch* was not written: take back all of it, and of what was built upon it.

        If it is not for the disk, what it was made of is handled again at once, in parts.
        """
        assert batch is self._committing, "batches are written one after the other"
        self._committing = None
        lost = (batch, self._ledger.take_batch())
        if isinstance(error, UnavailableError):
            self._sieve.passed()
            self._take_back(lost, UnavailableError(f"nothing was written: {error}"))
            self._retry_at_ms = self._clock.monotonic_ms() + RETRY_AFTER_FAILURE_MS
        else:
            self._part(lost, error)
        return self._ledger.take_outputs()

    def _take_back(self, lost: Iterable[PendingBatch], error: Exception, *, asked_again: Sequence[Reply] = ()) -> None:
        for batch in lost:
            self._ledger.say_all(batch.held.losses(error, asked_again=asked_again))
            for run in batch.runs.values():
                self._loading.unload(run, error)
            for report, made in batch.reports:
                self._attempts.report_again(report, made)
                self._unsaid.append(report)

    def _part(self, lost: Sequence[PendingBatch], error: Exception) -> None:
        """Put what refused batches were made of into the sieve, but for what was refused all alone."""
        culprit = self._sieve.culprit
        asked = [(reply, given) for batch in lost for reply, given in batch.held.asked if given is not culprit]
        told: PerdureError = UnavailableError(f"nothing was written: {error}")
        if culprit is not None:
            why = f"{type(error).__name__}: {error}"
            logger.error("%s is what the store refuses: %s", type(culprit).__name__, why)
            told = InternalError(f"the store refuses what this would write, nothing was written: {why}")
        self._take_back(lost, told, asked_again=[reply for reply, _ in asked])
        if isinstance(culprit, Reported | Wake):
            self._loading.condemn(
                culprit.key if isinstance(culprit, Wake) else self._attempts.run_of(culprit.token), str(told)
            )
        wakes = [Wake(key) for key in self._loading.take_stricken()]
        self._sieve.refused([*(given for _, given in asked), *self._unsaid, *wakes])
        self._unsaid = []

    def next_wakeup_ms(self) -> int | None:
        """Return in how many milliseconds there is something to process; ``None``: not by itself."""
        if self._sieve.sifting:
            return 0 if self._committing is None else None
        if self._inbox or self._leaving or (self._loading.booting and self._may_wake):
            return 0
        monotonic_ms = self._clock.monotonic_ms()
        moments = (self._waiters.next_ms(), self._retry_at_ms, self._overdue.next_ms())
        delays = [moment - monotonic_ms for moment in moments if moment is not None]
        if self._ahead and self.idle:
            return 0
        deadline_ms = self._timekeeper.next_ms() if self._may_wake else None
        if deadline_ms is not None:
            delays.append(deadline_ms - self._clock.now_ms())
        return max(0, min(delays)) if delays else None

    def check_clock(self) -> None:
        """Compare wall time with monotonic time, and log a jump."""
        self._timekeeper.check(wall_ms=self._clock.now_ms(), monotonic_ms=self._clock.monotonic_ms())

    def look_ahead(self) -> None:
        """Choose what to load before its moment comes, so that a burst finds it in memory. For now and then."""
        if self._holding:
            return
        try:
            coming = self._timekeeper.coming(self._clock.now_ms() + AHEAD_MS, limit=self._runs.warm_max)
        except UnavailableError as error:
            logger.warning("deadlines cannot be read: %s", error)
            return
        self._runs.cool(set(coming))
        self._ahead = deque([key for key in coming if self._runs.get(key) is None])

    def shut(self, error: Exception) -> list[Output]:
        """Refuse everybody who still waits. Nothing is to be submitted after this."""
        for batch in (self._committing, self._ledger.take_batch()):
            if batch is not None:
                self._ledger.say_all(batch.held.losses(error))
        self._ledger.say_all(self._waiters.refuse_all(error))
        self._ledger.say_all(self._rpcs.refuse_all(error))
        for given in (*self._sieve.drain(), *self._inbox):
            if not isinstance(given, Reported | Prune | Wake | Forget):
                self._ledger.say(Refused(given.reply, error))
        self._inbox.clear()
        return self._ledger.take_outputs()

    @property
    def callers_waiting(self) -> int:
        """How many callers wait for a run to end or a state to complete."""
        return len(self._waiters)

    @property
    def understands(self) -> set[type]:
        """Which inputs it takes."""
        return set(self._handlers)

    @property
    def attempts_under_way(self) -> int:
        """How many attempts workers have that were not reported."""
        return len(self._overdue)

    @property
    def idle(self) -> bool:
        """Nothing is to be processed, written or waiting for a commit."""
        waiting = (
            self._inbox or self._leaving or self._loading.booting or self._sieve.sifting or self._committing is not None
        )
        return not waiting and self._ledger.open.empty

    def only_retries(self, run_id: RunId) -> bool:
        """Say whether a run in memory only tries calls again that have failed, for ever."""
        run = self._runs.by_id(run_id)
        return run is not None and run.only_retries

    @property
    def hot_runs(self) -> int:
        """How many runs are in memory."""
        return len(self._runs)

    # A round

    def _sift(self) -> None:
        """Handle one part of what is in the sieve, up to one that is to be written."""
        while self._sieve.sifting and self._committing is None and self._ledger.open.empty:
            part = self._sieve.take()
            if part is not None:
                self._round(list(part))

    def _come_back(self, now_ms: int) -> None:
        """Submit to ourselves what time has made due."""
        monotonic_ms = self._clock.monotonic_ms()
        self._ledger.say_all(self._waiters.expire(monotonic_ms))
        if self._retry_at_ms is not None and monotonic_ms >= self._retry_at_ms:
            self._retry_at_ms = None
            unsaid, self._unsaid = self._unsaid, []
            self._inbox.extend(Wake(key) for key in self._loading.take_stricken())
            self._inbox.extend(unsaid)
        if self._may_wake:
            self._inbox.extend(Wake(key) for key in islice(self._loading.booting, BOOT_MAX))
        hung = Failure("the worker said nothing within the timeout", error_type="Timeout", timed_out=True)
        self._inbox.extend(Reported(token, hung) for token in self._overdue.expire(monotonic_ms))
        try:
            # Faster than workers take calls up, runs would only be loaded to be parked and loaded again.
            most = max(WAKE_MIN, ROUND_MAX - self._attempts.queued)
            due = self._timekeeper.due(now_ms, limit=most) if self._may_wake else []
        except UnavailableError as error:
            logger.warning("deadlines cannot be read: %s", error)
            self._retry_at_ms = monotonic_ms + RETRY_AFTER_FAILURE_MS
        else:
            self._inbox.extend(Wake(key) for key in due)

    def _load_ahead(self) -> None:
        for key in self._loading.load_readily(self._ahead, AHEAD_ROUND):
            run = self._runs.get(key)
            if run is not None and not run.working:
                self._runs.keep_warm(run)

    @property
    def _may_wake(self) -> bool:
        """The engine itself begins nothing more while a whole batch waits to be written, nothing can be read, or it
        is about to end.
        """
        return not self._holding and self._retry_at_ms is None and len(self._ledger.open.runs) < ROUND_MAX

    def _wake(self, key: RunKey) -> None:
        self._inbox.append(Wake(key))

    def _read_deadlines(self, after: Place | None, limit: int) -> tuple[Place, ...]:
        return self._store.due_runs(_FOREVER_MS, after=after, limit=limit)

    def _round(self, inputs: list[Input]) -> None:
        try:
            self._lookup.read_rows(inputs)
            self._loading.load(self._lookup.keys_to_load(inputs))
        except UnavailableError as error:
            self._cannot_read(inputs, error)
        except Exception as error:  # noqa: BLE001 - an input that cannot even be looked up takes no other with it
            self._read_apart(inputs, error)
        else:
            for given in inputs:
                self._handle(given)
        self._lookup.end_round()

    def _handle(self, given: Input) -> None:
        reply = None if isinstance(given, Reported | Prune | Wake) else given.reply
        handler = self._handlers[type(given)]
        self._ledger.asked = None if reply is None else (reply, given)
        try:
            handler(given, self._clock.now_ms())
        except PerdureError as error:
            if reply is None:
                logger.exception("%s failed", type(given).__name__)
            else:
                self._ledger.refuse(self._lookup.named(given), reply, error)
        except Exception as error:  # a belief of ours is wrong: the caller hears of it, the others go on
            logger.exception("%s failed", type(given).__name__)
            if reply is not None:
                self._ledger.refuse(None, reply, InternalError(f"{type(error).__name__}: {error}"))

    def _guarded(self, reply: Reply | None, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:  # what one run needed done must not keep the others from theirs
            logger.exception("what waited for a commit failed")
            if reply is not None:
                self._ledger.say(Refused(reply, InternalError(f"{type(error).__name__}: {error}")))

    def _cannot_read(self, inputs: Iterable[Input], error: UnavailableError) -> None:
        for given in inputs:
            if isinstance(given, Wake):
                self._loading.stricken[given.key] = None
            elif isinstance(given, Reported):
                self._unsaid.append(given)
            elif not isinstance(given, Prune | Forget):
                self._ledger.say(Refused(given.reply, error))
        self._retry_at_ms = self._clock.monotonic_ms() + RETRY_AFTER_FAILURE_MS

    def _read_apart(self, inputs: list[Input], error: Exception) -> None:
        if len(inputs) > 1:
            for given in inputs:
                self._round([given])
            return
        (given,) = inputs
        logger.error("%s cannot be handled", type(given).__name__, exc_info=error)
        if isinstance(given, Wake):
            self._loading.booting.pop(given.key, None)  # or a boot would never end
        if not isinstance(given, Reported | Prune | Wake | Forget):
            self._ledger.say(Refused(given.reply, InternalError(f"{type(error).__name__}: {error}")))

    def _forget(self, wanted: Forget, now_ms: int) -> None:
        self._waiters.forget(wanted.reply)

    def _begin_attempt(self, request: StateRequest | RpcRequest, timeout_ms: int) -> int:
        token = next(self._tokens)
        now_ms = self._clock.monotonic_ms()
        self._overdue.begin(token, now_ms=now_ms, timeout_ms=timeout_ms + self._hang_grace_ms)
        if self._reporter.listening:
            self._reporter.call_begins(token, request)
        self._ledger.say(Attempt(token, request, timeout_ms))
        return token

    def _reported(self, report: Reported, now_ms: int) -> None:
        self._overdue.end(report.token)
        if self._reporter.listening:
            self._reporter.call_ended(report)
        if self._attempts.owns(report.token):
            self._attempts.reported(report, now_ms=now_ms)
        elif self._rpcs.owns(report.token):
            self._rpcs.reported(report, now_ms=now_ms)

    def _woken(self, wake: Wake, now_ms: int) -> None:
        run = self._runs.get(wake.key)
        if run is None or run.quarantine is not None:
            return
        deadline_ms = run.execution.next_deadline_ms()
        if deadline_ms is not None and deadline_ms <= now_ms:
            if self._reporter.listening:
                self._reporter.timer_passed(now_ms - deadline_ms)
            self._lives.happen(run, DeadlinePassed(), now_ms=now_ms, actor="clock")
        self._attempts.due(run, now_ms=now_ms)
        if run.held is None:
            self._timekeeper.note(run.key, run.deadline_ms)

    def _prune(self, wanted: Prune, now_ms: int) -> None:
        keys = self._store.closed_before(wanted.before_ms, limit=PRUNE_MAX)
        for key in keys:
            run = self._runs.get(key)
            if run is not None:
                if run.working:
                    continue
                self._runs.drop(run)
            self._ledger.open.removed.append(key)
        if len(keys) == PRUNE_MAX and self._ledger.open.removed:
            self._ledger.open.held.afterwards.append((None, lambda: self.submit(wanted)))

    def _is_going(self, key: RunKey) -> bool:
        """Whether a run is being removed: the file may still have it, and nothing may happen to it any more."""
        return any(key in batch.removed for batch in self._unwritten())

    def _unwritten(self) -> list[PendingBatch]:
        """Return the batches that the store does not have yet, in order."""
        return [batch for batch in (self._committing, self._ledger.open) if batch is not None]
