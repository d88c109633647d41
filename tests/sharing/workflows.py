"""What the processes of these tests run."""

from __future__ import annotations

import os

from perdure.authoring.attribute import Attribute
from perdure.authoring.channel import Channel
from perdure.authoring.decision import Decision, complete, go_to
from perdure.authoring.rpc import rpc
from perdure.authoring.state import state
from perdure.authoring.workflow import Workflow


class Greeting(Workflow[str, str]):
    """Greets when it is told to, and says which process has done so."""

    name: Attribute[str] = Attribute()
    go_on: Channel[None] = Channel()

    @state(start=True)
    def note(self, name: str) -> Decision:
        self.name = name
        return go_to(self.greet)

    @state(wait=go_on)
    async def greet(self) -> Decision:
        return complete(f"hello {self.name} from {os.getpid()}")

    @rpc()
    def whoami(self) -> int:
        return os.getpid()


class Farewell(Workflow[None, str]):
    @state(start=True)
    def part(self) -> Decision:
        return complete("goodbye")
