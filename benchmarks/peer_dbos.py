"""DBOS's side, as a team would write the same: ``def`` steps, callers in threads, SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

from dbos import DBOS, SetWorkflowID

from benchmarks.load import latency_of, throughput
from benchmarks.sample import Facts, Sample

DAY_S = 24 * 3600.0


@DBOS.step()
def add_one(number: int) -> int:
    return number + 1


@DBOS.step()
def send(name: str) -> str:
    return name


@DBOS.workflow()
def one_step_flow(number: int) -> int:
    return add_one(number)


@DBOS.workflow()
def two_step_flow(number: int) -> int:
    return add_one(add_one(number))


@DBOS.workflow()
def sign_up_flow(name: str, email: str) -> str:
    send(email)
    DBOS.recv("verified", timeout_seconds=DAY_S)
    send(email)
    return "done"


@contextmanager
def launched(folder: Path, *, wal: bool) -> Iterator[Path]:
    file = folder / "dbos.db"
    if wal:
        with sqlite3.connect(file) as database:
            database.execute("pragma journal_mode=wal")
        database.close()
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{file}",
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    try:
        yield file
    finally:
        DBOS.destroy()


def facts(file: Path) -> Facts:
    """Ask the file, and SQLite for what it does unless told: DBOS's connections set no ``synchronous`` of their own."""
    with closing(sqlite3.connect(file)) as database:
        (mode,), (synchronous,) = (
            database.execute(f"pragma {name}").fetchone() for name in ("journal_mode", "synchronous")
        )
    return {"synchronous": ("OFF", "NORMAL", "FULL", "EXTRA")[synchronous], "journal": mode}


def two_step(folder: Path, *, runs: int, concurrency: int, wal: bool) -> Sample:
    with launched(folder, wal=wal) as file:

        def one(number: int) -> None:
            with SetWorkflowID(f"two-{number}"):
                assert DBOS.start_workflow(two_step_flow, number).get_result() == number + 2

        return throughput(one, runs, concurrency).resting_on(facts(file))


def sign_up(folder: Path, *, runs: int, concurrency: int, wal: bool) -> Sample:
    with launched(folder, wal=wal) as file:

        def one(number: int) -> None:
            with SetWorkflowID(f"ada-{number}"):
                handle = DBOS.start_workflow(sign_up_flow, "ada", "ada@example.org")
            DBOS.send(f"ada-{number}", "clicked", topic="verified")
            assert handle.get_result() == "done"

        return throughput(one, runs, concurrency).resting_on(facts(file))


def latency(folder: Path, *, runs: int, busy: bool, wal: bool) -> Sample:
    stop = Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    with launched(folder, wal=wal) as file:
        if busy:
            Thread(target=spin, daemon=True).start()
        try:
            sample = latency_of(lambda n: DBOS.start_workflow(one_step_flow, n).get_result(), runs)
            return sample.resting_on(facts(file))
        finally:
            stop.set()
