"""Perdure over iWF's protocol: a server, a worker and the callers, each a process of its own.

``benchmarks.peer_wire:app`` is the worker, with the workflows of ``peer_perdure``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peer_perdure import Form, SignUp, TwoStep, facts
from benchmarks.processes import Running, free_port, python, running, throughput_beside
from benchmarks.sample import Sample
from perdure import Worker, connect
from perdure.client.sync import Client

app = Worker(TwoStep(), SignUp()).asgi_app()


@dataclass(frozen=True, slots=True)
class Parts:
    client: Client
    server: Running
    worker: Running
    file: Path

    def measure(self, one: Callable[[int], None], *, runs: int, concurrency: int) -> Sample:
        sample = throughput_beside(one, runs=runs, concurrency=concurrency, server=self.server, worker=self.worker)
        return sample.resting_on(facts(self.file))


@contextmanager
def served(folder: Path) -> Iterator[Parts]:
    file, port = folder / "perdure.db", free_port()
    server = python("perdure.cli", "server", "--db", str(file), "--port", "0")
    worker = python("uvicorn", f"{__name__}:app", "--port", str(port), "--no-access-log")
    with running(server, until="http://") as serving, running(worker, until="Uvicorn running on") as working:
        url = serving.ready.rpartition(" ")[2]
        with connect(url, worker_url=f"http://127.0.0.1:{port}") as client:
            yield Parts(client, serving, working, file)


def two_step(folder: Path, *, runs: int, concurrency: int) -> Sample:
    with served(folder) as parts:
        tag = time.time_ns()

        def one(number: int) -> None:
            assert parts.client.start(TwoStep, f"two-{tag}-{number}", number).result() == number + 2

        return parts.measure(one, runs=runs, concurrency=concurrency)


def sign_up(folder: Path, *, runs: int, concurrency: int) -> Sample:
    with served(folder) as parts:
        tag = time.time_ns()

        def one(number: int) -> None:
            handle = parts.client.start(SignUp, f"ada-{tag}-{number}", Form("ada", "ada@example.org"))
            assert handle.call(SignUp.confirm) == "done"
            assert handle.result() == "done"

        return parts.measure(one, runs=runs, concurrency=concurrency)
