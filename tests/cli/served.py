"""What the tests of ``perdure worker`` serve: calls that last for as long as a test wants."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from perdure import Decision, NonRetryable, Registry, Retry, Worker, Workflow, complete, rpc, state
from perdure.iwf.iwf_api.models import IDReusePolicy
from perdure.iwf.workflow import ObjectWorkflow

PIPE = "pipe"
CALLS = "calls"


def wait_for_the_test(folder: str) -> str:
    """Say that a call has begun, and wait until the test has said how it ends."""
    with Path(folder, CALLS).open("a") as calls:
        calls.write("called\n")
    return Path(folder, PIPE).read_text()


class Slow(Workflow[str, str]):
    @state(start=True)
    def work(self, folder: str) -> Decision:
        return complete(wait_for_the_test(folder))


class SlowOnLoop(Workflow[str, str]):
    @state(start=True)
    async def work(self, folder: str) -> Decision:
        return complete(await asyncio.to_thread(wait_for_the_test, folder))


class Quick(Workflow[str, str]):
    @state(start=True)
    def work(self, word: str) -> Decision:
        return complete(f"{word} of {os.getpid()}")

    @rpc
    def look(self) -> str:
        return "seen"


class Steady(Workflow[str, str]):
    """Is tried every second."""

    @state(start=True, retry=Retry(first=1, longest=1))
    def work(self, word: str) -> Decision:
        return complete(word)


class Hopeless(Workflow[str, str]):
    """Gives up at once where the server understands it, and after three attempts where it does not."""

    @state(start=True, retry=Retry(attempts=3, first=1))
    def work(self, folder: str) -> Decision:
        with Path(folder, CALLS).open("a") as calls:
            calls.write("called\n")
        raise NonRetryable("there is no such account")


class NeedsMail(Workflow[str, str]):
    def __init__(self, send: object, *, sender: str, retries: int = 3) -> None:
        self.send = send

    @state(start=True)
    def work(self) -> Decision:
        return complete("done")


class Old(ObjectWorkflow):
    pass


registry = Registry(Quick())
worker = Worker(Quick(), threads=2)
instance = Quick()
every = [registry, Slow, SlowOnLoop, Steady, Hopeless(), Old]
nothing: list[object] = []
policy = IDReusePolicy
number = 3


def make() -> Worker:
    return worker
