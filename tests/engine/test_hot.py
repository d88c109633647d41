from __future__ import annotations

from perdure.engine.hot import HotRun, fold
from perdure.engine.ledger import Ledger
from perdure.engine.segments import CUT_POLICY, SEGMENT_BYTES_MAX, CutPolicy
from perdure.interpreter.events import ResumeCause, SignalReceived, Started
from perdure.interpreter.execution import Execution
from perdure.model.ids import RunId
from perdure.model.outcome import Outcome, RunStatus
from perdure.model.value import EncodedValue
from perdure.store.rows import RunRow, StoredRun
from tests.engine.script import ADA, KIND, starting
from tests.engine.test_batch import begun
from tests.engine.test_calls import KEY, opened

AT_ONCE = CutPolicy(events_max=1, growth=0)


def test_fold_says_when_calls_began() -> None:
    ledger, run_id = Ledger(), RunId("r")
    run = HotRun(RunRow(KEY, ADA, run_id, KIND, run_id, 0), Execution(), stored=False)
    ledger.journal(run, Started(starting(), run_id, run_id), now_ms=123, actor="client")
    sealed = ledger.take_batch().seal()
    again, began = fold(StoredRun(sealed.runs[0], sealed.events, ()))
    assert began == {1: 123}
    assert again.execution.outstanding() == run.execution.outstanding()


def test_fold_begins_with_the_last_segment_and_counts_it() -> None:
    ledger = Ledger()
    run = begun(ledger)
    ledger.journal(run, SignalReceived("letters"), now_ms=1, actor="client")
    ledger.begin_segment(run, ResumeCause.CUT, now_ms=2)
    ledger.journal(run, SignalReceived("letters"), now_ms=3, actor="client")
    sealed = ledger.take_batch().seal()
    again, _ = fold(StoredRun(sealed.runs[0], sealed.events[2:], ()))
    assert again.execution.snapshot() == run.execution.snapshot()
    assert (again.events, again.segment_events) == (run.events, run.segment_events) == (4, 1)
    assert (again.segment_bytes, again.genesis_bytes) == (run.segment_bytes, run.genesis_bytes)


def test_run_is_busy_while_a_call_is_made_and_due_when_its_backoff_ends() -> None:
    run = begun(Ledger())
    run.held = None
    assert (run.busy, run.working, run.deadline_ms) == (False, False, None)
    call = opened()
    run.calls[call.invoke.call_id] = call
    assert (run.busy, run.working) == (True, True)
    call.next_ms = 500
    run.backoff[call.invoke.call_id] = None
    assert (run.busy, run.working, run.deadline_ms) == (False, False, 500)
    del run.backoff[call.invoke.call_id]
    run.queued[call.invoke.call_id] = None
    assert (run.busy, run.working) == (True, False)
    run.rpcs[1] = None
    assert run.working


def test_what_a_run_remembers_is_not_written_down_again_for_every_few_events() -> None:
    ledger = Ledger()
    run = begun(ledger)
    ledger.journal(run, SignalReceived("letters", EncodedValue("x" * SEGMENT_BYTES_MAX)), now_ms=1, actor="client")
    assert run.wants_cut(CUT_POLICY), "large events make a long segment"
    ledger.begin_segment(run, ResumeCause.CUT, now_ms=2)
    for n in range(200):
        ledger.journal(run, SignalReceived("letters"), now_ms=n, actor="client")
    assert not run.wants_cut(CUT_POLICY)


def test_run_that_has_ended_or_is_quarantined_is_not_cut() -> None:
    ledger = Ledger()
    run = begun(ledger)
    ledger.journal(run, SignalReceived("letters"), now_ms=1, actor="client")
    assert run.wants_cut(AT_ONCE)
    run.quarantine = "it raised"
    assert not run.wants_cut(AT_ONCE)
    run.quarantine, run.status = None, RunStatus.COMPLETED
    assert not run.wants_cut(AT_ONCE)


def test_quarantined_run_shows_how_its_row_ended() -> None:
    run = begun(Ledger())
    run.quarantine = "it raised"
    run.status = RunStatus.TERMINATED
    assert run.info().outcome == Outcome(RunStatus.TERMINATED)
    row = run.make_row()
    assert (row.quarantine, row.deadline_ms, row.busy) == ("it raised", None, False)
