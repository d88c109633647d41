"""Money moved between two accounts, and moved back if the second step can never succeed.

A handler may be called again after a crash, so each payment carries ``self.run.key``: the same in all
attempts of one step, and a bank that has seen it does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from perdure import Decision, Retry, Workflow, complete, fail, go_to, state


class Bank(Protocol):
    def debit(self, account: str, cents: int, *, key: str) -> None: ...

    def credit(self, account: str, cents: int, *, key: str) -> None: ...


@dataclass(frozen=True)
class Order:
    source: str
    target: str
    cents: int


class Transfer(Workflow[Order, str]):
    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    @state
    def undo_debit(self, order: Order) -> Decision:
        self.bank.credit(order.source, order.cents, key=self.run.key)
        return fail("refunded")

    @state(retry=Retry(attempts=5), recover=undo_debit)
    def credit(self, order: Order) -> Decision:
        self.bank.credit(order.target, order.cents, key=self.run.key)
        return complete("transferred")

    @state(start=True, retry=Retry(attempts=5))
    def debit(self, order: Order) -> Decision:
        self.bank.debit(order.source, order.cents, key=self.run.key)
        return go_to(self.credit, order)
