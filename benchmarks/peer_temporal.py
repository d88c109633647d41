"""Temporal's side: its dev server on a file, a worker and the callers, each a process of its own.

The dev server is made for development; it is what Temporal offers where there is one machine and no set-up.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client

from benchmarks.processes import Running, free_port, python, running, throughput_beside
from benchmarks.sample import Facts, Sample
from benchmarks.temporal_flows import QUEUE, SignUp, TwoStep

SYNCHRONOUS = "FULL"
"""What the other sides have, too."""


@dataclass(frozen=True, slots=True)
class Parts:
    client: Client
    wait: Callable[[Coroutine[Any, Any, Any]], Any]
    server: Running
    worker: Running
    file: Path

    def measure(self, one: Callable[[int], None], *, runs: int, concurrency: int) -> Sample:
        sample = throughput_beside(one, runs=runs, concurrency=concurrency, server=self.server, worker=self.worker)
        return Sample(sample.figures, self._facts())

    def _facts(self) -> Facts:
        """The server is written in Go and makes its system calls itself: what was counted are not its fsyncs."""
        with closing(sqlite3.connect(self.file)) as database:
            (mode,) = database.execute("pragma journal_mode").fetchone()
        return {"synchronous": SYNCHRONOUS, "journal": mode}


@contextmanager
def served(folder: Path) -> Iterator[Parts]:
    file, port = folder / "temporal.db", free_port()
    address = f"127.0.0.1:{port}"
    temporal = Path(sys.executable).with_name("temporal")
    server = [str(temporal), "server", "start-dev", "--headless", "--port", str(port)]
    server += ["--db-filename", str(file), "--log-level", "error"]
    server += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", f"synchronous={SYNCHRONOUS.lower()}"]
    worker = python("benchmarks.temporal_flows", address)
    with running(server, until="Server:") as serving, running(worker, until="working") as working, _loop() as loop:

        def wait(work: Coroutine[Any, Any, Any]) -> Any:
            return asyncio.run_coroutine_threadsafe(work, loop).result()

        yield Parts(wait(Client.connect(address)), wait, serving, working, file)


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def two_step(folder: Path, *, runs: int, concurrency: int) -> Sample:
    with served(folder) as parts:
        tag = time.time_ns()

        async def run(number: int) -> int:
            return await parts.client.execute_workflow(TwoStep.run, number, id=f"two-{tag}-{number}", task_queue=QUEUE)

        def one(number: int) -> None:
            assert parts.wait(run(number)) == number + 2

        return parts.measure(one, runs=runs, concurrency=concurrency)


def sign_up(folder: Path, *, runs: int, concurrency: int) -> Sample:
    with served(folder) as parts:
        tag = time.time_ns()

        async def run(number: int) -> str:
            handle = await parts.client.start_workflow(
                SignUp.run, "ada@example.org", id=f"ada-{tag}-{number}", task_queue=QUEUE
            )
            await handle.signal(SignUp.confirm)
            return await handle.result()

        def one(number: int) -> None:
            assert parts.wait(run(number)) == "done"

        return parts.measure(one, runs=runs, concurrency=concurrency)
