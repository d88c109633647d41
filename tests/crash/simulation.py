"""A program run to its end by a seeded scheduler, and again with the engine dying at every moment on the way.

Nothing of it takes real time but the file: the same seed makes the same moves.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from tests.crash.asking import Ask, Sleep
from tests.crash.outside import Answer, Client, Outside
from tests.crash.process import ClientReply, Knobs, Move, Process
from tests.crash.program import Program
from tests.crash.verdict import Ending, judge, without_times

MOVES_MAX = 5_000
SECOND_CRASHES = 0.005
"""The share of moments after a crash at which another one is tried, if nothing else is asked for."""


class WrongEnd(AssertionError):
    """A program came to another end than it should; the message tells the way there."""


@dataclass
class Tally:
    """How many moments were tried, and what was going on at them."""

    points: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def count(self, process: Process, *, kind: str) -> None:
        self.points += 1
        self.seen[kind] += 1
        writing = process.writing
        if writing is not None:
            self.seen["after a batch was written" if writing.written else "before a batch was written"] += 1
        if process.outbox:
            self.seen["outputs not delivered"] += 1
        if process.calls:
            self.seen["worker calls out"] += 1

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.seen.items()))
        return f"{self.points} crash points ({kinds})"

    def add(self, other: Tally) -> None:
        self.points += other.points
        self.seen += other.seen


class Simulation:
    """One world with an engine in it."""

    def __init__(
        self, program: Program, outside: Outside, path: Path, *, seed: int, knobs: Knobs, vfs: str | None = None
    ) -> None:
        self.program = program
        self.outside = outside
        self.path = path
        self.seed = seed
        self.knobs = knobs
        self._vfs = vfs
        self.said: list[str] = []
        """Every move so far."""
        self.process = self._begin()

    def _begin(self) -> Process:
        program = self.program
        return Process(
            self.path, self.outside, respond=program.respond, delay=program.delay, knobs=self.knobs, vfs=self._vfs
        )

    # One move after the other

    def move(self) -> bool:
        """Let one thing happen; ``False`` once all clients are done and all is at rest."""
        moves = self.process.moves() + list(self._client_moves())
        if not moves:
            if self._at_end:
                return False
            self._pass_time()
            return True
        chosen = self.outside.rng.choice(moves)
        self.said.append(chosen.name)
        assert len(self.said) < MOVES_MAX, "it never comes to an end"
        chosen.do()
        return True

    @property
    def _at_end(self) -> bool:
        return all(client.finished for client in self.outside.clients) and not self.process.calls

    def _client_moves(self) -> Iterable[Move]:
        for number, client in enumerate(self.outside.clients):
            if client.finished or client.waits or client.wakes_ms > self.outside.time_ms:
                continue
            step = client.steps[client.at]
            name = f"client {number}: {step if isinstance(step, Sleep) else step.name}"
            yield Move(name, partial(self._let, client))

    def _let(self, client: Client) -> None:
        step = client.steps[client.at]
        if isinstance(step, Sleep):
            client.sleep(step, now_ms=self.outside.time_ms)
        elif client.unsure and step.evidence is not None and step.times_happened(self.process.store):
            client.go_on(Answer(step))
        else:
            client.waits, client.unsure = True, False
            self.process.inbox.append(step.make(ClientReply(self.outside, client)))

    def _pass_time(self) -> None:
        now_ms = self.outside.time_ms
        moments = [client.wakes_ms for client in self.outside.clients if not (client.finished or client.waits)]
        next_ms = self.process.next_ms()
        if next_ms is not None:
            moments.append(next_ms)
        assert moments, f"nothing will ever happen again: {self._standing()}"
        self.outside.time_ms = min(moments)
        self.said.append(f"{self.outside.time_ms - now_ms} ms pass")

    def _standing(self) -> str:
        waiting = [step.name for client in self.outside.clients if isinstance(step := _step_of(client), Ask)]
        return f"waiting are {waiting}, {len(self.process.calls)} calls are out"

    # Lives

    def fork(self, path: Path) -> Simulation:
        """Return the world as it would be if the engine died now, with another one on a copy of its file."""
        for end in ("", "-wal"):
            source = self.path.with_name(self.path.name + end)
            if source.exists():
                shutil.copyfile(source, path.with_name(path.name + end))
        outside = self.outside.copy()
        outside.lose_engine()
        other = Simulation(self.program, outside, path, seed=self.seed, knobs=self.knobs)
        other.said = [*self.said, "CRASH"]
        return other

    def finish(self) -> Ending:
        """Run to the end, and judge it."""
        while self.move():
            pass
        return self.judge()

    def judge(self) -> Ending:
        return judge(self.program, self.outside, self.process.store)

    def close(self) -> None:
        self.process.close()
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    def end_as(self, expected: Ending, way: Callable[[], Ending]) -> None:
        """Go a way to the end, hold it to what is expected, and close this world.

        Raises:
            WrongEnd: whatever went wrong on the way.
        """
        try:
            found = way()
            assert found == expected, f"it ended as\n{found}\nexpected\n{expected}"
        except WrongEnd:
            raise
        except Exception as error:
            raise self.explain(error) from error
        finally:
            self.close()

    def explain(self, error: BaseException) -> WrongEnd:
        """Return an error that tells the way here."""
        lines = "\n".join(f"  {line}" for line in self.said[-120:])
        return WrongEnd(f"{self.program.name}, seed {self.seed}, {self.knobs}: {error}\nThe last moves:\n{lines}")


def _step_of(client: Client) -> Ask | Sleep | None:
    return None if client.finished else client.steps[client.at]


def begin(program: Program, path: Path, *, seed: int, knobs: Knobs, vfs: str | None = None) -> Simulation:
    clients = [Client(steps) for steps in program.clients]
    outside = Outside(Random(f"{program.name} {seed}"), clients)
    return Simulation(program, outside, path, seed=seed, knobs=knobs, vfs=vfs)


def run(program: Program, folder: Path, *, seed: int, knobs: Knobs) -> Ending:
    """Run a program to its end, with nothing in its way."""
    world = begin(program, folder / "whole.db", seed=seed, knobs=knobs)
    try:
        return world.finish()
    except Exception as error:
        raise world.explain(error) from error
    finally:
        world.close()


def crash_everywhere(
    program: Program,
    folder: Path,
    *,
    seed: int,
    knobs: Knobs,
    expected: Ending,
    second_crashes: float = SECOND_CRASHES,
) -> Tally:
    """Run a program, and from each moment on the way run what follows if the engine dies then.

    At a batch that is about to be written, also what follows if it is refused.

    Args:
        second_crashes: the share of moments after a crash at which another one is tried.
    """
    tally = Tally()
    world = begin(program, folder / "base.db", seed=seed, knobs=knobs)
    dice = Random(seed)

    def whole() -> Ending:
        _crash_here(world, folder, expected, tally, dice, second_crashes)
        while world.move():
            _crash_here(world, folder, expected, tally, dice, second_crashes)
        return world.judge()

    world.end_as(expected, whole)
    return tally


def _crash_here(
    world: Simulation, folder: Path, expected: Ending, tally: Tally, dice: Random, second_crashes: float
) -> None:
    tally.count(world.process, kind="crashes")
    other = world.fork(folder / "first.db")

    def through() -> Ending:
        while other.move():
            if dice.random() < second_crashes:
                tally.count(other.process, kind="second crashes")
                second = other.fork(folder / "second.db")
                second.end_as(expected, second.finish)
        return other.judge()

    other.end_as(expected, through)
    writing = world.process.writing
    if writing is not None and not writing.written:
        tally.count(world.process, kind="refused batches")
        refused = _again(world, folder / "again.db")
        refused.process.refuse_write()
        refused.said.append("REFUSED")
        # The engine takes its time before it tries again.
        refused.end_as(without_times(expected), lambda: without_times(refused.finish()))


def _again(world: Simulation, path: Path) -> Simulation:
    """Go the way of *world* once more: a process cannot be copied, and the same seed makes the same moves."""
    again = begin(world.program, path, seed=world.seed, knobs=world.knobs)
    while len(again.said) < len(world.said):
        again.move()
    assert again.said == world.said
    return again
