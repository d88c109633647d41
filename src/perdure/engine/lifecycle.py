"""All that happens to runs: how they begin, every event, and how they end.

Rule 1: what follows from an event is held with it: nothing of it leaves before the event is durable.
Rule 2: a run whose genesis cannot be handled was never asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from perdure.engine.attempts import Attempts
from perdure.engine.dispatcher import Dispatcher
from perdure.engine.hot import HotRun
from perdure.engine.ledger import Ledger
from perdure.engine.outputs import BeginAttempt
from perdure.engine.parking import HotRuns
from perdure.engine.rpcs import Rpcs
from perdure.engine.waiters import Waiters
from perdure.interpreter.chain import decide_after_close
from perdure.interpreter.effects import Abandon, Close, CompleteState, Index, Invoke
from perdure.interpreter.events import Event, Started, Stopped
from perdure.interpreter.execution import Execution
from perdure.model.attributes import SearchAttribute
from perdure.model.errors import InternalError
from perdure.model.outcome import Outcome, RunStatus, StopKind
from perdure.ports.clock import Ids
from perdure.store.rows import CompletionRow, RunKey, RunRow


class Lifecycle:
    """Lets events happen to runs, and sees to what comes of them: calls, RPCs, ends and the runs that follow."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        runs: HotRuns,
        waiters: Waiters,
        ids: Ids,
        last_key: RunKey,
        lane_max: int,
        check: Callable[[Iterable[SearchAttribute]], str | None],
        now_ms: Callable[[], int],
        begin: BeginAttempt,
        wake: Callable[[RunKey], None],
    ) -> None:
        """Begin without runs.

        Args:
            last_key: the highest that a run of this store has, or has had.
            lane_max: calls under way for each worker, of states and of RPCs.
            check: says what is wrong with search attributes.
            begin: makes an attempt.
            wake: has a run loaded that a worker has a slot for.
        """
        self._ledger = ledger
        self._runs = runs
        self._waiters = waiters
        self._ids = ids
        self._last_key = last_key
        self.attempts = Attempts(
            ledger=ledger,
            runs=runs,
            dispatcher=Dispatcher(lane_max=lane_max),
            happen=self.happen,
            check=check,
            now_ms=now_ms,
            begin=begin,
            wake=wake,
        )
        """Calls of states."""
        self.rpcs = Rpcs(
            ledger=ledger,
            runs=runs,
            dispatcher=Dispatcher(lane_max=lane_max),
            happen=self.happen,
            check=check,
            begin=begin,
        )

    def happen(self, run: HotRun, event: Event, *, now_ms: int, actor: str, reason: str = "") -> bool:
        """Let *event* happen, and see to its effects. ``False``: the run is quarantined now."""
        effects = self._ledger.journal(run, event, now_ms=now_ms, actor=actor, reason=reason)
        if effects is None:
            return False
        for effect in effects:
            if isinstance(effect, Invoke):
                self.attempts.open(run, effect, now_ms=now_ms)
            elif isinstance(effect, Index):
                self._ledger.index(run, effect.attributes)
            elif isinstance(effect, Close):
                self._close(run, effect.outcome, now_ms)
            elif isinstance(effect, Abandon):
                self.attempts.abandon(run, effect.call_id)
            else:
                self._record(run, effect)
        if run.execution.asked_again:
            self.rpcs.ask_again(run, now_ms=now_ms)
        return run.quarantine is None

    def begin(self, started: Started, *, now_ms: int, actor: str, request_id: str | None) -> HotRun:
        """Begin a run, with a key of its own.

        Raises:
            InternalError: its genesis cannot be handled; there is no such run.
        """
        request = started.request
        row = RunRow(
            self.next_key(),
            request.workflow_id,
            started.run_id,
            request.workflow_type,
            started.first_run_id,
            now_ms,
            request_id,
        )
        return self.create(row, started, now_ms=now_ms, actor=actor)

    def create(self, row: RunRow, genesis: Event, *, now_ms: int, actor: str) -> HotRun:
        """Make *genesis* the first event of a new run, the newest one of its workflow.

        Raises:
            InternalError: it cannot be handled; there is no such run.
        """
        run = HotRun(row, Execution(), stored=False)
        self._runs.add(run)
        self._runs.set_current(run)
        if not self.happen(run, genesis, now_ms=now_ms, actor=actor):
            # A journal without a beginning is none: as if it had never been asked for.
            del self._ledger.open.runs[run.key]
            self._ledger.open.quarantined -= 1
            self._runs.drop(run)
            raise InternalError(f"workflow {row.workflow_id!r} cannot be started: {run.quarantine}")
        self._ledger.open.started.append(run)
        return run

    def terminate(self, row: RunRow, *, reason: str, now_ms: int) -> None:
        """End a run at once, also one that its rules cannot go on with."""
        run = self._runs.get(row.key)
        if run is None:
            run = HotRun(row, Execution(), stored=True)
            self._runs.add(run)
        stopped = Stopped(StopKind.TERMINATE, reason)
        if run.quarantine is None and self.happen(run, stopped, now_ms=now_ms, actor="client", reason=reason):
            return
        self._set_closed(run, RunStatus.TERMINATED, now_ms)
        self._ledger.touch(run)
        self._tell_end(run)

    def next_key(self) -> RunKey:
        """Return a key that no run has had."""
        self._last_key = RunKey(self._last_key + 1)
        return self._last_key

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
            following = self.begin(again, now_ms=now_ms, actor="engine", request_id=run.row.request_id)
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
        self.rpcs.run_closed(run)

    def _tell_end(self, run: HotRun) -> None:
        self._ledger.after(run, lambda: self._ledger.say_all(self._waiters.run_ended(run.key, run.info())))
