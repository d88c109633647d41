"""Work for an engine that is going to be killed: handlers, and clients that tell what was acknowledged.

As a program it is the process that dies. It opens the engine, waits for ``go LIFE NAME…`` on its input, and then
writes a line for everything that was acknowledged or that a worker was asked for::

    start NAME · signal NAME TOKEN · publish NAME TOKEN · note NAME TOKEN · add NAME TOKEN · result NAME
    called NAME · attempt NAME NUMBER

A page of memory that outlives it says whether it is inside a commit.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import cast

from perdure.engine import open_engine
from perdure.engine.writer import ThreadWriter, Writer
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import Answer, ExecuteAnswer, Failure, RpcAnswer, RpcRequest, Writes
from perdure.model.decisions import Closing, ClosingKind, Decision
from perdure.model.errors import LockConflict, UnavailableError
from perdure.model.ids import StateId, WorkflowId
from perdure.model.options import CallOptions, RetryPolicy, StartOptions, StateOptions
from perdure.model.requests import RpcCall
from perdure.model.value import Message
from perdure.ports.backend import Backend
from perdure.ports.invoker import Report
from perdure.store.rows import Batch
from perdure.store.store import Store
from tests.engine.script import Request, done, go_to, starting, straight, text

CLIENTS = 24
LAST = "last"
"""The state every order comes to."""

_AGAIN = RetryPolicy(initial_interval_ms=5, backoff_coefficient=1)
_FIRST = StateOptions(skip_wait_until=True, execute=CallOptions(retry=_AGAIN))
_ONCE = StateOptions(
    skip_wait_until=True,
    execute=CallOptions(retry=RetryPolicy(maximum_attempts=1)),
    recover_state_id=StateId(LAST),
    recover_options=straight(_AGAIN),
)


class Handlers:
    """Answers calls at once, and tells what it was asked."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def invoke(self, request: Request, *, timeout_ms: int, report: Report) -> None:
        report(self._rpc(request) if isinstance(request, RpcRequest) else self._state(request))

    def close(self) -> None:
        """Nothing is held."""

    def _rpc(self, request: RpcRequest) -> Answer:
        token = "" if request.input is None else request.input.data or ""
        if request.name == "note":
            return RpcAnswer(text(token), Writes(messages=(Message("notes", text(token)),)))
        before = [item.value.data or "" for item in request.attributes.data if item.value and item.key == "added"]
        return RpcAnswer(text(token), Writes(data=(DataAttribute("added", text(",".join([*before, token]))),)))

    def _state(self, request: Request) -> Answer | Failure:
        assert not isinstance(request, RpcRequest)
        name = request.run.workflow_id
        match request.call.state_id:
            case "order":
                self._tell(f"attempt {name} {request.attempt}")
                flaky = name.endswith(("0", "5"))
                return Failure("not yet") if flaky and request.attempt < 3 else go_to("once", options=_ONCE)
            case "once":
                self._tell(f"called {name}")
                return go_to(LAST, options=straight(_AGAIN))
            case "quick":
                return done("quick")
            case _:
                return ExecuteAnswer(Decision((Closing(ClosingKind.DEAD_END),)))


class Client:
    """Asks one thing after the other for ever, and tells what was acknowledged."""

    def __init__(self, backend: Backend, tell: Callable[[str], None], *, name: str, known: list[WorkflowId]) -> None:
        self._backend = backend
        self._tell = tell
        self._name = name
        self._known = known
        self._dice = Random(name)
        self._count = 0

    async def work(self) -> None:
        actions = (self._start, self._quick, self._signal, self._publish, self._note, self._add)
        while True:
            self._count += 1
            action = self._start if not self._known else self._dice.choice(actions)
            try:
                self._tell(await action(f"{self._name}-{self._count}"))
            except LockConflict:
                continue
            except UnavailableError:
                return

    @property
    def _somebody(self) -> WorkflowId:
        return self._dice.choice(self._known)

    async def _start(self, token: str) -> str:
        name = WorkflowId(f"o{token}")
        options = StartOptions(wait_for_states=frozenset({StateId(LAST)}))
        await self._backend.start(starting("order", workflow_id=name, state=_FIRST, options=options))
        self._known.append(name)
        return f"start {name}"

    async def _quick(self, token: str) -> str:
        name = WorkflowId(f"q{token}")
        await self._backend.start(starting("quick", workflow_id=name, state=straight(_AGAIN)))
        await self._backend.wait_for_result(name)
        return f"result {name}"

    async def _signal(self, token: str) -> str:
        name = self._somebody
        await self._backend.signal(name, Message("letters", text(token)))
        return f"signal {name} {token}"

    async def _publish(self, token: str) -> str:
        name = self._somebody
        await self._backend.publish(name, [Message("news", text(token))])
        return f"publish {name} {token}"

    async def _note(self, token: str) -> str:
        name = self._somebody
        await self._backend.call_rpc(RpcCall(name, "note", text(token)))
        return f"note {name} {token}"

    async def _add(self, token: str) -> str:
        name = self._somebody
        locks = LoadingPolicy(locks=("added",))
        await self._backend.call_rpc(RpcCall(name, "add", text(token), data_loading=locks))
        return f"add {name} {token}"


class _MarkedStore:
    """A store, as far as its writer needs one, that marks when it is inside a commit."""

    def __init__(self, store: Store, mark: mmap.mmap) -> None:
        self._store = store
        self._mark = mark

    def write(self, batch: Batch) -> None:
        self._mark[0] = 1
        self._store.write(batch)
        self._mark[0] = 0

    def checkpoint(self) -> bool:
        return self._store.checkpoint(pages=200)

    def forget(self) -> bool:
        return self._store.forget()

    def give_back(self) -> None:
        self._store.give_back()


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # in one piece: several threads write


async def load(backend: Backend, life: str, known: list[WorkflowId]) -> None:
    clients = [Client(backend, say, name=f"{life}-{number}", known=known) for number in range(CLIENTS)]
    await asyncio.gather(*(client.work() for client in clients))


def main(path: str, mark_path: str) -> None:
    with Path(mark_path).open("r+b") as file:
        mark = mmap.mmap(file.fileno(), 1)

    def make_writer(store: Store) -> Writer:
        return ThreadWriter(cast("Store", _MarkedStore(store, mark)))  # all of it that a writer uses

    say("ready")
    _, life, *known = sys.stdin.readline().split()
    engine = open_engine(path, Handlers(say), make_writer=make_writer)
    engine.start()
    asyncio.run(load(engine.backend, life, [WorkflowId(name) for name in known]))


if __name__ == "__main__":
    main(*sys.argv[1:])
