"""Questions asked side by side, their answers gathered as they come: states in parallel and a map.

Each question is a state execution of its own; the answers go through one channel, and the run
completes once nobody is left to answer and no letter is unread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from perdure import (
    Attribute,
    AttributeMap,
    Channel,
    Decision,
    Met,
    Workflow,
    complete_if_empty,
    dead_end,
    go_to,
    rpc,
    state,
    together,
)


@dataclass(frozen=True)
class Answer:
    person: str
    stars: int


class Survey(Workflow[list[str], dict[str, int]]):
    asked: Attribute[int] = Attribute(default=0)
    stars: AttributeMap[int] = AttributeMap()
    answers: Channel[Answer] = Channel()

    def __init__(self, ask: Callable[[str], None]) -> None:
        self.ask = ask

    @state(start=True)
    def begin(self, people: list[str]) -> Decision:
        self.asked = len(people)
        return together(go_to(self.gather), *(go_to(self.invite, person) for person in people))

    @state(timeout=timedelta(minutes=1))
    def invite(self, person: str) -> Decision:
        self.ask(person)
        return dead_end()

    @state(wait=answers.drain())
    def gather(self, met: Met) -> Decision:
        for answer in met.all(self.answers):
            self.stars[answer.person] = answer.stars
        again = go_to(self.gather)
        if len(self.stars) < self.asked:
            return again
        return complete_if_empty(self.answers, dict(self.stars), otherwise=again)

    @rpc
    def answer(self, person: str, stars: int) -> None:
        self.answers.publish(Answer(person, stars))
