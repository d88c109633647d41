"""A sign-up that reminds until the address is verified: a wait for a message or a timer, and an RPC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from perdure import Attribute, Channel, Decision, Met, Wait, Workflow, after, any_of, complete, go_to, rpc, state


@dataclass(frozen=True)
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
