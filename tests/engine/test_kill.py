"""A process under load is killed, several times: what it acknowledged is there, once."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from perdure.engine.hot import fold
from perdure.interpreter.codec import decode_event
from perdure.interpreter.events import SignalReceived
from perdure.model.ids import WorkflowId
from perdure.store.store import Store
from tests.engine.kill_child import STEPS

ROOT = Path(__file__).parents[2]
LIVES = 6
COMMANDS_A_LIFE = 150


class Life:
    """One child process, told to do things until it is killed."""

    def __init__(self, path: Path, blobs: Path | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.kill_child", str(path), *([str(blobs)] if blobs else [])],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.said: list[str] = []
        self._enough = threading.Event()
        self._wanted = 1 << 30
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):
                self.said.append(line.strip())
            if len(self.said) >= self._wanted:
                self._enough.set()

    def tell(self, commands: list[str]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("".join(command + "\n" for command in commands))
        self._process.stdin.flush()

    def kill_after(self, answers: int) -> list[str]:
        """Let it answer so many commands, kill it in the middle of the others, return what it said."""
        self._wanted = answers
        if len(self.said) < answers:
            assert self._enough.wait(60), f"only {len(self.said)} of {answers} answers came"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        return self.said


def test_what_was_acknowledged_survives_kills_exactly_once(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    dice = random.Random(20261124)  # the same commands and the same kills in every run
    ledger: list[str] = []
    for life in range(LIVES):
        child = Life(path)
        child.tell(_commands(life, ledger, dice))
        said = child.kill_after(dice.randrange(COMMANDS_A_LIFE // 3, COMMANDS_A_LIFE))
        refused = [line for line in said if line.startswith("! ") and "locked by other operations" not in line]
        assert not refused, "every command is for a workflow that was acknowledged"
        ledger += [line for line in said if not line.startswith("! ")]
    last = Life(path)  # takes up what the kills cut off
    waits = [f"done {name}" for name in _started(ledger)]
    last.tell(waits)
    assert sorted(last.kill_after(len(waits))) == sorted(waits)
    _check(path, ledger)


def _started(ledger: list[str]) -> list[str]:
    return [line.split()[1] for line in ledger if line.startswith("start")]


def _commands(life: int, ledger: list[str], dice: random.Random) -> list[str]:
    known = _started(ledger)
    commands = []
    for n in range(COMMANDS_A_LIFE):
        verb = dice.choice(["start", "signal", "rpc"]) if known else "start"
        target = f"w{life}-{n}" if verb == "start" else dice.choice(known)
        commands.append(f"{verb} {target}" + ("" if verb == "start" else f" {life}-{n}"))
    return commands


def _check(path: Path, ledger: list[str]) -> None:
    store = Store.open(path)
    assert store.check() == ()
    starts = _started(ledger)
    assert len(starts) > LIVES
    assert len(set(starts)) == len(starts)
    for name in starts:
        (row,) = store.runs_of(WorkflowId(name))
        signals = Counter(
            event.value.data
            for line in store.journal(row.key)
            if isinstance(event := decode_event(line.event), SignalReceived) and event.value
        )
        run, _ = fold(store.load([row.key])[row.key])
        data = {key: item.value.data for key, item in run.execution.data_attributes().items() if item.value}
        added = Counter((data.get("added") or "").split(","))
        for line in ledger:
            verb, target, *number = line.split()
            if target != name or verb == "start":
                continue
            assert (signals if verb == "signal" else added)[number[0]] == 1, line
        assert max([*signals.values(), *added.values()]) == 1, "nothing happened twice"
        steps = [key for key in data if key.startswith("step-")]
        assert len(steps) == STEPS, "what a kill cut off was taken up again"
    store.close()
