from __future__ import annotations

from perdure.engine.batch import PendingBatch
from perdure.engine.hot import HotRun
from perdure.engine.ledger import Ledger
from perdure.interpreter.events import SignalReceived, Started
from perdure.interpreter.execution import Execution
from perdure.model.ids import RunId
from perdure.store.rows import RunKey, RunRow
from tests.engine.script import ADA, KIND, starting
from tests.engine.test_calls import KEY, opened


def begun(ledger: Ledger) -> HotRun:
    run_id = RunId("r")
    run = HotRun(RunRow(KEY, ADA, run_id, KIND, run_id, 0), Execution(), stored=False)
    ledger.journal(run, Started(starting(None), run_id, run_id), now_ms=0, actor="client")
    return run


def test_run_is_written_once_however_often_it_changed() -> None:
    ledger = Ledger()
    run = begun(ledger)
    for n in range(5):
        ledger.journal(run, SignalReceived("letters"), now_ms=n, actor="client")
    sealed = ledger.take_batch().seal()
    (row,) = sealed.runs
    assert (row.key, row.events) == (KEY, 6)
    assert [event.seq for event in sealed.events] == [1, 2, 3, 4, 5, 6]


def test_call_is_either_kept_or_ended() -> None:
    batch, call = PendingBatch(), opened()
    batch.keep_call(call)
    batch.end_call(call)
    sealed = batch.seal()
    assert (sealed.calls, sealed.ended_calls) == ((), ((KEY, 7),))
    again = PendingBatch()
    again.end_call(call)
    again.keep_call(call)
    assert (again.seal().calls, again.seal().ended_calls) == ((call.row(),), ())


def test_batch_with_only_removals_is_not_empty() -> None:
    batch = PendingBatch()
    assert batch.empty
    batch.removed.append(RunKey(3))
    assert not batch.empty
