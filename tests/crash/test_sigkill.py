"""Processes under load are killed again and again; what they acknowledged is there, once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from perdure.engine import open_engine
from perdure.model.ids import StateExecutionId
from perdure.model.requests import StateWait
from perdure.store.store import Store
from tests.crash.account import Account
from tests.crash.load import LAST, Handlers

KILLS = 32
LINES_MAX = 400
"""A process is killed after so many lines at most."""
ENDS_MS = 60_000
"""What was cut off comes to its end within this time, on a machine that has other things to do, too."""
KNOWN_MAX = 30
"""So many earlier workflows a process goes on with."""


class Life:
    """One process, from its birth to its violent death."""

    def __init__(self, number: int, path: Path, mark: Path, *, code: Path) -> None:
        self.number = number
        self.said: list[str] = []
        self._mark = mark
        self._enough = threading.Event()
        self._wanted = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.load", str(path), str(mark)],
            cwd=code,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._reader = threading.Thread(target=self._read)

    def go(self, known: list[str], *, until_lines: int) -> None:
        """Begin to work, once it is ready to."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", "it did not start; what it said is on stderr"
        self._wanted = until_lines
        self._process.stdin.write(" ".join(["go", str(self.number), *known]) + "\n")
        self._process.stdin.flush()
        self._reader.start()

    def kill(self) -> bool:
        """Kill it when it has said enough, whatever it does then. Returns whether that hit inside a commit."""
        if self._wanted:
            assert self._enough.wait(60), f"it said only {len(self.said)} of {self._wanted} lines"
        assert self._process.poll() is None, f"it ended by itself with {self._process.returncode}; stderr says why"
        return self.end()

    def end(self) -> bool:
        """Kill it."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        if self._reader.ident is not None:
            self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        return self._mark.read_bytes() == b"\1"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):  # the last may be cut off
                self.said.append(line.strip())
            if len(self.said) >= self._wanted:
                self._enough.set()
        self._enough.set()


def kill_again_and_again(folder: Path, *, code: Path, kills: int, seed: int) -> str:
    """Keep the ledger of so many processes, and find all of it at the end. Returns the figures."""
    path, dice, account = folder / "a.db", Random(seed), Account()
    number = inside_commit = 0
    lives = [_born(1, folder, code)]
    try:
        while number < kills or not inside_commit:  # which moment a kill hits is the machine's choice
            number += 1
            life = lives[-1]
            known = dice.sample(account.started, min(KNOWN_MAX, len(account.started)))
            # A few are killed as they open the file.
            life.go([str(name) for name in known], until_lines=dice.choice([0, *range(1, LINES_MAX, 20)]))
            lives.append(_born(number + 1, folder, code))  # it gets ready meanwhile
            inside_commit += life.kill()
            for line in life.said:
                account.enter(number, line)
    finally:
        for life in lives[-1:]:
            life.end()
    unfinished = _finish(path, account, life=number + 1)
    store = Store.open(path)
    account.check(store)
    store.close()
    assert not unfinished, f"{len(unfinished)} orders came to no end, such as {unfinished[:3]}"
    figures = f"{number} kills, {inside_commit} of them inside a commit, {account.acknowledged} acknowledgements"
    assert account.acknowledged > number, figures
    return f"sigkill: {figures}, each found exactly once ({len(account.started)} starts, {len(account.sent)} messages and RPCs)"


def _born(number: int, folder: Path, code: Path) -> Life:
    mark = folder / f"mark-{number}"
    mark.write_bytes(b"\0")
    return Life(number, folder / "a.db", mark, code=code)


def _finish(path: Path, account: Account, *, life: int) -> list[str]:
    """Let all that was cut off come to its end, in this process. Returns what does not, and why."""
    engine = open_engine(path, Handlers(lambda line: account.enter(life, line)))
    engine.start()

    async def wait() -> list[object]:
        last = StateExecutionId(f"{LAST}-1")
        waits = [engine.backend.wait_for_state(StateWait(name, last), wait_ms=ENDS_MS) for name in account.started]
        return await asyncio.gather(*waits, return_exceptions=True)

    found = asyncio.run(wait())
    engine.close()
    ends = zip(account.started, found, strict=True)
    return [f"{name}: {error!r}" for name, error in ends if isinstance(error, Exception)]


def test_what_was_acknowledged_survives_every_kill_once(
    tmp_path: Path, code: Path, tell: Callable[[str], None]
) -> None:
    tell(kill_again_and_again(tmp_path, code=code, kills=KILLS, seed=20261124))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_what_was_acknowledged_survives_hundreds_of_kills_once(
    tmp_path: Path, code: Path, seed: int, tell: Callable[[str], None]
) -> None:
    tell(kill_again_and_again(tmp_path, code=code, kills=150, seed=seed))
