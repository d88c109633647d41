from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.model.outcome import RunStatus, RunSummary
from perdure.store import search as searching
from perdure.store.page_token import AmongClosed, AmongOpen, InOrder, write_token
from perdure.store.rows import Batch, RunKey, RunRow
from perdure.store.statements import SQL
from perdure.store.store import Store
from tests.store.samples import run

T = SearchAttributeType


def closed(key: int, closed_ms: int) -> RunRow:
    return run(key, f"w-{key}", status=RunStatus.COMPLETED, closed_ms=closed_ms)


RUNS = (run(1, "w-1"), closed(2, 50), run(3, "w-3"), closed(4, 70), closed(5, 50), run(6, "w-6"), closed(7, 60))
IN_ORDER = ["run-6", "run-3", "run-1", "run-4", "run-7", "run-5", "run-2"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "a.db", synchronous="OFF")
    attributes = {
        row.key: (SearchAttribute("odd", T.BOOL, row.key % 2 == 1), SearchAttribute("size", T.INT, -row.key % 3))
        for row in RUNS
    }
    store.write(Batch(runs=RUNS, index=attributes))
    yield store
    store.close()


def pages(store: Store, query: str = "", *, page_size: int) -> list[list[str]]:
    """Every page of a search, until there is no token."""
    found, token = [], ""
    while True:
        page = store.search(query, page_size=page_size, page_token=token)
        found.append([str(hit.run_id) for hit in page.runs])
        token = page.next_token
        if not token:
            return found


def flat(pages: list[list[str]]) -> list[str]:
    return [run_id for page in pages for run_id in page]


def test_open_runs_come_first_by_latest_start_then_closed_ones_by_latest_end(store: Store) -> None:
    assert pages(store, page_size=100) == [IN_ORDER]


@pytest.mark.parametrize("page_size", range(1, 10))
def test_pages_together_are_the_whole(store: Store, page_size: int) -> None:
    found = pages(store, page_size=page_size)
    assert flat(found) == IN_ORDER
    assert all(len(page) == page_size for page in found[:-1])
    # A full page has a token, also when nothing is left.
    assert len(found[-1]) < page_size


def test_the_page_size_may_change_from_page_to_page(store: Store) -> None:
    first = store.search("", page_size=2, page_token="")
    second = store.search("", page_size=4, page_token=first.next_token)
    assert [hit.run_id for hit in (*first.runs, *second.runs)] == IN_ORDER[:6]


def test_a_hit_says_what_its_run_is(store: Store) -> None:
    page = store.search("RunId = 'run-4'", page_size=1, page_token="")
    row = RUNS[3]
    summary = RunSummary(row.workflow_id, row.run_id, row.workflow_type, row.status, row.started_ms, row.closed_ms)
    assert page.runs == (summary,)


@pytest.mark.parametrize("shortlist_runs", [0, 1, 5_000])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("odd = true", ["run-3", "run-1", "run-7", "run-5"]),
        ("odd = true AND size = 2", ["run-1", "run-7"]),
        ("size IN (1, 2) AND ExecutionStatus = 'Completed'", ["run-4", "run-7", "run-5", "run-2"]),
        ("size > 0 OR WorkflowId = 'w-6'", ["run-6", "run-1", "run-4", "run-7", "run-5", "run-2"]),
        ("odd = true ORDER BY size", ["run-3", "run-5", "run-7", "run-1"]),
        ("ORDER BY size DESC, StartTime", ["run-1", "run-4", "run-7", "run-2", "run-5", "run-3", "run-6"]),
        ("CloseTime IS NOT NULL ORDER BY CloseTime", ["run-5", "run-2", "run-7", "run-4"]),
        ("WorkflowId = 'nobody'", []),
    ],
)
@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_a_query_finds_the_same_whichever_way_is_taken(
    store: Store, query: str, found: list[str], page_size: int, shortlist_runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SHORTLIST_RUNS", shortlist_runs)
    assert flat(pages(store, query, page_size=page_size)) == found


def test_a_run_that_ends_between_two_pages_is_not_lost(store: Store) -> None:
    first = store.search("", page_size=1, page_token="")
    store.write(Batch(runs=(run(3, "w-3", status=RunStatus.FAILED, closed_ms=65),)))
    rest = store.search("", page_size=100, page_token=first.next_token)
    assert [hit.run_id for hit in rest.runs] == ["run-1", "run-4", "run-3", "run-7", "run-5", "run-2"]


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ("", "nonsense"),
        ("", write_token(InOrder((1, 2, 3)))),
        ("ORDER BY size", write_token(AmongOpen(3))),
        ("ORDER BY size", write_token(AmongClosed(3, 3))),
        ("ORDER BY size", write_token(InOrder((1,) * 9))),
    ],
)
def test_a_token_of_another_search_is_refused(store: Store, query: str, token: str) -> None:
    with pytest.raises(InvalidRequest, match="nextPageToken"):
        store.search(query, page_size=10, page_token=token)


@pytest.mark.parametrize("page_size", [0, -1])
def test_a_page_of_no_runs_is_refused(store: Store, page_size: int) -> None:
    with pytest.raises(InvalidRequest, match="expected 1 or more"):
        store.search("", page_size=page_size, page_token="")


def test_a_page_larger_than_any_number_is_everything(store: Store) -> None:
    assert pages(store, page_size=2**70) == [IN_ORDER]


def test_a_query_that_cannot_be_read_is_refused(store: Store) -> None:
    with pytest.raises(InvalidRequest, match="invalid query"):
        store.search("nonsense = 1", page_size=10, page_token="")


@given(
    ends=st.lists(st.none() | st.integers(0, 5), max_size=20),
    page_size=st.integers(1, 8),
    order=st.sampled_from(["", "ORDER BY CloseTime DESC", "ORDER BY StartTime"]),
)
@settings(max_examples=40, deadline=None)
def test_no_run_is_met_twice_or_missed(ends: list[int | None], page_size: int, order: str) -> None:
    rows = [run(key) if end is None else closed(key, end) for key, end in enumerate(ends, start=1)]
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "a.db", synchronous="OFF")
        store.write(Batch(runs=tuple(rows)))
        found = flat(pages(store, order, page_size=page_size))
        store.close()
    assert sorted(found) == sorted(f"run-{key}" for key in range(1, len(ends) + 1))


def test_pages_of_many_open_runs_are_found_without_sorting(store: Store, tmp_path: Path) -> None:
    store.write(Batch(runs=tuple(run(key, f"w-{key}") for key in range(10, 2_000))))
    connection = apsw.Connection(str(tmp_path / "a.db"))
    statement = SQL["search_open_runs"].format(access="", where="1")
    plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", (RunKey(900), 10))]
    assert plan == ["SEARCH run USING INDEX run_by_end (closed_ms=? AND rowid<?)"]
