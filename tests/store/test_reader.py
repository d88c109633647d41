from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import UnavailableError
from perdure.model.ids import CallId, RunId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.store.attribute_types import AttributeTypes
from perdure.store.bodies import SharedBodies
from perdure.store.connection import open_reader, open_writer
from perdure.store.faults import FileGuard
from perdure.store.reader import Reader
from perdure.store.rows import Batch, CallRow, CompletionRow, RunKey, RunRow
from perdure.store.statements import SQL
from perdure.store.store import Store
from perdure.store.writer import Writer
from tests.store.samples import LONG, event, run, segment, value

T = SearchAttributeType
ADA, BOB = WorkflowId("ada"), WorkflowId("bob")


class Desk:
    """A file to write to, and a reader of it."""

    def __init__(self, path: Path) -> None:
        guard = FileGuard(path.name)
        self.writing = open_writer(str(path))
        self.reading = open_reader(str(path))
        self.reader = Reader(self.reading, guard)
        self.types = AttributeTypes(self.reader.attribute_types())
        self.writer = Writer(self.writing, self.types, SharedBodies([]), guard)

    def write(self, **parts: object) -> None:
        self.writer.write(Batch(**parts))  # type: ignore[arg-type]  # each test names its own parts

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What the reader asks of SQLite meanwhile."""
        asked: list[str] = []
        self.reading.trace_v2(apsw.SQLITE_TRACE_PROFILE, lambda event: asked.append(event["sql"]))
        yield asked
        self.reading.trace_v2(0)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "a.db")
    yield desk
    desk.reader.close()
    desk.writer.close()


def keys(*numbers: int) -> list[RunKey]:
    return [RunKey(number) for number in numbers]


@pytest.mark.parametrize(
    "row",
    [
        run(1),
        run(2, request_id="", quarantine="", deadline_ms=0, busy=True, events=7),
        run(3, status=RunStatus.TIMED_OUT, closed_ms=5_000, quarantine="it raised: 'x'", request_id="r-7"),
        run(4, 'Ünï"\n\0', run_id="other", first_run_id="first", workflow_type="", started_ms=-1),
    ],
)
def test_a_runs_row_is_read_as_it_was_written(desk: Desk, row: RunRow) -> None:
    desk.write(runs=(row,))
    assert desk.reader.runs([row.run_id]) == {row.run_id: row}
    assert desk.reader.current_runs([row.workflow_id]) == {row.workflow_id: row}
    assert desk.reader.runs_of(row.workflow_id) == (row,)
    assert desk.reader.load([row.key])[row.key].row == row


def test_a_changed_run_is_read_as_it_was_written_last(desk: Desk) -> None:
    desk.write(runs=(run(1),))
    for changed in (
        run(1, events=2, deadline_ms=9, busy=True),
        run(1, events=3, quarantine="it raised"),
        run(1, events=4, status=RunStatus.FAILED, closed_ms=70),
    ):
        desk.write(runs=(changed,))
        assert desk.reader.runs([RunId("run-1")]) == {"run-1": changed}


def test_the_newest_run_of_each_workflow_is_the_current_one(desk: Desk) -> None:
    closed = run(3, status=RunStatus.COMPLETED, closed_ms=5)
    desk.write(runs=(run(1), closed, run(2, "bob")))
    with desk.statements() as asked:
        found = desk.reader.current_runs([ADA, BOB, WorkflowId("nobody"), ADA])
    assert found == {"ada": closed, "bob": run(2, "bob")}
    assert len(asked) == 1
    assert desk.reader.current_runs([]) == {}


def test_all_runs_of_a_workflow_come_oldest_first(desk: Desk) -> None:
    desk.write(runs=(run(3), run(1), run(2, "bob")))
    assert desk.reader.runs_of(ADA) == (run(1), run(3))
    assert desk.reader.runs_of(WorkflowId("nobody")) == ()


def test_every_part_of_a_run_is_loaded_as_it_was_written(desk: Desk) -> None:
    events = (
        event(1, 1, value("a"), value(LONG), value(None), value("\ud800"), reason="Grüße\n", trace="t", actor="me"),
        event(1, 2),
    )
    calls = (
        CallRow(RunKey(1), CallId(1), 3, 5, 9, ("first", "half \ud800"), 2),
        CallRow(RunKey(1), CallId(2), 1, 5),
    )
    desk.write(runs=(run(1, events=2),), events=events, calls=calls)
    stored = desk.reader.load(keys(1))[RunKey(1)]
    assert (stored.events, stored.calls) == (events, calls)


def test_calls_are_replaced_and_ended(desk: Desk) -> None:
    first, second = CallRow(RunKey(1), CallId(1), 1, 5), CallRow(RunKey(1), CallId(2), 1, 5)
    desk.write(runs=(run(1),), calls=(first, second))
    again = CallRow(RunKey(1), CallId(1), 2, 5, 7, ("no",))
    desk.write(calls=(again,), ended_calls=((RunKey(1), CallId(2)),))
    assert desk.reader.load(keys(1))[RunKey(1)].calls == (again,)


def test_only_the_last_segment_is_loaded(desk: Desk) -> None:
    events = (event(1, 1, value("a")), segment(1, 2), event(1, 3), segment(1, 4, value(LONG)), event(1, 5))
    others = (event(2, 1), segment(3, 1), event(3, 2))
    desk.write(runs=(run(1, events=5), run(2, events=1), run(3, events=2)), events=(*events, *others))
    stored = desk.reader.load(keys(1, 2, 3))
    assert stored[RunKey(1)].events == events[3:]
    assert stored[RunKey(2)].events == others[:1]
    assert stored[RunKey(3)].events == others[1:]
    assert desk.reader.journal(RunKey(1)) == events


def test_the_last_segment_is_found_by_an_index_that_has_nothing_of_short_journals(desk: Desk) -> None:
    plan = desk.reading.execute(f"EXPLAIN QUERY PLAN {SQL['load_events']}", {"keys": "[]"}).fetchall()
    steps = [str(step[3]) for step in plan]
    assert any("event_by_segment (run=?)" in step for step in steps), steps
    assert any("event_by_run (run=? AND seq>?)" in step for step in steps), steps


def test_loading_takes_as_many_statements_for_a_hundred_runs_as_for_one(desk: Desk) -> None:
    numbers = range(1, 101)
    desk.write(
        runs=tuple(run(number, f"w-{number}", events=2) for number in numbers),
        events=tuple(event(number, seq, value(f"{LONG}{number}")) for number in numbers for seq in (2, 1)),
        calls=tuple(CallRow(RunKey(number), CallId(1), 1, 0) for number in numbers),
    )
    desk.reader.load(keys(100))  # which reads the bodies that events share, once
    for wanted in (keys(7), keys(*numbers)):
        with desk.statements() as asked:
            loaded = desk.reader.load(wanted)
        assert list(loaded) == wanted
        assert len(asked) == 2  # one for the runs, one for their large values
        assert all([event.seq for event in stored.events] == [1, 2] for stored in loaded.values())


def test_unknown_runs_are_left_out(desk: Desk) -> None:
    assert desk.reader.load(keys(1, 2)) == {}
    assert desk.reader.load([]) == {}
    assert desk.reader.runs([RunId("none")]) == {}
    assert desk.reader.journal(RunKey(1)) == ()


def test_a_journal_is_read_in_pages(desk: Desk) -> None:
    events = tuple(event(1, seq) for seq in range(1, 6))
    desk.write(events=(*events, event(2, 1)))
    assert desk.reader.journal(RunKey(1), after=2) == events[2:]
    assert desk.reader.journal(RunKey(1), after=1, limit=2) == events[1:3]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("DELETE FROM value WHERE data LIKE 'long%'", "KeyError"),
        ("UPDATE event SET payload = 'json x' WHERE run = 1 AND seq = 1", "ValueError"),
        ("UPDATE event SET body = '77' WHERE run = 1 AND seq = 1", "KeyError: '77'"),
    ],
)
def test_an_event_that_cannot_be_read_says_so_and_harms_no_other(desk: Desk, damage: str, why: str) -> None:
    others = (event(1, 2, value("b")), event(2, 1, value("c")))
    desk.write(runs=(run(1), run(2, "bob")), events=(event(1, 1, value(LONG)), *others))
    desk.writing.execute(damage)
    found = desk.reader.load(keys(1, 2))
    assert desk.reader.journal(RunKey(1)) == found[RunKey(1)].events
    assert (found[RunKey(1)].events[1], *found[RunKey(2)].events) == others
    broken = found[RunKey(1)].events[0]
    assert (broken.seq, broken.event.kind, broken.event.body, broken.event.values) == (1, "signal", "", ())
    assert broken.event.fault.startswith(f"event 1 of run 1 cannot be read from a.db ({why}")


def test_a_run_that_is_removed_while_it_is_read_is_not_taken_for_a_damaged_one(desk: Desk) -> None:
    desk.write(runs=(run(1),), events=(event(1, 1, value(LONG)),))

    def remove(_: object) -> None:
        desk.reading.trace_v2(0)
        desk.write(removed=(RunKey(1),))

    desk.reading.trace_v2(apsw.SQLITE_TRACE_PROFILE, remove)  # once the first statement is over
    assert desk.reader.load(keys(1)) == {}


def test_busy_runs_are_open_and_fit_to_go_on(desk: Desk) -> None:
    desk.write(
        runs=(
            run(4, busy=True),
            run(1, busy=True),
            run(2),
            run(3, busy=True, quarantine="it raised"),
            run(5, busy=True, status=RunStatus.FAILED, closed_ms=1),
        )
    )
    assert desk.reader.busy_runs() == (1, 4)
    desk.write(runs=(run(1),))
    assert desk.reader.busy_runs() == (4,)


def test_due_runs_come_earliest_first_in_pages(desk: Desk) -> None:
    deadlines = {1: 50, 2: 30, 3: 50, 4: 50, 5: 100}
    desk.write(runs=tuple(run(key, deadline_ms=moment) for key, moment in deadlines.items()))
    desk.write(
        runs=(
            run(6, deadline_ms=40, quarantine="it raised"),
            run(7, deadline_ms=40, status=RunStatus.FAILED, closed_ms=1),
            run(8),
        )
    )
    assert desk.reader.due_runs(100) == ((30, 2), (50, 1), (50, 3), (50, 4))
    first = desk.reader.due_runs(101, limit=2)
    assert first == ((30, 2), (50, 1))
    assert desk.reader.due_runs(101, after=first[-1], limit=2) == ((50, 3), (50, 4))
    assert desk.reader.due_runs(101, after=(50, RunKey(4))) == ((100, 5),)
    desk.write(runs=(run(5, deadline_ms=10),))
    assert desk.reader.due_runs(11) == ((10, 5),)


def test_runs_that_ended_before_a_moment_come_in_the_order_of_their_ends(desk: Desk) -> None:
    ends = {1: 50, 2: 30, 3: 60}
    desk.write(runs=tuple(run(key, status=RunStatus.COMPLETED, closed_ms=end) for key, end in ends.items()))
    desk.write(runs=(run(4),))
    assert desk.reader.closed_before(60) == (2, 1)
    assert desk.reader.closed_before(60, limit=1) == (2,)


@pytest.mark.parametrize("output", [None, value(None), value("done"), value(LONG), value("\ud800")])
def test_a_completion_is_read_as_it_was_written(desk: Desk, output: object) -> None:
    completion = CompletionRow(ADA, RunId("run-1"), "submit-1", output)  # type: ignore[arg-type]
    desk.write(completions=(completion,))
    assert desk.reader.completion(ADA, RunId("run-1"), "submit-1") == completion
    assert desk.reader.completion(ADA, RunId("run-1"), "submit-2") is None
    assert desk.reader.completion(BOB, RunId("run-1"), "submit-1") is None


def test_keys_are_never_used_again(desk: Desk) -> None:
    assert desk.reader.last_key() == 0
    desk.write(runs=(run(7), run(3)))
    assert desk.reader.last_key() == 7
    desk.write(removed=(RunKey(7),))
    assert desk.reader.last_key() == 7
    desk.write(removed=(RunKey(3),))
    assert desk.reader.last_key() == 7


def test_the_index_gives_what_was_written_and_the_workflow_type(desk: Desk) -> None:
    attributes = (
        SearchAttribute("when", T.DATETIME, "2024-02-29T12:34:56.789+02:00"),
        SearchAttribute("tags", T.KEYWORD_ARRAY, ("b", "a", "b")),
        SearchAttribute("bio", T.TEXT, "Some Words, twice: some"),
        SearchAttribute("price", T.DOUBLE, 3.0),
        SearchAttribute("empty", T.KEYWORD_ARRAY, ()),
    )
    desk.write(runs=(run(1),), index={RunKey(1): attributes})
    index = desk.reader.index_of(RunKey(1), desk.types)
    assert list(index) == ["IwfWorkflowType", "bio", "price", "tags", "when"]
    assert index["IwfWorkflowType"] == SearchAttribute("IwfWorkflowType", T.KEYWORD, "Signup")
    assert index["when"] == SearchAttribute("when", T.DATETIME, "2024-02-29T10:34:56.789Z")
    assert index["tags"].value == ("b", "a", "b")
    assert index["bio"].value == "Some Words, twice: some"
    assert repr(index["price"].value) == "3.0"
    assert desk.reader.index_of(RunKey(2), desk.types) == {}


def test_a_run_without_attributes_has_its_type_in_the_index(desk: Desk) -> None:
    desk.write(runs=(run(1),))
    assert list(desk.reader.index_of(RunKey(1), desk.types)) == ["IwfWorkflowType"]


def test_types_are_there_again_when_the_file_is_opened(desk: Desk) -> None:
    desk.write(index={RunKey(1): (SearchAttribute("age", T.INT, 3),)})
    assert AttributeTypes(desk.reader.attribute_types()).by_key == desk.types.by_key
    assert desk.types.by_key["IwfExecutingStateIds"] is T.KEYWORD_ARRAY


def test_a_file_is_read_beside_its_owner(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "a.db")
    beside = Reader.open(tmp_path / "a.db")
    store.write(Batch(runs=(run(1),)))
    assert beside.last_key() == 1
    beside.close()
    store.close()
    with pytest.raises(UnavailableError, match="cannot be opened"):
        Reader.open(tmp_path / "b.db")
