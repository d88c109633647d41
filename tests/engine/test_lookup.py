from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure.engine.hot import HotRun
from perdure.engine.inputs import Change, Describe, Input, ReadSearch, Reported, Start, Wake
from perdure.engine.lookup import Lookup
from perdure.engine.parking import HotRuns
from perdure.interpreter.codec import encode_event
from perdure.interpreter.events import SignalReceived, Started
from perdure.interpreter.execution import Execution
from perdure.model.calls import Failure
from perdure.model.errors import InternalError, WorkflowNotFound
from perdure.model.ids import RunId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.store.rows import Batch, EventRow, RunKey, RunRow
from perdure.store.store import Store
from tests.engine.script import KIND, starting
from tests.engine.test_waiters import Caller

OPEN, ENDED, SICK, NOBODY = WorkflowId("open"), WorkflowId("ended"), WorkflowId("sick"), WorkflowId("nobody")


def row(key: int, workflow_id: WorkflowId, **rest: object) -> RunRow:
    run_id = RunId(f"run-{key}")
    made = RunRow(RunKey(key), workflow_id, run_id, KIND, run_id, 0, events=1)
    return made if not rest else RunRow(**{**{name: getattr(made, name) for name in RunRow._fields}, **rest})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "engine.db", synchronous="OFF")
    rows = (
        row(1, OPEN),
        row(2, ENDED, status=RunStatus.COMPLETED, closed_ms=5),
        row(3, SICK, quarantine="it raised"),
        row(4, OPEN),
    )
    genesis = encode_event(Started(starting(None), RunId("r"), RunId("r")))
    store.write(Batch(runs=rows, events=tuple(EventRow(line.key, 1, 0, genesis) for line in rows)))
    yield store
    store.close()


@pytest.fixture
def lookup(store: Store) -> Lookup:
    return Lookup(store=store, runs=HotRuns(), run_of={7: RunKey(1)}.get, going=lambda _: False)


def change(workflow_id: WorkflowId, run_id: str | None = None) -> Change:
    return Change(Caller(), workflow_id, None if run_id is None else RunId(run_id), SignalReceived("letters"))


def test_only_what_is_to_be_handled_is_loaded(lookup: Lookup) -> None:
    inputs: list[Input] = [
        change(OPEN),
        change(OPEN, "run-1"),
        change(NOBODY),
        change(SICK),
        Describe(Caller(), OPEN, None),
        Describe(Caller(), ENDED, None),
        ReadSearch(Caller(), ENDED, None, None),
        Wake(RunKey(9)),
        Reported(7, Failure("late")),
        Reported(8, Failure("of nobody")),
    ]
    lookup.read_rows(inputs)
    assert lookup.keys_to_load(inputs) == [4, 1, 2, 9]


def test_start_needs_the_run_it_may_replace(lookup: Lookup) -> None:
    inputs: list[Input] = [Start(Caller(), starting(None, workflow_id=name)) for name in (OPEN, ENDED, NOBODY)]
    lookup.read_rows(inputs)
    assert lookup.keys_to_load(inputs) == [4]


def test_run_in_memory_is_found_before_the_row_that_was_read(store: Store) -> None:
    runs = HotRuns()
    lookup = Lookup(store=store, runs=runs, run_of=lambda _: None, going=lambda _: False)
    lookup.read_rows([change(OPEN)])
    assert lookup.row(OPEN, None).run_id == "run-4"
    newer = HotRun(row(5, OPEN), Execution(), stored=False)
    runs.add(newer)
    runs.set_current(newer)
    assert lookup.run(OPEN, None) is newer
    assert lookup.run(OPEN, RunId("run-5")) is newer


def test_run_of_another_workflow_is_not_found_by_its_id(lookup: Lookup) -> None:
    wanted = change(OPEN, "run-2")
    lookup.read_rows([wanted])
    with pytest.raises(WorkflowNotFound, match=r'"open" and run ID "run-2"'):
        lookup.row(OPEN, RunId("run-2"))


def test_quarantined_run_is_shown_and_not_gone_on_with(lookup: Lookup) -> None:
    lookup.read_rows([change(SICK)])
    assert lookup.row(SICK, None).quarantine == "it raised"
    with pytest.raises(InternalError, match="it raised"):
        lookup.run(SICK, None)


def test_next_round_reads_anew(lookup: Lookup) -> None:
    lookup.read_rows([change(OPEN)])
    lookup.end_round()
    with pytest.raises(WorkflowNotFound, match="not found for ID: open"):
        lookup.row(OPEN, None)


def test_run_that_is_being_removed_is_not_found_any_more(store: Store) -> None:
    lookup = Lookup(store=store, runs=HotRuns(), run_of=lambda _: None, going={RunKey(4)}.__contains__)
    inputs: list[Input] = [change(OPEN), change(OPEN, "run-4")]
    lookup.read_rows(inputs)
    assert lookup.keys_to_load(inputs) == []
    for run_id in (None, RunId("run-4")):
        with pytest.raises(WorkflowNotFound):
            lookup.row(OPEN, run_id)
