from __future__ import annotations

from datetime import timedelta

import pytest

from examples.approval import Approval, Expense, Status
from perdure import WorkflowFailed
from perdure.testing.environment import Environment
from tests.examples.ending import reason_of

DINNER = Expense("ada", 9_900)


def test_two_who_accept_are_enough() -> None:
    with Environment(Approval()) as env:
        run = env.client.start(Approval, "dinner", DINNER)
        run.call(Approval.accept, "bob")
        env.settle()
        assert run.call(Approval.look) is Status.OPEN
        run.call(Approval.accept, "cyd")
        assert run.result() == ["bob", "cyd"]
        assert run.call(Approval.look) is Status.PAID
        assert [found.workflow_id for found in env.client.search("status = 'paid'")] == ["dinner"]


def test_one_who_refuses_ends_it() -> None:
    with Environment(Approval()) as env:
        run = env.client.start(Approval, "dinner", DINNER)
        run.call(Approval.accept, "bob")
        run.call(Approval.refuse, "cyd")
        with pytest.raises(WorkflowFailed) as caught:
            run.result()
        assert reason_of(caught.value) == "cyd: no reason given"
        assert run.get(Approval.status) is Status.REFUSED


def test_a_week_is_too_long() -> None:
    with Environment(Approval()) as env:
        run = env.client.start(Approval, "dinner", DINNER)
        env.advance(timedelta(days=7))
        with pytest.raises(WorkflowFailed) as caught:
            run.result()
        assert reason_of(caught.value) == "nobody decided in time"
