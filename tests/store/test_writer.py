from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import InternalError, UnavailableError
from perdure.model.ids import CallId, RunId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.model.value import ERASED
from perdure.store.attribute_types import AttributeTypes
from perdure.store.bodies import SharedBodies
from perdure.store.connection import open_writer
from perdure.store.faults import FileGuard
from perdure.store.rows import Batch, CallRow, CompletionRow, RunKey, TrimRow
from perdure.store.store import Store
from perdure.store.writer import Writer
from tests.store.samples import LONG, event, run, segment, value

T = SearchAttributeType
TABLES = ("run", "event", "call", "completion", "value", "value_use", "search_card", "search_term")


class Desk:
    """A writer, and its connection to look at what it wrote."""

    def __init__(self, path: Path) -> None:
        self.connection = open_writer(str(path))
        self.types = AttributeTypes([])
        self.writer = Writer(self.connection, self.types, SharedBodies([]), FileGuard(path.name))

    def write(self, **parts: object) -> None:
        self.writer.write(Batch(**parts))  # type: ignore[arg-type]  # each test names its own parts

    def rows(self, query: str) -> list[tuple[object, ...]]:
        return self.connection.execute(query).fetchall()

    def counts(self) -> dict[str, object]:
        return {table: self.connection.execute(f"SELECT count(*) FROM {table}").get for table in TABLES}

    def terms(self) -> list[tuple[object, ...]]:
        return self.rows(
            "SELECT run, key, term FROM search_term JOIN attribute_type ON id = attribute WHERE id > 2 ORDER BY 1, 2, 3"
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "a.db")
    desk.types.add([(1, "IwfWorkflowType", T.KEYWORD), (2, "IwfExecutingStateIds", T.KEYWORD_ARRAY)])
    yield desk
    desk.writer.close()


def everything(key: int) -> dict[str, object]:
    return {
        "runs": (run(key, events=2), run(key + 1, "bob")),
        "events": (event(key, 1, value(LONG), value("short")), event(key, 2)),
        "calls": (CallRow(RunKey(key), CallId(1), 1, 0), CallRow(RunKey(key), CallId(2), 1, 0)),
        "ended_calls": ((RunKey(key), CallId(2)),),
        "completions": (CompletionRow(WorkflowId("ada"), RunId(f"run-{key}"), "submit-1", value("done")),),
        "index": {RunKey(key): (SearchAttribute("age", T.INT, 3), SearchAttribute("bio", T.TEXT, "A b"))},
    }


def test_a_batch_is_one_statement_whatever_is_in_it(desk: Desk) -> None:
    statements: list[str] = []
    desk.connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, lambda event: statements.append(event["sql"]))
    desk.write(**everything(1), removed=(RunKey(9),))
    desk.connection.trace_v2(0)
    assert len(statements) == 1, statements
    assert desk.counts() == dict(zip(TABLES, (2, 2, 1, 1, 1, 1, 1, 3), strict=True))


def test_an_empty_batch_writes_nothing(desk: Desk) -> None:
    before = desk.connection.total_changes()
    desk.write()
    assert desk.connection.total_changes() == before


def test_a_large_value_is_kept_once_for_all_that_have_it(desk: Desk) -> None:
    desk.write(events=(event(1, 1, value(LONG)), event(1, 2, value(LONG)), event(2, 1, value(LONG))))
    desk.write(events=(event(3, 1, value(LONG), value(LONG + "!")),))
    assert desk.rows("SELECT data FROM value ORDER BY length(data)") == [(LONG,), (LONG + "!",)]
    assert desk.counts()["value_use"] == 4


def test_a_large_value_goes_with_the_last_run_that_needs_it(desk: Desk) -> None:
    desk.write(events=(event(1, 1, value(LONG)), event(2, 1, value(LONG))), runs=(run(1), run(2)))
    desk.write(removed=(RunKey(1),))
    assert desk.counts()["value"] == 1
    desk.write(removed=(RunKey(2),))
    assert desk.counts()["value"] == 0


def test_a_run_is_removed_wholly_and_no_other(desk: Desk) -> None:
    desk.write(**everything(1))
    before = desk.counts()
    desk.write(**everything(11))
    desk.write(removed=(RunKey(11), RunKey(12)))
    assert desk.counts() == before
    desk.write(removed=(RunKey(1), RunKey(2)))
    assert set(desk.counts().values()) == {0}


def test_completions_stay_until_the_last_run_of_their_chain_goes(desk: Desk) -> None:
    completion = CompletionRow(WorkflowId("ada"), RunId("run-1"), "submit-1", None)
    desk.write(runs=(run(1), run(2, first_run_id="run-1"), run(3)), completions=(completion,))
    desk.write(removed=(RunKey(1),))
    assert desk.counts()["completion"] == 1
    desk.write(removed=(RunKey(2),))
    assert desk.counts()["completion"] == 0
    assert desk.counts()["run"] == 1


def test_the_first_completion_under_a_key_counts(desk: Desk) -> None:
    first, second = (
        CompletionRow(WorkflowId("ada"), RunId("run-1"), "submit-1", value(text)) for text in ("first", "second")
    )
    desk.write(completions=(first,))
    desk.write(completions=(second,))
    [[payload]] = desk.rows("SELECT payload FROM completion")
    assert str(payload).endswith("first")


def test_a_new_value_takes_the_place_of_the_old_one_in_the_index(desk: Desk) -> None:
    key = RunKey(1)
    first = (
        SearchAttribute("age", T.INT, 3),
        SearchAttribute("bio", T.TEXT, "red green"),
        SearchAttribute("tags", T.KEYWORD_ARRAY, ("a", "b")),
        SearchAttribute("stays", T.KEYWORD, "here"),
    )
    second = (
        SearchAttribute("age", T.INT, 4),
        SearchAttribute("bio", T.TEXT, "green blue"),
        SearchAttribute("tags", T.KEYWORD_ARRAY, ("b", "c")),
    )
    desk.write(index={key: first, RunKey(2): first})
    desk.write(index={key: second})
    assert desk.terms()[:6] == [
        (1, "age", 4),
        (1, "bio", "blue"),
        (1, "bio", "green"),
        (1, "stays", "here"),
        (1, "tags", "b"),
        (1, "tags", "c"),
    ]
    assert [term for run, _, term in desk.terms() if run == 2] == [3, "green", "red", "here", "a", "b"]


def test_the_last_value_in_a_batch_counts(desk: Desk) -> None:
    desk.write(index={RunKey(1): (SearchAttribute("age", T.INT, 3), SearchAttribute("age", T.INT, 4))})
    assert desk.terms() == [(1, "age", 4)]


def test_an_emptied_list_leaves_the_index(desk: Desk) -> None:
    tags = [SearchAttribute("tags", T.KEYWORD_ARRAY, items) for items in (("a",), (), ("b",), ())]
    for attribute, found in zip(tags, ([(1, "tags", "a")], [], [(1, "tags", "b")], []), strict=True):
        desk.write(index={RunKey(1): (attribute,)})
        assert desk.terms() == found


def test_the_same_value_again_does_not_touch_the_terms(desk: Desk) -> None:
    index = {RunKey(1): (SearchAttribute("bio", T.TEXT, "red green"), SearchAttribute("price", T.DOUBLE, 0.1))}
    desk.write(index=index)
    before = desk.connection.total_changes()
    desk.write(index=index)
    assert desk.connection.total_changes() - before == 1  # the card itself


def test_a_term_is_of_its_attributes_own_type(desk: Desk) -> None:
    attributes = (
        SearchAttribute("a", T.DOUBLE, 2.0),
        SearchAttribute("b", T.INT, 2**63 - 1),
        SearchAttribute("c", T.KEYWORD, "2"),
        SearchAttribute("d", T.BOOL, True),
        SearchAttribute("e", T.DATETIME, "1970-01-01T00:00:01+00:00"),
    )
    desk.write(index={RunKey(1): attributes})
    assert [term for _, _, term in desk.terms()] == [2.0, 2**63 - 1, "2", 1, 1_000_000_000]
    assert [kind for (kind,) in desk.rows("SELECT typeof(term) FROM search_term ORDER BY attribute")] == [
        "real",
        "integer",
        "text",
        "integer",
        "integer",
    ]


def test_a_time_ago_counts_from_the_event_that_states_it(desk: Desk) -> None:
    ago = SearchAttribute("since", T.DATETIME, "2s")
    desk.write(runs=(run(1),), events=(event(1, 1, at_ms=5_000),), index={RunKey(1): (ago,)})
    assert desk.terms() == [(1, "since", 3_000_000_000)]


def test_the_first_use_of_an_attribute_is_written_with_it(desk: Desk) -> None:
    desk.write(index={RunKey(1): (SearchAttribute("age", T.INT, 3),)})
    assert desk.types.by_key["age"] is T.INT
    assert ("age", "INT") in desk.rows("SELECT key, type FROM attribute_type")


def test_what_fails_is_not_written_and_not_remembered(desk: Desk) -> None:
    desk.write(events=(event(1, 1),))
    before = desk.counts()
    with pytest.raises(InternalError, match=r"a\.db refused rows that contradict"):
        desk.write(**everything(1))
    assert desk.counts() == before
    assert "age" not in desk.types.by_key
    assert not desk.connection.in_transaction


def test_a_text_that_cannot_be_written_is_refused_whole(desk: Desk) -> None:
    with pytest.raises(InternalError, match="half a surrogate pair"):
        desk.write(runs=(run(1), run(2, "\ud800")))
    assert desk.counts()["run"] == 0


def test_a_full_disk_takes_all_or_nothing(desk: Desk) -> None:
    desk.write(**everything(1))
    before = desk.counts()
    pages = desk.connection.pragma("page_count")
    assert isinstance(pages, int)
    desk.connection.pragma("max_page_count", pages + 3)
    much = tuple(event(5, seq, value("x" * 4_000)) for seq in range(1, 20))
    with pytest.raises(UnavailableError, match=r"disk of a\.db is full"):
        desk.write(runs=(run(5),), events=much)
    assert desk.counts() == before
    desk.connection.pragma("max_page_count", pages + 1_000)
    desk.write(runs=(run(5),), events=much)
    assert desk.counts()["event"] == 2 + len(much)


def test_a_checkpoint_is_made_when_the_log_has_grown(desk: Desk, tmp_path: Path) -> None:
    assert not desk.writer.checkpoint(pages=1_000)
    size = (tmp_path / "a.db").stat().st_size
    desk.write(events=tuple(event(1, seq, value("x" * 3_000)) for seq in range(1, 50)))
    assert desk.writer.checkpoint(pages=40)
    assert (tmp_path / "a.db").stat().st_size > size
    assert not desk.writer.checkpoint(pages=40)


def test_unused_pages_are_given_back(desk: Desk) -> None:
    desk.write(runs=(run(1),), events=tuple(event(1, seq, value("x" * 3_000)) for seq in range(1, 50)))
    desk.write(removed=(RunKey(1),))
    unused = desk.connection.pragma("freelist_count")
    assert isinstance(unused, int)
    assert unused > 40
    desk.writer.give_back(pages=10)
    assert desk.connection.pragma("freelist_count") == unused - 10


def test_a_run_that_is_emptied_keeps_its_row_and_its_journal(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "a.db")
    index = {RunKey(key): (SearchAttribute("city", SearchAttributeType.KEYWORD, "Bern"),) for key in (1, 2)}
    completions = tuple(
        CompletionRow(WorkflowId(name), RunId("run-1"), key, output)
        for name in ("ada", "bob")
        for key, output in (("a-1", value("out")), ("b-1", None))
    )
    ended = [
        run(1, status=RunStatus.COMPLETED, closed_ms=5, events=2),
        run(2, "bob", status=RunStatus.COMPLETED, closed_ms=5, events=1),
    ]
    events = (event(1, 1, value("in")), event(1, 2, value(LONG), reason="why"), event(2, 1, value(LONG)))
    store.write(Batch(runs=tuple(ended), events=events, index=index, completions=completions))
    rewritten = tuple(event(1, seq, ERASED, reason="") for seq in (1, 2))
    store.write(Batch(emptied=(RunKey(1),), rewritten=rewritten, emptied_workflows=(WorkflowId("ada"),)))
    stored = store.load([RunKey(1), RunKey(2)])
    assert (stored[RunKey(1)].row, stored[RunKey(1)].events) == (ended[0], rewritten)
    assert stored[RunKey(2)].events == (event(2, 1, value(LONG)),)
    assert [list(store.index_of(RunKey(key))) for key in (1, 2)] == [["IwfWorkflowType"], ["IwfWorkflowType", "city"]]
    outputs = [store.completion(row.workflow_id, row.first_run_id, row.key) for row in completions]
    assert [row and row.output for row in outputs] == [ERASED, None, value("out"), None]
    assert store.forget()
    assert store.check() == ()
    store.close()


def test_early_segments_are_trimmed_up_to_one_that_is_old_enough(desk: Desk) -> None:
    long = (event(1, 1), segment(1, 2), event(1, 3), segment(1, 4), event(1, 5), segment(1, 6), event(1, 7))
    others = (event(2, 1), event(2, 2), segment(3, 1), event(3, 2))
    desk.write(runs=(run(1, events=7), run(2, events=2), run(3, events=2)), events=(*long, *others))

    def kept(seq_max: int, before_ms: int) -> list[tuple[object, ...]]:
        desk.write(trimmed=(TrimRow(RunKey(1), seq_max, before_ms), TrimRow(RunKey(2), 2, 1 << 60)))
        return desk.rows("SELECT min(seq), max(seq), count(*) FROM event WHERE run = 1")

    assert kept(6, 2_002) == [(1, 7, 7)], "the first was cut in that very millisecond"
    assert kept(1, 1 << 60) == [(1, 7, 7)], "no segment begins so early"
    assert kept(5, 2_003) == [(2, 7, 6)]
    assert kept(5, 1 << 60) == [(4, 7, 4)]
    assert desk.rows("SELECT run, count(*) FROM event WHERE run > 1 GROUP BY run") == [(2, 2), (3, 2)]


def test_large_values_go_with_the_last_event_that_needs_them(desk: Desk) -> None:
    gone, shared, kept = (value(LONG + name) for name in ("gone", "shared", "kept"))
    events = (event(1, 1, gone, shared, kept), segment(1, 2, kept), event(2, 1, shared))
    desk.write(runs=(run(1, events=2), run(2, events=1)), events=events)
    desk.write(trimmed=(TrimRow(RunKey(1), 2, 1 << 60),))
    assert desk.rows("SELECT substr(data, -5) FROM value ORDER BY 1") == [(" kept",), ("hared",)]
    assert desk.rows("SELECT run, count(*) FROM value_use GROUP BY run") == [(1, 1), (2, 1)]
