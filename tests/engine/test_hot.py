from __future__ import annotations

from dataclasses import replace

from perdure.engine.hot import HotRun, fold
from perdure.engine.ledger import Ledger
from perdure.interpreter.events import SignalReceived, Started
from perdure.interpreter.execution import Execution
from perdure.model.conditions import ChannelKind
from perdure.model.ids import RunId
from perdure.model.outcome import Outcome, RunStatus
from perdure.model.value import EncodedValue
from perdure.store.rows import RunRow, StoredRun
from tests.engine.script import ADA, KIND, starting
from tests.engine.test_batch import begun
from tests.engine.test_calls import KEY, opened


def nobody(_: object) -> tuple[()]:
    raise AssertionError("the whole journal is not needed")


def test_fold_says_when_calls_began() -> None:
    ledger, run_id = Ledger(), RunId("r")
    run = HotRun(RunRow(KEY, ADA, run_id, KIND, run_id, 0), Execution(), stored=False)
    ledger.journal(run, Started(starting(), run_id, run_id), now_ms=123, actor="client")
    sealed = ledger.take_batch().seal()
    again, began = fold(StoredRun(sealed.runs[0], None, sealed.events, ()), journal=nobody)
    assert began == {1: 123}
    assert again.execution.outstanding() == run.execution.outstanding()


def test_snapshot_of_another_release_is_folded_anew() -> None:
    ledger = Ledger()
    run = begun(ledger)
    ledger.journal(run, SignalReceived("letters"), now_ms=1, actor="client")
    snapshot = run.take_snapshot()
    sealed = ledger.take_batch().seal()
    strange = replace(snapshot, snapshot=replace(snapshot.snapshot, version=99))
    again, _ = fold(StoredRun(sealed.runs[0], strange, (), ()), journal=lambda _: sealed.events)
    assert again.execution.channel_sizes(ChannelKind.SIGNAL) == {"letters": 1}
    assert fold(StoredRun(sealed.runs[0], snapshot, (), ()), journal=nobody)[0].execution.snapshot() == (
        again.execution.snapshot()
    )


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


def test_large_execution_is_not_written_down_again_for_every_few_events() -> None:
    ledger = Ledger()
    run = begun(ledger)
    ledger.journal(run, SignalReceived("letters", EncodedValue("x" * 100_000)), now_ms=1, actor="client")
    assert run.wants_snapshot
    run.take_snapshot()
    for n in range(100):
        ledger.journal(run, SignalReceived("letters"), now_ms=n, actor="client")
    assert not run.wants_snapshot


def test_quarantined_run_shows_how_its_row_ended() -> None:
    run = begun(Ledger())
    run.quarantine = "it raised"
    run.status = RunStatus.TERMINATED
    assert run.info().outcome == Outcome(RunStatus.TERMINATED)
    row = run.make_row()
    assert (row.quarantine, row.deadline_ms, row.busy) == ("it raised", None, False)
