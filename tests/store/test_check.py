from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from perdure.store.check import find_problems
from perdure.store.rows import Batch
from perdure.store.store import Store
from tests.store.samples import LONG, event, run, value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store = Store.open(tmp_path / "a.db")
    events = tuple(event(1, seq, value("x" * 3_000)) for seq in range(1, 40))
    store.write(Batch(runs=(run(1, events=39), run(2, events=1)), events=(*events, event(2, 1, value(LONG)))))
    store.close()
    return tmp_path / "a.db"


def test_a_whole_file_has_no_problems(path: Path) -> None:
    assert find_problems(path) == ()


def test_an_event_that_is_missing_is_found(path: Path) -> None:
    apsw.Connection(str(path)).execute("DELETE FROM event WHERE run = 1 AND seq = 39; DELETE FROM event WHERE run = 2")
    assert find_problems(path) == (
        "run 1 says it has 39 events, its journal ends at 38",
        "run 2 says it has 1 events, its journal ends at None",
    )


def test_a_large_value_that_is_missing_is_found(path: Path) -> None:
    apsw.Connection(str(path)).execute("DELETE FROM value")
    [problem] = find_problems(path)
    assert problem.startswith("run 2 needs value ")


def test_damage_is_an_answer(path: Path) -> None:
    whole = path.read_bytes()
    middle = len(whole) // 2 // 4096 * 4096
    path.write_bytes(whole[:middle] + b"\xff" * 4096 + whole[middle + 4096 :])
    assert find_problems(path)


def test_a_gap_in_a_journal_is_found(path: Path) -> None:
    apsw.Connection(str(path)).execute("DELETE FROM event WHERE run = 1 AND seq = 7")
    assert find_problems(path) == ("the journal of run 1 has 38 events from 1 to 39",)


def test_rows_of_a_run_that_is_not_there_are_found(path: Path) -> None:
    apsw.Connection(str(path)).execute("INSERT INTO search_card VALUES (9, '{}')")
    assert find_problems(path) == ("a row of the kind 'search card' is of run 9, which is not there",)


def test_a_term_that_no_card_has_is_found(path: Path) -> None:
    apsw.Connection(str(path)).execute(
        'INSERT INTO search_card VALUES (1, \'{"2": ["verify"]}\');'
        "INSERT INTO search_term VALUES (2, 'verify', 1), (2, 'mail', 1), (2, 'verify', 2)"
    )
    assert find_problems(path) == (
        "a search finds run 1 by 'IwfExecutingStateIds', and its card does not say so",
        "a search finds run 2 by 'IwfExecutingStateIds', and its card does not say so",
    )
