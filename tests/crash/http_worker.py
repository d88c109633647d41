"""A worker that is going to be killed: ``python -m tests.crash.http_worker PORT LEDGER MARK``.

It appends to the ledger what it was asked, as ``load.Handlers`` tells it, and keeps in a page of memory that outlives it
how many calls it is in the middle of.
"""

from __future__ import annotations

import mmap
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import cast

import uvicorn

from perdure.model.calls import Answer, Failure, RpcRequest, StateRequest
from perdure.worker.runner import Task
from perdure.worker.serving import Worker
from tests.crash.load import Handlers, say
from tests.engine.script import KIND, Request

CALL_SECONDS = 0.01
"""What a call takes, so that a kill finds some under way."""


class Loaded:
    """``Handlers`` as a workflow that a worker can serve."""

    workflow_type = KIND

    def __init__(self, handlers: Handlers, mark: mmap.mmap) -> None:
        self._handlers = handlers
        self._mark = mark
        self._lock = threading.Lock()

    def is_async(self, request: StateRequest | RpcRequest) -> bool:
        return False

    def task_of(self, request: StateRequest | RpcRequest) -> Task:
        return Task(is_async=False, call=lambda: self._call(request), answer=lambda result: cast("Answer", result))

    def _call(self, request: Request) -> Answer:
        self._count(1)
        answers: list[Answer | Failure] = []
        self._handlers.invoke(request, timeout_ms=0, report=answers.append)
        time.sleep(CALL_SECONDS)
        self._count(-1)
        (answer,) = answers
        if isinstance(answer, Failure):
            raise RuntimeError(answer.message)
        return answer

    def _count(self, change: int) -> None:
        with self._lock:
            self._mark[0] += change


def main(port: str, ledger: str, mark_path: str) -> None:
    with Path(mark_path).open("r+b") as file:
        mark = mmap.mmap(file.fileno(), 1)
    told = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tell(line: str) -> None:
        os.write(told, f"{line}\n".encode())  # all of it is in the file when the process is killed, or nothing

    app = Worker(Loaded(Handlers(tell), mark)).asgi_app()
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=512)
    say("ready")
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
