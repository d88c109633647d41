from __future__ import annotations

from datetime import timedelta

import pytest

from examples.signup import Form, Signup
from perdure import WorkflowClosed
from perdure.testing.environment import Environment


def test_reminder_after_24_hours() -> None:
    mails: list[str] = []
    with Environment(Signup(send=lambda to, what: mails.append(what))) as env:
        ada = env.client.start(Signup, "ada", Form("ada", "ada@example.org"))
        env.advance(timedelta(hours=24))
        assert mails == ["please verify", "reminder"]
        assert ada.call(Signup.confirm, "link") == "done"
        assert ada.result() == "done"


def test_a_crash_changes_nothing_and_a_click_after_the_end_is_told_so() -> None:
    mails: list[str] = []
    with Environment(Signup(send=lambda to, what: mails.append(f"{what} to {to}"))) as env:
        ada = env.client.start(Signup, "ada", Form("ada", "ada@example.org"))
        env.settle()
        env.restart()
        assert ada.call(Signup.confirm, "link") == "done"
        assert ada.result() == "done"
        with pytest.raises(WorkflowClosed):
            ada.call(Signup.confirm, "link")
    assert mails == ["please verify to ada@example.org", "welcome to ada@example.org"]
