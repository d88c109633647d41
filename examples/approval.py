"""An expense that two of its approvers must accept before it is paid; one refusal, or a week, ends it.

Shows a wait for one of several combinations, messages that carry values, a timer with a name, an
indexed attribute, and an RPC that only reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from perdure import (
    Attribute,
    Channel,
    Decision,
    Met,
    Wait,
    Workflow,
    after,
    any_combination_of,
    complete,
    fail,
    go_to,
    rpc,
    state,
)


class Status(StrEnum):
    OPEN = "open"
    PAID = "paid"
    REFUSED = "refused"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class Expense:
    employee: str
    cents: int


@dataclass(frozen=True)
class Refusal:
    by: str
    reason: str


class Approval(Workflow[Expense, list[str]]):
    expense: Attribute[Expense] = Attribute()
    status: Attribute[Status] = Attribute(default=Status.OPEN, index="keyword")
    accepted: Channel[str] = Channel()
    refused: Channel[Refusal] = Channel()

    @state(start=True)
    def submit(self, expense: Expense) -> Decision:
        self.expense = expense
        return go_to(self.decide)

    def until_decided(self) -> Wait:
        too_late = after(timedelta(days=7), name="too late")
        return any_combination_of([self.accepted.take(2)], [self.refused], [too_late])

    @state(wait=until_decided)
    def decide(self, met: Met) -> Decision:
        if self.refused in met:
            refusal = met[self.refused]
            self.status = Status.REFUSED
            return fail(f"{refusal.by}: {refusal.reason}")
        if self.accepted in met:
            self.status = Status.PAID
            return complete(list(met.all(self.accepted)))
        self.status = Status.FORGOTTEN
        return fail("nobody decided in time")

    @rpc
    def accept(self, by: str) -> None:
        self.accepted.publish(by)

    @rpc
    def refuse(self, by: str, reason: str = "no reason given") -> None:
        self.refused.publish(Refusal(by, reason))

    @rpc(read_only=True)
    def look(self) -> Status:
        return self.status
