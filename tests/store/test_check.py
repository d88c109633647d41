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
