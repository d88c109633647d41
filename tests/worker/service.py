"""A workflow whose handlers do what tests want, and a way to hear of their ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import Queue

from perdure import (
    Attribute,
    Channel,
    Decision,
    NonRetryable,
    RetryAfter,
    Wait,
    Workflow,
    after,
    any_of,
    complete,
    go_to,
    rpc,
    state,
)
from perdure.model.calls import Answer, Failure, RpcRequest, StateRequest
from perdure.worker.local import LocalInvoker
from tests.authoring.onboarding import Onboarding

WAIT_SECONDS = 60
"""Far beyond what anything here takes: a test that waits this long has failed."""


class Declined(NonRetryable):
    pass


class Service(Workflow[str, str]):
    count: Attribute[int] = Attribute(default=0)
    items: Attribute[list[str]] = Attribute(factory=list)
    mail: Channel[str] = Channel()

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self.act = act

    @state(start=True)
    def work(self, word: str) -> Decision:
        self.count += 1
        return complete(f"{word} {self.act()}")

    async def asked(self) -> Wait:
        return any_of(self.mail, after(1))

    @state(wait=asked)
    async def work_on_loop(self, word: str) -> Decision:
        await asyncio.sleep(0)
        self.count += 1
        return complete(f"{word} {self.act()}")

    @state(wait=any_of(mail, after(30)))
    async def sleep_on_loop(self) -> Decision:
        await asyncio.Event().wait()
        return complete("never")

    @state
    def decline(self) -> Decision:
        raise Declined("no such account")

    @state
    def ask_for_time(self) -> Decision:
        raise RetryAfter(5, "busy")

    @state
    def leave(self) -> Decision:
        raise SystemExit(3)

    @state
    def lose(self) -> Decision:
        self.items.append("lost")
        return complete("done")

    @state
    async def cancelled(self) -> Decision:
        raise asyncio.CancelledError("by the author's own doing")

    def for_nobody(self) -> Wait:
        return any_of(Onboarding.verified)

    @state(wait=for_nobody)
    def hang(self) -> Decision:
        return complete("never")

    def for_nothing(self) -> Wait:
        return any_of()

    @state(wait=for_nothing)
    def stall(self) -> Decision:
        return complete("never")

    @rpc
    def add(self, amount: int, note: str = "none") -> int:
        self.count += amount
        self.mail.publish(note)
        self.run.start(go_to(self.decline))
        self.act()
        return self.count

    @rpc(read_only=True)
    async def look(self) -> int:
        return self.count

    @rpc(read_only=True)
    def look_and_touch(self) -> int:
        self.count += 1
        return self.count


class Ends(Queue[Answer | Failure]):
    """What an invoker reports."""

    def next(self) -> Answer | Failure:
        return self.get(timeout=WAIT_SECONDS)


def invoke(invoker: LocalInvoker, request: StateRequest | RpcRequest, *, timeout_ms: int = 60_000) -> Answer | Failure:
    ends = Ends()
    invoker.invoke(request, timeout_ms=timeout_ms, report=ends.put)
    return ends.next()


class Gate:
    """Holds a handler until the test lets it go."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self._open = threading.Event()

    def __call__(self) -> None:
        self.entered.release()
        assert self._open.wait(WAIT_SECONDS)

    def wait_until_entered(self) -> None:
        assert self.entered.acquire(timeout=WAIT_SECONDS)

    def open(self) -> None:
        self._open.set()
