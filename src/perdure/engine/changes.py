"""What callers ask that changes something: starts, messages, writes, stops, RPCs and resets.

Each is answered once what it has changed is durable, or refused without having changed anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from perdure.engine.batch import PendingBatch
from perdure.engine.inputs import CallRpc, Change, Reset, Start
from perdure.engine.ledger import Ledger, quarantined
from perdure.engine.lifecycle import Lifecycle
from perdure.engine.limits import excess_of_event, excess_of_start
from perdure.engine.lookup import Lookup
from perdure.engine.parking import HotRuns
from perdure.engine.reset import go_back
from perdure.engine.rpcs import error_of
from perdure.interpreter.chain import Begin, CurrentRun, Existing, Taken, check_start, decide_start
from perdure.interpreter.events import AttributesSet, MessagesPublished, Released, ResumeCause, Resumed, Stopped
from perdure.interpreter.refusal import RefusalKind
from perdure.model.errors import InvalidRequest, WorkflowAlreadyStarted
from perdure.model.ids import WorkflowId
from perdure.model.outcome import StopKind
from perdure.ports.clock import Ids
from perdure.store.rows import EventRow, RunKey, RunRow
from perdure.store.store import Store


class Changes:
    """Does what callers ask."""

    def __init__(
        self,
        *,
        store: Store,
        ids: Ids,
        runs: HotRuns,
        lookup: Lookup,
        ledger: Ledger,
        lives: Lifecycle,
        unwritten: Callable[[], Iterable[PendingBatch]],
    ) -> None:
        """Begin with nothing asked.

        Args:
            unwritten: the batches that the store does not have yet, in order.
        """
        self._store = store
        self._ids = ids
        self._runs = runs
        self._lookup = lookup
        self._ledger = ledger
        self._lives = lives
        self._unwritten = unwritten

    def start(self, wanted: Start, now_ms: int) -> None:
        """Begin a run if the id may be taken; what it replaces ends with the same commit."""
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
                self._lives.terminate(row, reason="replaced by a new run", now_ms=now_ms)
            run = self._lives.begin(
                verdict.started, now_ms=now_ms, actor="client", request_id=request.options.request_id
            )
            self._ledger.answer(run, wanted.reply, run.row.run_id)
            return
        before = self._lookup.hot(request.workflow_id, None)
        if isinstance(verdict, Existing):
            self._ledger.answer(before, wanted.reply, verdict.run_id)
        else:
            self._ledger.refuse(before, wanted.reply, _taken(request.workflow_id, verdict))

    def change(self, wanted: Change, now_ms: int) -> None:
        event = wanted.event
        stops = event if isinstance(event, Stopped) else None
        row = self._lookup.row(wanted.workflow_id, wanted.run_id)
        if stops is not None and stops.kind is StopKind.TERMINATE and not row.status.closed:
            self._lives.terminate(row, reason=stops.reason, now_ms=now_ms)
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
            if not self._lives.happen(run, event, now_ms=now_ms, actor="client", reason=reason):
                raise quarantined(run.row.run_id, wanted.workflow_id, run.quarantine or "")
        self._ledger.answer(run, wanted.reply, None)

    def call_rpc(self, wanted: CallRpc, now_ms: int) -> None:
        run = self._lookup.run(wanted.call.workflow_id, wanted.call.run_id)
        self._lives.rpcs.call(run, wanted, now_ms=now_ms)

    def reset(self, wanted: Reset, now_ms: int) -> None:
        request = wanted.request
        base = self._lookup.row(request.workflow_id, request.run_id)
        past = go_back(self._journal(base.key), request)
        current = self._lookup.row(request.workflow_id, None)
        if not current.status.closed:
            self._lives.terminate(current, reason=request.reason, now_ms=now_ms)
        run_id = self._ids.new_run_id()
        row = RunRow(
            self._lives.next_key(),
            base.workflow_id,
            run_id,
            base.workflow_type,
            base.first_run_id,
            now_ms,
            base.request_id,
        )
        genesis = Resumed(past.snapshot, run_id, ResumeCause.RESET, request.reason, past.asked_again)
        run = self._lives.create(row, genesis, now_ms=now_ms, actor="client")
        for event in past.handed_over:
            if run.status.closed or not self._lives.happen(run, event, now_ms=now_ms, actor="client", reason="reset"):
                break
        self._lives.happen(run, Released(), now_ms=now_ms, actor="client", reason="reset")
        self._ledger.answer(run, wanted.reply, run_id)

    def _journal(self, key: RunKey) -> list[EventRow]:
        """Return all events of a run, those that are not written yet too."""
        rows = list(self._store.journal(key))
        for batch in self._unwritten():
            last = rows[-1].seq if rows else 0
            rows += [row for row in batch.events if row.run == key and row.seq > last]
        return rows


def _taken(workflow_id: WorkflowId, verdict: Taken) -> WorkflowAlreadyStarted:
    return WorkflowAlreadyStarted(verdict.message, workflow_id=workflow_id, run_id=verdict.run_id)
