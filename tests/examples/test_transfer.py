from __future__ import annotations

import pytest

from examples.transfer import Order, Transfer
from perdure import WorkflowFailed
from perdure.testing.environment import Environment
from tests.examples.ending import reason_of

ORDER = Order("ada", "bob", 500)


class Ledger:
    """A bank that does nothing twice for one key, and has closed some accounts."""

    def __init__(self, *, closed: str = "", failures: int = 0) -> None:
        self.cents = {"ada": 1_000, "bob": 0}
        self.attempts = 0
        self._closed = closed
        self._failures = failures
        self._seen: set[str] = set()

    def debit(self, account: str, cents: int, *, key: str) -> None:
        self._move(account, -cents, key)

    def credit(self, account: str, cents: int, *, key: str) -> None:
        self._move(account, cents, key)

    def _move(self, account: str, cents: int, key: str) -> None:
        self.attempts += 1
        if account == self._closed:
            raise LookupError(f"{account} has no account")
        if key not in self._seen:
            self._seen.add(key)
            self.cents[account] += cents
        if self._failures > 0:
            self._failures -= 1
            raise TimeoutError("the answer was lost, the money moved")


def test_money_moves() -> None:
    bank = Ledger()
    with Environment(Transfer(bank)) as env:
        assert env.client.start(Transfer, "t", ORDER).result() == "transferred"
    assert bank.cents == {"ada": 500, "bob": 500}


def test_a_lost_answer_moves_nothing_twice() -> None:
    bank = Ledger(failures=3)
    with Environment(Transfer(bank)) as env:
        assert env.client.start(Transfer, "t", ORDER).result() == "transferred"
    assert bank.cents == {"ada": 500, "bob": 500}
    assert bank.attempts == 5


def test_what_cannot_be_credited_is_given_back() -> None:
    bank = Ledger(closed="bob")
    with Environment(Transfer(bank)) as env:
        run = env.client.start(Transfer, "t", ORDER)
        with pytest.raises(WorkflowFailed) as caught:
            run.result()
        assert reason_of(caught.value) == "refunded"
    assert bank.cents == {"ada": 1_000, "bob": 0}
    assert bank.attempts == 1 + 5 + 1
