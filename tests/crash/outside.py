"""Everything that a crash of the engine leaves as it is: time, clients, and what workers were asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from perdure.model.calls import StateRequest
from perdure.model.errors import UnavailableError
from perdure.model.ids import RunId
from tests.crash.asking import Ask, Sleep, Step
from tests.engine.script import Request

START_MS = 1_893_456_000_000
"""A round minute, for schedules."""


@dataclass(frozen=True)
class Answer:
    """What became of one request: its result, the error it was refused with, or neither: it was found in the file."""

    ask: Ask
    value: object = None
    error: Exception | None = None


@dataclass
class Client:
    """Takes its steps one after the other, whatever happens to the engine."""

    steps: tuple[Step, ...]
    at: int = 0
    waits: bool = False
    """It has asked, and nobody has answered."""
    unsure: bool = False
    """It may have happened: to be looked for before it is asked again."""
    wakes_ms: int = 0
    answers: list[Answer] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return self.at == len(self.steps)

    def settle(self, value: object, error: Exception | None, *, now_ms: int) -> None:
        assert self.waits, f"{self.steps[self.at]} was answered twice"
        self.waits = False
        ask = self.steps[self.at]
        assert isinstance(ask, Ask)
        if isinstance(error, UnavailableError):
            self.unsure = True
        elif isinstance(error, ask.later):
            self.unsure, self.wakes_ms = False, now_ms + 1
        else:
            if error is not None and not isinstance(error, ask.fine):
                raise AssertionError(f"{ask.name} was refused") from error
            self.go_on(Answer(ask, value, error))

    def go_on(self, answer: Answer) -> None:
        self.answers.append(answer)
        self.at, self.unsure = self.at + 1, False

    def sleep(self, step: Sleep, *, now_ms: int) -> None:
        self.at, self.wakes_ms = self.at + 1, now_ms + step.duration_ms


@dataclass
class Delivered:
    """An attempt that a worker was asked to make."""

    life: int
    token: int
    request: Request
    reported: bool = False
    """What the worker answered is durable: it must not be asked again."""

    @property
    def call(self) -> tuple[object, ...]:
        """Return what all attempts of one call have in common."""
        assert isinstance(self.request, StateRequest)
        return (self.request.run.run_id, self.request.call.state_execution_id, self.request.call.method)


@dataclass
class Outside:
    """The world around the engine. Is a ``Ids`` as well: no id is ever drawn twice."""

    rng: Random
    clients: list[Client]
    time_ms: int = START_MS
    ids: int = 0
    life: int = 1
    delivered: list[Delivered] = field(default_factory=list)

    def copy(self) -> Outside:
        rng = Random()
        rng.setstate(self.rng.getstate())
        clients = [replace(client, answers=list(client.answers)) for client in self.clients]
        delivered = [replace(one) for one in self.delivered]
        return Outside(rng, clients, self.time_ms, self.ids, self.life, delivered)

    def lose_engine(self) -> None:
        """Learn that the engine died: who waits for an answer will not get one."""
        self.life += 1
        for client in self.clients:
            if client.waits:
                client.waits, client.unsure = False, True

    def new_run_id(self) -> RunId:
        self.ids += 1
        return RunId(f"00000000-0000-7000-8000-{self.ids:012d}")
