"""Perdure's side: ``def`` handlers in threads, callers in threads, one SQLite file, fsync on."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event

from benchmarks.load import latency_of, throughput
from benchmarks.sample import Facts, Sample
from perdure import Channel, Decision, Met, Wait, Workflow, after, any_of, complete, connect, go_to, rpc, state
from perdure.client.sync import Client
from perdure.engine.engine import EngineSettings


@dataclass(frozen=True)
class Form:
    name: str
    email: str


class OneStep(Workflow[int, int]):
    @state(start=True)
    def only(self, number: int) -> Decision:
        return complete(number + 1)


class TwoStep(Workflow[int, int]):
    @state(start=True)
    def first(self, number: int) -> Decision:
        return go_to(self.second, number + 1)

    @state
    def second(self, number: int) -> Decision:
        return complete(number + 1)


class SignUp(Workflow[Form, str]):
    verified: Channel[None] = Channel()

    @state(start=True)
    def submit(self, form: Form) -> Decision:
        return go_to(self.verify)

    def until_verified(self) -> Wait:
        return any_of(self.verified, after(timedelta(hours=24)))

    @state(wait=until_verified)
    def verify(self, met: Met) -> Decision:
        return go_to(self.welcome)

    @state
    def welcome(self) -> Decision:
        return complete("done")

    @rpc
    def confirm(self) -> str:
        self.verified.publish()
        return "done"


class Busy(Workflow[float, int]):
    """A handler that computes all the time."""

    def __init__(self, stop: Event) -> None:
        self.stop = stop

    @state(start=True)
    def spin(self, seconds: float) -> Decision:
        count = 0
        while not self.stop.is_set():
            count += 1
        return complete(count)


def facts(file: Path) -> Facts:
    """Ask the file, and the engine's settings for what only its own connection knows."""
    with closing(sqlite3.connect(file)) as database:
        (mode,) = database.execute("pragma journal_mode").fetchone()
    return {"synchronous": EngineSettings().synchronous, "journal": mode}


def two_step(folder: Path, *, runs: int, concurrency: int, file: Path | None = None) -> Sample:
    where = file or folder / "perdure.db"
    with connect(f"sqlite:///{where}", TwoStep()) as client:
        tag = time.time_ns()

        def one(number: int) -> None:
            assert client.start(TwoStep, f"two-{tag}-{number}", number).result() == number + 2

        return throughput(one, runs, concurrency).resting_on(facts(where))


def sign_up(folder: Path, *, runs: int, concurrency: int, file: Path | None = None) -> Sample:
    where = file or folder / "perdure.db"
    with connect(f"sqlite:///{where}", SignUp()) as client:
        tag = time.time_ns()

        def one(number: int) -> None:
            handle = client.start(SignUp, f"ada-{tag}-{number}", Form("ada", "ada@example.org"))
            assert handle.call(SignUp.confirm) == "done"
            assert handle.result() == "done"

        return throughput(one, runs, concurrency).resting_on(facts(where))


def latency(folder: Path, *, runs: int, busy: bool) -> Sample:
    stop, file = Event(), folder / "perdure.db"
    with connect(f"sqlite:///{file}", OneStep(), Busy(stop)) as client, _spinning(client, stop, busy):
        return latency_of(lambda n: client.start(OneStep, f"one-{n}", n).result(), runs).resting_on(facts(file))


@contextmanager
def _spinning(client: Client, stop: Event, busy: bool) -> Iterator[None]:
    if busy:
        client.start(Busy, "busy", 0.0)
    try:
        yield
    finally:
        stop.set()
