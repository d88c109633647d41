"""A server and a worker, each a process of its own, that are killed again and again while clients work over HTTP."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

from perdure.client.http import HttpBackend
from perdure.model.errors import LockConflict, UnavailableError, WorkerError
from perdure.model.ids import StateExecutionId, WorkflowId
from perdure.model.requests import StateWait
from perdure.store.store import Store
from tests.crash.account import Account
from tests.crash.load import CLIENTS, LAST, Client
from tests.ports import quiet_port
from tests.server.process import ServerProcess

SERVER_LIVES_S = (0.2, 1.5)
WORKER_LIVES_S = (0.3, 2.0)
"""A process is killed so long after it is ready, whatever it does then."""
KILLS_MIN = 3
"""Of each, however long that takes; and one of the worker's is in the middle of a call."""
CALLED_WITHIN_S = 1.0
ENDS_MS = 120_000
"""What was cut off comes to its end within this time, once nothing is killed any more."""
ASKED_AT_ONCE = 100


class Besieger(Client):
    """A client that goes on when the server is away. What it was not told is not in its ledger."""

    unknown = 0
    """Requests of which nobody can say whether they were carried out."""

    async def work(self) -> None:
        while True:
            self._count += 1
            actions = (self._start, self._quick, self._signal, self._publish, self._note, self._add)
            action = self._dice.choice(actions) if self._known else self._start
            try:
                self._tell(await action(f"{self._name}-{self._count}"))
            except (LockConflict, WorkerError):
                continue  # it was not carried out
            except UnavailableError:
                self.unknown += 1


@dataclass
class WorkerProcess:
    """``tests.crash.http_worker``, on the same port in each of its lives."""

    folder: Path
    code: Path
    port: int
    killed: int = 0
    in_the_middle: int = 0
    """Kills that cut calls off."""
    _process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ledger(self) -> Path:
        return self.folder / "worker.txt"

    @property
    def _mark(self) -> Path:
        return self.folder / "mark"

    @property
    def is_calling(self) -> bool:
        return self._mark.read_bytes() != b"\0"

    def start(self) -> None:
        self._mark.write_bytes(b"\0")
        command = [sys.executable, "-m", "tests.crash.http_worker", str(self.port), str(self.ledger), str(self._mark)]
        self._process = subprocess.Popen(command, cwd=self.code, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill_in_the_middle(self) -> None:
        """Kill it while it makes a call, if it makes one soon."""
        give_up_at = time.monotonic() + CALLED_WITHIN_S
        while not self.is_calling and time.monotonic() < give_up_at:
            time.sleep(0.001)
        self.kill()

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        assert self._process.poll() is None, "the worker ended by itself"
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self.killed += 1
        self.in_the_middle += self.is_calling


@dataclass
class Siege:
    """Everything that happens in a folder: begin it, go on for a while, then hold the file to the ledger."""

    folder: Path
    code: Path
    """Where processes get their code from: the copy that does not change meanwhile."""
    seed: int
    account: Account = field(default_factory=Account)
    servers_killed: int = 0
    unknown: int = 0

    def __post_init__(self) -> None:
        self._dice = Random(self.seed)
        self._port = quiet_port()
        self.worker = WorkerProcess(self.folder, self.code, quiet_port())
        self._server = self._born()

    async def run(self, seconds: float) -> None:
        self.worker.start()
        self._server.__enter__()
        backend = HttpBackend(self._server.url, worker_url=self.worker.url)
        try:
            await self._under_fire(backend, seconds)
            unfinished = await self._ended(backend)
        finally:
            await backend.close()
            self.worker.kill()
            status = self._server.stop() if self._server.process.poll() is None else None
        assert status == 0, f"the server ended with {status}: {self._server.output}"
        self._check(unfinished)

    def figures(self) -> str:
        worker = self.worker
        return (
            f"{self.servers_killed} kills of the server, {worker.killed} of the worker ({worker.in_the_middle} in the "
            f"middle of calls), {self.account.acknowledged} acknowledgements over HTTP, {self.unknown} requests in doubt"
        )

    async def _under_fire(self, backend: HttpBackend, seconds: float) -> None:
        known: list[WorkflowId] = []
        clients = [
            Besieger(backend, lambda line: self.account.enter(0, line), name=f"{number}", known=known)
            for number in range(CLIENTS)
        ]
        working = [asyncio.create_task(client.work()) for client in clients]
        fire = asyncio.create_task(self._fire(seconds))
        await asyncio.wait([*working, fire], return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in working if task.done()]
        for task in working:
            task.cancel()
        await asyncio.wait(working)
        await fire  # to its end: it starts again what it has killed
        for task in failed:
            task.result()  # no client ends but by an error
        self.unknown = sum(client.unknown for client in clients)

    async def _fire(self, seconds: float) -> None:
        await asyncio.gather(self._fire_at_server(seconds), self._fire_at_worker(seconds))

    async def _fire_at_server(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end or self.servers_killed < KILLS_MIN:
            await asyncio.sleep(self._dice.uniform(*SERVER_LIVES_S))
            assert self._server.process.poll() is None, f"the server ended by itself: {self._server.output}"
            self._server.kill()
            self.servers_killed += 1
            self._server = self._born()
            await asyncio.to_thread(self._server.__enter__)

    async def _fire_at_worker(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end or self.worker.killed < KILLS_MIN or not self.worker.in_the_middle:
            await asyncio.sleep(self._dice.uniform(*WORKER_LIVES_S))
            await asyncio.to_thread(self.worker.kill_in_the_middle)
            await asyncio.to_thread(self.worker.start)

    def _born(self) -> ServerProcess:
        return ServerProcess(self.folder, "--port", str(self._port), env={"PYTHONPATH": str(self.code)})

    async def _ended(self, backend: HttpBackend) -> list[str]:
        """Let everything come to its end. Returns what does not."""
        turns = asyncio.Semaphore(ASKED_AT_ONCE)

        async def wait(name: WorkflowId) -> str | None:
            async with turns:
                try:
                    await backend.wait_for_state(StateWait(name, StateExecutionId(f"{LAST}-1")), wait_ms=ENDS_MS)
                except Exception as error:  # noqa: BLE001 - whatever it is, the run is named with it
                    return f"{name}: {error!r}"
                return None

        found = await asyncio.gather(*map(wait, self.account.started))
        return [problem for problem in found if problem]

    def _check(self, unfinished: list[str]) -> None:
        store = Store.open(self.folder / "server.db")
        self.account.check_file(store)
        store.close()
        assert not unfinished, f"{len(unfinished)} orders came to no end, such as {unfinished[:3]}"
        self._check_worker()

    def _check_worker(self) -> None:
        called, attempts = Counter[str](), defaultdict[str, list[int]](list)
        for line in self.worker.ledger.read_text(encoding="utf-8").splitlines():
            match line.split():
                case ["called", name]:
                    called[name] += 1
                case ["attempt", name, number]:
                    attempts[name].append(int(number))
                case _:
                    raise AssertionError(f"the worker said {line!r}")
        assert max(called.values()) == 1, f"at most once is once or not at all: {called.most_common(3)}"
        for name, made in attempts.items():
            # An attempt that found no worker is in no ledger of the worker's; one that the server forgot is made again.
            assert all(one <= other for one, other in pairwise(made)), f"attempts of {name}: {made}"
            assert max(Counter(made).values()) <= 1 + self.servers_killed, f"attempts of {name}: {made}"
