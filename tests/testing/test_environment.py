"""Workflows tried in a place where everything is real but the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from perdure.authoring.attribute import Attribute
from perdure.authoring.channel import Channel
from perdure.authoring.decision import Decision, complete, go_to
from perdure.authoring.met import Met
from perdure.authoring.rpc import rpc
from perdure.authoring.state import state
from perdure.authoring.waiting import Wait, after, any_of
from perdure.authoring.workflow import Workflow
from perdure.testing.environment import Environment


@dataclass
class Form:
    name: str
    email: str


class Signup(Workflow[Form, str]):
    form: Attribute[Form] = Attribute()
    status: Attribute[str | None] = Attribute(default=None, index="keyword")
    verified: Channel[None] = Channel()

    def __init__(self, send: Callable[[str, str], None], remind_every: timedelta = timedelta(hours=24)) -> None:
        self.send, self.remind_every = send, remind_every

    @state(start=True)
    def submit(self, form: Form) -> Decision:
        self.form = form
        self.send(form.email, "please verify")
        return go_to(self.verify)

    def until_verified(self) -> Wait:
        return any_of(self.verified, after(self.remind_every))

    @state(wait=until_verified)
    async def verify(self, met: Met) -> Decision:
        if self.verified in met:
            self.send(self.form.email, "welcome")
            return complete("done")
        self.send(self.form.email, "reminder")
        return go_to(self.verify)

    @rpc(lock=[status])
    def confirm(self, source: str) -> str:
        if self.status == "verified":
            return "already verified"
        self.status = "verified"
        self.verified.publish()
        return "done"


def test_reminder_after_24_hours() -> None:
    mails: list[str] = []
    with Environment(Signup(send=lambda to, what: mails.append(what))) as env:
        ada = env.client.start(Signup, "ada", Form("ada", "ada@example.org"))
        env.advance(timedelta(hours=24))
        assert mails == ["please verify", "reminder"]
        assert ada.call(Signup.confirm, "link") == "done"
        assert ada.result() == "done"
