"""How fast the disk takes batches, and how much of it a waiting sign-up needs.

    python -m benchmarks.store [--runs 100000] [--folder /tmp]

Every figure beside "busy" was measured with another thread computing all the time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from perdure.interpreter import events
from perdure.interpreter.codec import encode_event
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import ExecuteAnswer, WaitUntilAnswer, Writes
from perdure.model.conditions import ChannelCondition, TimerCondition, Wait, WaitMode
from perdure.model.decisions import Decision, Movement
from perdure.model.ids import CallId, RunId, StateId, WorkflowId, WorkflowType
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue
from perdure.store.rows import Batch, CallRow, EventRow, RunKey, RunRow
from perdure.store.store import Store

STARTED_MS = 1_790_000_000_000
DAY_MS = 86_400_000
COMMITS = 1_000


def signup(number: int) -> tuple[RunRow, tuple[EventRow, ...], tuple[SearchAttribute, ...]]:
    """A sign-up that has stored its form and waits for its letter or a day: what it left on the disk."""
    drawn = uuid.uuid4().hex
    run_id = RunId(f"0199{number >> 16:04x}-{number & 0xFFFF:04x}-7{drawn[:3]}-8{drawn[3:6]}-{drawn[6:18]}")
    workflow_id = WorkflowId(f"signup-{number}")
    email = f"person{number}@example.org"
    form = EncodedValue(
        json.dumps(
            {
                "username": f"person{number}",
                "email": email,
                "first": "Ada",
                "last": "Lovelace",
                "country": "GB",
                "terms": True,
                "newsletter": False,
                "comment": "I heard of it from a friend.",
            }
        ),
        "json",
    )
    search = (
        SearchAttribute("email", SearchAttributeType.KEYWORD, email),
        SearchAttribute("status", SearchAttributeType.KEYWORD, "waiting"),
        SearchAttribute("country", SearchAttributeType.KEYWORD, "GB"),
        SearchAttribute("reminders", SearchAttributeType.INT, 0),
        SearchAttribute("submitted", SearchAttributeType.DATETIME, str((STARTED_MS + number) * 1_000_000)),
    )
    request = StartRequest(workflow_id, WorkflowType("Signup"), Movement(StateId("submit"), form))
    writes = Writes(data=(DataAttribute("form", form),), search=search)
    wait = Wait((ChannelCondition("verified"), TimerCondition(duration_ms=DAY_MS)), WaitMode.ANY)
    journal: tuple[events.Event, ...] = (
        events.Started(request, run_id, run_id),
        events.CallSucceeded(CallId(1), ExecuteAnswer(Decision((Movement(StateId("verify")),)), writes)),
        events.CallSucceeded(CallId(2), WaitUntilAnswer(wait)),
    )
    key = RunKey(number)
    at_ms = STARTED_MS + number
    rows = tuple(
        EventRow(key, seq, at_ms, encode_event(event), "client" if seq == 1 else "worker")
        for seq, event in enumerate(journal, 1)
    )
    row = RunRow(key, workflow_id, run_id, request.workflow_type, run_id, at_ms, events=3, deadline_ms=at_ms + DAY_MS)
    return row, rows, search


def batch_of(numbers: range) -> Batch:
    made = [signup(number) for number in numbers]
    return Batch(
        runs=tuple(row for row, _, _ in made),
        events=tuple(event for _, rows, _ in made for event in rows),
        index={row.key: search for row, _, search in made},
    )


@contextmanager
def computing(busy: bool) -> Iterator[None]:
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(10_000))

    threads = [threading.Thread(target=compute, daemon=True)] if busy else []
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


def commits_per_second(store: Store, *, commits: int) -> float:
    """Each of a step's usual rows: the run, one event, one call."""
    row, rows, _ = signup(1)
    began = time.perf_counter()
    for number in range(commits):
        seq = row.events + 1
        row = row._replace(events=seq, busy=number % 2 == 0)
        store.write(Batch((row,), (rows[2]._replace(seq=seq),), (CallRow(row.key, CallId(1), number, STARTED_MS),)))
    store.write(Batch(removed=(row.key,)))
    return commits / (time.perf_counter() - began)


def runs_per_second(store: Store, *, first: int, runs: int, size: int) -> float:
    spent = 0.0
    for start in range(first, first + runs, size):
        batch = batch_of(range(start, start + size))
        began = time.perf_counter()
        store.write(batch)
        store.checkpoint()
        spent += time.perf_counter() - began
    return runs / spent


def loads_per_second(store: Store, *, runs: int, size: int) -> float:
    keys = [RunKey(2 + (n * 7_919) % runs) for n in range(5_000)]
    began = time.perf_counter()
    for start in range(0, len(keys), size):
        store.load(keys[start : start + size])
    return len(keys) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "store.db"
        store = Store.open(path)
        for busy in (False, True):
            with computing(busy):
                print(
                    f"{'busy' if busy else 'idle':5} one run at a time   {commits_per_second(store, commits=COMMITS // 10 if busy else COMMITS):10,.0f} commits/s"
                )
        first = 2
        for size in (10, 100, 1_000):
            for busy in (False, True):
                with computing(busy):
                    runs = size * (3 if busy else 10)
                    speed = runs_per_second(store, first=first, runs=runs, size=size)
                    first += runs
                print(
                    f"{'busy' if busy else 'idle':5} {size:5} runs a batch  {speed:10,.0f} sign-ups/s, {speed * 9:10,.0f} rows/s"
                )
        runs = arguments.runs - first + 2
        speed = runs_per_second(store, first=first, runs=runs - runs % 1_000, size=1_000)
        print(f"      {runs:7,} more          {speed:10,.0f} sign-ups/s")
        for busy in (False, True):
            with computing(busy):
                print(
                    f"{'busy' if busy else 'idle':5} load 100 at a time  {loads_per_second(store, runs=first, size=100):10,.0f} runs/s"
                )
        store.checkpoint(pages=0)
        began = time.perf_counter()
        due = store.due_runs(STARTED_MS + DAY_MS + 20_000, limit=20_000)
        print(f"      {len(due):,} due runs listed in {(time.perf_counter() - began) * 1e3:.1f} ms")
        for query in (
            "",
            "email = 'person77@example.org'",
            "status = 'waiting'",
            "status = 'none'",
            "IwfWorkflowType = 'Signup' AND reminders > 0",
            "country STARTS_WITH 'G'",
        ):
            began = time.perf_counter()
            page = store.search(query, page_size=100, page_token="")
            print(
                f"      search {query!r:46} {len(page.runs):4} found in {(time.perf_counter() - began) * 1e3:8.2f} ms"
            )
        kept = store.last_key() - 1
        store.close()
        print(f"      {path.stat().st_size / kept:.0f} bytes for each waiting sign-up")
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        for name, size in connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"):
            print(f"        {name:34} {size / kept:8.1f}")


if __name__ == "__main__":
    main()
