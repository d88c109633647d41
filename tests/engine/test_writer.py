from __future__ import annotations

import queue
import threading
from functools import partial
from pathlib import Path

import pytest

from perdure.engine.writer import InlineWriter, ThreadWriter
from perdure.interpreter.codec import encode_event
from perdure.interpreter.events import Started
from perdure.model.ids import RunId, WorkflowId
from perdure.store.rows import Batch, EventRow, RunKey, RunRow
from perdure.store.store import Store
from tests.engine.script import KIND, starting


def batch(key: int) -> Batch:
    run_id = RunId(f"run-{key}")
    started = Started(starting(None), run_id, run_id)
    row = RunRow(RunKey(key), WorkflowId(f"w{key}"), run_id, KIND, run_id, 0, events=1)
    return Batch(runs=(row,), events=(EventRow(RunKey(key), 1, 0, encode_event(started)),))


def test_thread_writes_in_order_and_finishes_before_it_stops(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "engine.db", synchronous="OFF")
    writer = ThreadWriter(store)
    told: list[tuple[int, Exception | None, bool]] = []

    def tell(key: int, error: Exception | None) -> None:
        told.append((key, error, threading.current_thread() is threading.main_thread()))

    for key in range(1, 51):
        writer.write(batch(key), partial(tell, key))
    writer.close()
    assert told == [(key, None, False) for key in range(1, 51)]
    assert store.last_key() == 50
    store.close()


@pytest.mark.parametrize("threaded", [True, False])
def test_failure_is_told_and_the_writer_goes_on(tmp_path: Path, threaded: bool) -> None:
    store = Store.open(tmp_path / "engine.db", synchronous="OFF")
    writer = ThreadWriter(store) if threaded else InlineWriter(store)
    told: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    writer.write(batch(1), told.put)
    writer.write(batch(1), told.put)
    writer.write(batch(2), told.put)
    writer.close()
    first, again, second = told.get(), told.get(), told.get()
    assert (first, second) == (None, None)
    assert again is not None, "a journal has each line once"
    store.close()
