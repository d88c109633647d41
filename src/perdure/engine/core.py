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
from functools import partial
from itertools import count, islice
from typing import Any

from perdure.engine.attempts import Attempts
from perdure.engine.batch import PendingBatch
from perdure.engine.dispatcher import Dispatcher
from perdure.engine.erasing import Erasing
from perdure.engine.hot import HotRun, fold
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
from perdure.engine.ledger import Ledger, quarantined
from perdure.engine.limits import excess_of_event, excess_of_start
from perdure.engine.lookup import Lookup
from perdure.engine.outputs import Attempt, Output, Refused
from perdure.engine.overdue import Overdue
from perdure.engine.parking import RESTING_MAX, HotRuns
from perdure.engine.readings import Readings
from perdure.engine.reporter import Reporter
from perdure.engine.reset import go_back
from perdure.engine.rpcs import Rpcs, error_of
from perdure.engine.segments import CUT_POLICY, CutPolicy
from perdure.engine.sieve import Sieve
from perdure.engine.timekeeper import NEAREST_MAX, Place, Timekeeper
from perdure.engine.waiters import Waiters
from perdure.interpreter.chain import Begin, CurrentRun, Existing, Taken, check_start, decide_after_close, decide_start
from perdure.interpreter.effects import Abandon, Close, CompleteState, Index, Invoke
from perdure.interpreter.events import (
    AttributesSet,
    DeadlinePassed,
    Event,
    MessagesPublished,
    Released,
    ResumeCause,
    Resumed,
    Started,
    Stopped,
)
from perdure.interpreter.execution import Execution
from perdure.interpreter.refusal import RefusalKind
from perdure.model.calls import Failure, RpcRequest, StateRequest
from perdure.model.errors import (
    InternalError,
    InvalidRequest,
    PerdureError,
    UnavailableError,
    WorkflowAlreadyStarted,
)
from perdure.model.ids import RunId, WorkflowId
from perdure.model.limits import CALLS_MAX
from perdure.model.log_fields import fields_of_run
from perdure.model.outcome import Outcome, RunStatus, StopKind
from perdure.ports.clock import Clock, Ids
from perdure.store.rows import Batch, CompletionRow, EventRow, RunKey, RunRow, StoredRun
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
        self._ids = ids
        self._inbox: deque[Input] = deque()
        self._committing: PendingBatch | None = None
        self._last_key = store.last_key()
        self._tokens = count(1)
        self._hang_grace_ms = hang_grace_ms
        self._overdue = Overdue()
        self._reporter = reporter or Reporter()
        self._ledger = Ledger(policy=cut, history_retention_ms=history_retention_ms)
        self._runs = HotRuns(resting_max=resting_max)
        self._waiters = Waiters()
        self._timekeeper = Timekeeper(self._read_deadlines, nearest_max=nearest_max)
        self._attempts = Attempts(
            ledger=self._ledger,
            runs=self._runs,
            dispatcher=Dispatcher(lane_max=lane_max),
            happen=self._happen,
            check=store.check_search_attributes,
            now_ms=clock.now_ms,
            begin=self._begin_attempt,
            wake=self._wake,
        )
        self._rpcs = Rpcs(
            ledger=self._ledger,
            runs=self._runs,
            dispatcher=Dispatcher(lane_max=lane_max),
            happen=self._happen,
            check=store.check_search_attributes,
            begin=self._begin_attempt,
        )
        self._booting: dict[RunKey, None] = {}
        """Runs that were busy when the engine last ended, and were not loaded yet. They are taken up
        in portions, so that callers need not wait for the last."""
        self._ahead: deque[RunKey] = deque()
        """Runs to be loaded before their moment comes, when there is nothing else to do."""
        self._leaving: deque[RunKey] = deque()
        """Runs to be loaded so that their calls are left to the next start."""
        self._stricken: dict[RunKey, None] = {}
        """Runs whose commit failed: to be loaded again."""
        self._unsaid: list[Reported] = []
        """Reports whose commit failed: to be taken again."""
        self._retry_at_ms: int | None = None
        self._holding = False
        self._sieve = Sieve()
        self._condemned: dict[RunKey, str] = {}
        """Runs whose events the store refuses, and why: they are quarantined."""
        self._unwritable: set[RunKey] = set()
        """Those of them of which it refuses even that: they are quarantined in memory only."""
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
            load=self._load,
        )
        self._erasing = Erasing(
            store=store,
            runs=self._runs,
            ledger=self._ledger,
            load=self._load,
            submit=self.submit,
            going=self._is_going,
        )
        self._handlers: dict[type, Callable[[Any, int], None]] = {
            Start: self._start,
            Change: self._change,
            ReadData: self._readings.read_data,
            ReadSearch: self._readings.read_search,
            CallRpc: self._call_rpc,
            Describe: self._readings.describe,
            WaitForResult: self._readings.wait_for_result,
            WaitForState: self._readings.wait_for_state,
            Reset: self._reset,
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
        self._booting = dict.fromkeys(self._store.busy_runs())

    def hold(self) -> None:
        """Begin no more calls of states, and wake no more runs; what comes in is handled. For the time before ``shut``."""
        self._holding = True
        self._booting.clear()  # they stay busy in the file: the next boot takes them up
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
                self._load_readily(self._leaving, BOOT_MAX)
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
                self._unload(run, error)
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
            self._condemn(culprit.key if isinstance(culprit, Wake) else self._attempts.run_of(culprit.token), str(told))
        wakes = [Wake(key) for key in self._stricken]
        self._sieve.refused([*(given for _, given in asked), *self._unsaid, *wakes])
        self._stricken, self._unsaid = {}, []

    def _condemn(self, key: RunKey | None, why: str) -> None:
        if key is not None and self._condemned.setdefault(key, why) is not why:
            self._unwritable.add(key)

    def next_wakeup_ms(self) -> int | None:
        """Return in how many milliseconds there is something to process; ``None``: not by itself."""
        if self._sieve.sifting:
            return 0 if self._committing is None else None
        if self._inbox or self._leaving or (self._booting and self._may_wake):
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
        waiting = self._inbox or self._leaving or self._booting or self._sieve.sifting or self._committing is not None
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
            stricken, self._stricken = self._stricken, {}
            unsaid, self._unsaid = self._unsaid, []
            self._inbox.extend(Wake(key) for key in stricken)
            self._inbox.extend(unsaid)
        if self._may_wake:
            self._inbox.extend(Wake(key) for key in islice(self._booting, BOOT_MAX))
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
        for key in self._load_readily(self._ahead, AHEAD_ROUND):
            run = self._runs.get(key)
            if run is not None and not run.working:
                self._runs.keep_warm(run)

    def _load_readily(self, waiting: deque[RunKey], most: int) -> list[RunKey]:
        """Load the next of *waiting* that are not in memory, and return them; none and never, if that cannot be."""
        keys = [waiting.popleft() for _ in range(min(len(waiting), most))]
        parked = [key for key in keys if self._runs.get(key) is None]
        try:
            self._load(parked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told of the one it is about at its moment
            logger.warning("runs cannot be loaded ahead: %s: %s", type(error).__name__, error)
            waiting.clear()
            return []
        return parked

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
            self._load(self._lookup.keys_to_load(inputs))
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
                self._stricken[given.key] = None
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
            self._booting.pop(given.key, None)  # or a boot would never end
        if not isinstance(given, Reported | Prune | Wake | Forget):
            self._ledger.say(Refused(given.reply, InternalError(f"{type(error).__name__}: {error}")))

    # Bringing runs back, and throwing them away

    def _load(self, keys: list[RunKey]) -> None:
        if not keys:
            return
        found = self._store.load(keys)
        for key in keys:
            if key in found:
                self._adopt(found[key])
            else:
                self._booting.pop(key, None)

    def _adopt(self, stored: StoredRun) -> None:
        """Bring a parked run back into memory, and go on with what it had under way."""
        key, now_ms = stored.row.key, self._clock.now_ms()
        after_boot = key in self._booting
        self._booting.pop(key, None)
        try:
            if key in self._condemned and stored.row.quarantine is None:
                run = HotRun(stored.row._replace(quarantine=self._condemned[key]), Execution(), stored=True)
                self._runs.add(run)
                if key not in self._unwritable:
                    self._ledger.touch(run)
                    self._ledger.open.quarantined += 1
                return
            if stored.row.quarantine is not None:
                self._runs.add(HotRun(stored.row, Execution(), stored=True))
                return
            run, began = fold(stored)
        except Exception as error:  # one journal's trouble must not become everybody's
            logger.exception(
                "run %s of workflow %r is quarantined",
                stored.row.run_id,
                stored.row.workflow_id,
                extra={**fields_of_run(stored.row), "error_type": type(error).__name__},
            )
            run = HotRun(stored.row, Execution(), stored=True)
            self._runs.add(run)
            self._ledger.quarantine(run, f"{type(error).__name__}: {error}, while its journal was read")
        else:
            self._runs.add(run)
            self._timekeeper.note(key, stored.row.deadline_ms)
            self._rpcs.adopt(run, now_ms=now_ms)
            self._attempts.adopt(run, began, stored.calls, after_boot=after_boot, now_ms=now_ms)
            if run.outdated:
                self._ledger.begin_segment(run, ResumeCause.RULES, now_ms=now_ms)
        finally:
            self._attempts.give_back(key)

    def _unload(self, run: HotRun, error: Exception) -> None:
        """Throw a run away whose last events were not written."""
        if self._runs.get(run.key) is not run:
            return
        self._rpcs.undo(run)
        self._runs.drop(run)
        if run.stored:
            self._stricken[run.key] = None
        else:
            self._ledger.say_all(self._waiters.run_lost(run.key, error))

    # What happens to runs

    def _happen(self, run: HotRun, event: Event, *, now_ms: int, actor: str, reason: str = "") -> bool:
        """Let *event* happen, and see to its effects. ``False``: the run is quarantined now."""
        effects = self._ledger.journal(run, event, now_ms=now_ms, actor=actor, reason=reason)
        if effects is None:
            return False
        for effect in effects:
            if isinstance(effect, Invoke):
                self._attempts.open(run, effect, now_ms=now_ms)
            elif isinstance(effect, Index):
                self._ledger.index(run, effect.attributes)
            elif isinstance(effect, Close):
                self._close(run, effect.outcome, now_ms)
            elif isinstance(effect, Abandon):
                self._attempts.abandon(run, effect.call_id)
            else:
                self._record(run, effect)
        if run.execution.asked_again:
            self._rpcs.ask_again(run, now_ms=now_ms)
        return run.quarantine is None

    def _record(self, run: HotRun, effect: CompleteState) -> None:
        key = effect.state_execution_id if not effect.wait_for_key else f"{effect.state_id}_{effect.wait_for_key}"
        key = key.encode(errors="backslashreplace").decode()  # a worker may name a state what no file can hold
        self._ledger.open.completions.append(
            CompletionRow(run.row.workflow_id, run.row.first_run_id, key, effect.output)
        )

    def _close(self, run: HotRun, outcome: Outcome, now_ms: int) -> None:
        """See to the end of a run: who waits for it, and which run follows."""
        self._set_closed(run, outcome.status, now_ms)
        options = run.execution.request.options
        if (options.retry or options.cron) and (again := self._decide_next(run, outcome, now_ms)) is not None:
            following = self._begin(again, now_ms=now_ms, actor="engine", request_id=run.row.request_id)
            if again.first_run_id == run.row.first_run_id:
                run.followed_by = following.key
                self._ledger.after(run, partial(self._waiters.run_retried, run.key, following.key))
                return
        self._tell_end(run)

    def _decide_next(self, run: HotRun, outcome: Outcome, now_ms: int) -> Started | None:
        return decide_after_close(run.execution.started, outcome, run_id=self._ids.new_run_id(), now_ms=now_ms)

    def _set_closed(self, run: HotRun, status: RunStatus, now_ms: int) -> None:
        run.status, run.closed_ms = status, now_ms
        run.make_row()
        self._ledger.open.closed.append(run)
        self._rpcs.run_closed(run)

    def _tell_end(self, run: HotRun) -> None:
        self._ledger.after(run, lambda: self._ledger.say_all(self._waiters.run_ended(run.key, run.info())))

    def _begin(self, started: Started, *, now_ms: int, actor: str, request_id: str | None) -> HotRun:
        request = started.request
        row = RunRow(
            self._next_key(),
            request.workflow_id,
            started.run_id,
            request.workflow_type,
            started.first_run_id,
            now_ms,
            request_id,
        )
        return self._create(row, started, now_ms=now_ms, actor=actor)

    def _next_key(self) -> RunKey:
        self._last_key = RunKey(self._last_key + 1)
        return self._last_key

    def _create(self, row: RunRow, genesis: Event, *, now_ms: int, actor: str) -> HotRun:
        run = HotRun(row, Execution(), stored=False)
        self._runs.add(run)
        self._runs.set_current(run)
        if not self._happen(run, genesis, now_ms=now_ms, actor=actor):
            # A journal without a beginning is none: as if it had never been asked for.
            del self._ledger.open.runs[run.key]
            self._ledger.open.quarantined -= 1
            self._runs.drop(run)
            raise InternalError(f"workflow {row.workflow_id!r} cannot be started: {run.quarantine}")
        self._ledger.open.started.append(run)
        return run

    def _terminate(self, row: RunRow, *, reason: str, now_ms: int) -> None:
        """End a run at once, also one that its rules cannot go on with."""
        run = self._runs.get(row.key)
        if run is None:
            run = HotRun(row, Execution(), stored=True)
            self._runs.add(run)
        stopped = Stopped(StopKind.TERMINATE, reason)
        if run.quarantine is None and self._happen(run, stopped, now_ms=now_ms, actor="client", reason=reason):
            return
        self._set_closed(run, RunStatus.TERMINATED, now_ms)
        self._ledger.touch(run)
        self._tell_end(run)

    # What callers ask

    def _start(self, wanted: Start, now_ms: int) -> None:
        request = wanted.request
        check_start(request)
        if (problem := excess_of_start(request)) is not None:
            raise InvalidRequest(problem, workflow_id=request.workflow_id)
        if request.search and (problem := self._store.check_search_attributes(request.search)):
            raise InvalidRequest(problem, workflow_id=request.workflow_id)
        row = self._lookup.row_or_none(request.workflow_id)
        current = None if row is None else CurrentRun(row.run_id, row.status, row.request_id)
        verdict = decide_start(request, current, run_id=self._ids.new_run_id(), now_ms=now_ms)
        if isinstance(verdict, Begin):
            if verdict.terminate is not None and row is not None:
                self._terminate(row, reason="replaced by a new run", now_ms=now_ms)
            run = self._begin(verdict.started, now_ms=now_ms, actor="client", request_id=request.options.request_id)
            self._ledger.answer(run, wanted.reply, run.row.run_id)
            return
        before = self._lookup.hot(request.workflow_id, None)
        if isinstance(verdict, Existing):
            self._ledger.answer(before, wanted.reply, verdict.run_id)
        else:
            self._ledger.refuse(before, wanted.reply, _taken(request.workflow_id, verdict))

    def _change(self, wanted: Change, now_ms: int) -> None:
        event = wanted.event
        stops = event if isinstance(event, Stopped) else None
        row = self._lookup.row(wanted.workflow_id, wanted.run_id)
        if stops is not None and stops.kind is StopKind.TERMINATE and not row.status.closed:
            self._terminate(row, reason=stops.reason, now_ms=now_ms)
            self._ledger.answer(self._runs.get(row.key), wanted.reply, None)
            return
        run = self._lookup.run(wanted.workflow_id, wanted.run_id)
        refusal = run.execution.refuse(event)
        if refusal is not None:
            if stops is not None and stops.kind is StopKind.CANCEL and refusal.kind is RefusalKind.CLOSED:
                self._ledger.answer(run, wanted.reply, None)
                return
            raise error_of(refusal, run)
        if (problem := excess_of_event(run.execution, event)) is not None:
            raise InvalidRequest(problem, workflow_id=wanted.workflow_id)
        if (
            isinstance(event, AttributesSet)
            and event.search
            and (problem := self._store.check_search_attributes(event.search))
        ):
            raise InvalidRequest(problem, workflow_id=wanted.workflow_id)
        if event != MessagesPublished(()):
            reason = "" if stops is None else stops.reason
            if not self._happen(run, event, now_ms=now_ms, actor="client", reason=reason):
                raise quarantined(run.row.run_id, wanted.workflow_id, run.quarantine or "")
        self._ledger.answer(run, wanted.reply, None)

    def _call_rpc(self, wanted: CallRpc, now_ms: int) -> None:
        run = self._lookup.run(wanted.call.workflow_id, wanted.call.run_id)
        self._rpcs.call(run, wanted, now_ms=now_ms)

    def _reset(self, wanted: Reset, now_ms: int) -> None:
        request = wanted.request
        base = self._lookup.row(request.workflow_id, request.run_id)
        past = go_back(self._journal(base.key), request)
        current = self._lookup.row(request.workflow_id, None)
        if not current.status.closed:
            self._terminate(current, reason=request.reason, now_ms=now_ms)
        run_id = self._ids.new_run_id()
        row = RunRow(
            self._next_key(),
            base.workflow_id,
            run_id,
            base.workflow_type,
            base.first_run_id,
            now_ms,
            base.request_id,
        )
        genesis = Resumed(past.snapshot, run_id, ResumeCause.RESET, request.reason, past.asked_again)
        run = self._create(row, genesis, now_ms=now_ms, actor="client")
        for event in past.handed_over:
            if run.status.closed or not self._happen(run, event, now_ms=now_ms, actor="client", reason="reset"):
                break
        self._happen(run, Released(), now_ms=now_ms, actor="client", reason="reset")
        self._ledger.answer(run, wanted.reply, run_id)

    def _journal(self, key: RunKey) -> list[EventRow]:
        """Return all events of a run, those that are not written yet too."""
        rows = list(self._store.journal(key))
        for batch in (self._committing, self._ledger.open):
            if batch is not None:
                last = rows[-1].seq if rows else 0
                rows += [row for row in batch.events if row.run == key and row.seq > last]
        return rows

    def _forget(self, wanted: Forget, now_ms: int) -> None:
        self._waiters.forget(wanted.reply)

    # What workers and the clock report

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
            self._happen(run, DeadlinePassed(), now_ms=now_ms, actor="clock")
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
        return any(batch is not None and key in batch.removed for batch in (self._committing, self._ledger.open))


def _taken(workflow_id: WorkflowId, verdict: Taken) -> WorkflowAlreadyStarted:
    return WorkflowAlreadyStarted(verdict.message, workflow_id=workflow_id, run_id=verdict.run_id)
