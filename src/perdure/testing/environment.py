"""A place to try workflows in: everything real but the clock."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from perdure.authoring.duration import Duration, milliseconds
from perdure.authoring.inspection import AnyWorkflow
from perdure.blobs.settings import Blobs
from perdure.client.client import AsyncClient
from perdure.client.portal import Portal
from perdure.client.surroundings import Surroundings
from perdure.client.sync import Client
from perdure.ports.invoker import Invoker
from perdure.testing.clock import START
from perdure.testing.world import SETTINGS, World
from perdure.worker.local import LocalInvoker
from perdure.worker.runnable import Runnable, registered, runnables_of
from perdure.worker.tracebacks import Tracebacks

PATIENCE: Duration = 10.0
FAILURES_MAX = 10
"""Enough for whoever tries what a handler does after some failures; by the usual policy it is eight minutes."""


class _Environment:
    """What the sync and the async environment have in common: a world whose worker runs real classes."""

    def __init__(
        self,
        *workflows: AnyWorkflow | Runnable,
        path: Path | str | None = None,
        start: datetime = START,
        patience: Duration = PATIENCE,
        failures_max: int | None = FAILURES_MAX,
        blobs: Blobs | None = None,
    ) -> None:
        """Prepare a place for these workflows; it begins as a context manager.

        Args:
            *workflows: an instance of each class; or what can be run otherwise, such as everything in a
                registry of ``perdure.iwf``.
            path: a file to keep; a temporary one if left out.
            start: the time it is at first, with a time zone.
            patience: how long, by real time, nothing may happen before a wait is given up.
            failures_max: how often, in one wait for a workflow, a handler of it may fail that is tried again for
                ever, if the workflow waits for no time or other handler that could help; ``None``: no limit.
            blobs: where large values are kept apart from the file, as in ``connect``; nothing is cleaned here.

        Raises:
            DefinitionError: a class is wrong; the message lists every problem.
        """
        known = registered(workflows)
        tracebacks = Tracebacks()

        def make_invoker(loop: asyncio.AbstractEventLoop) -> Invoker:
            return LocalInvoker(known, loop=loop, tracebacks=tracebacks)

        self._world = World(
            make_invoker,
            path=path,
            start=start,
            patience_seconds=milliseconds(patience) / 1_000,
            failures_max=failures_max,
            # Time that jumps from one due moment to the next would jump from cleaning to cleaning.
            settings=replace(SETTINGS, workflow_types=frozenset(runnables_of(known)), blobs=blobs, cleans_blobs=False),
        )
        self._surroundings = Surroundings(pace=self._world, traceback_of=tracebacks.of)

    def now(self) -> datetime:
        """Return the time it is, in UTC."""
        return self._world.clock.now()

    @property
    def callers_waiting(self) -> int:
        """How many callers wait for a result or for a state at this moment."""
        return self._world.engine.callers_waiting


class Environment(_Environment):
    """The production engine in a temporary file, with your workflows and a clock that you move.

    Time stands still, until ``advance`` moves it, or a blocking wait does: while a caller waits for a
    result or for a state, and nothing else is under way, time jumps from one due moment to the next.
    So a workflow that reminds for ever is found at rest after each call, and a wait for an end that
    never comes is given up, with what the handler raised if it only fails: see ``failures_max``. A handler that waits for another workflow keeps time from moving.
    Attempt timeouts count real time, all else the time of this place.

    Example::

        with Environment(Signup(send=mails.append)) as env:
            ada = env.client.start(Signup, "ada", form)
            env.advance(timedelta(hours=24))
            assert mails == ["please verify", "reminder"]
    """

    _client: Client | None = None

    @property
    def client(self) -> Client:
        """A client of this place. It and its handles outlive a restart."""
        assert self._client is not None, "the environment is not open; use it as a context manager"
        return self._client

    def __enter__(self) -> Self:
        self._world.open()
        portal = Portal(answers=lambda: self._world.loop)
        self._client = Client(AsyncClient(self._world.backend, surroundings=self._surroundings), portal=portal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._world.close()
        self.client.close()

    def advance(self, duration: Duration) -> None:
        """Let time pass, with everything that falls due in it, in its order.

        At each moment all handlers and commits finish before time goes on, and before this returns.

        Raises:
            Stuck: a handler has not returned within ``patience``.
        """
        self._world.advance(milliseconds(duration)).result()

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        self._world.settle().result()

    def restart(self) -> None:
        """Kill the engine where it stands, as a crash would, and open its file again.

        Calls under way are made again, calls of clients that were not answered yet raise
        ``UnavailableError``. Time goes on from where it was.
        """
        self._world.restart()


class AsyncEnvironment(_Environment):
    """``Environment`` for async tests: the same place, an ``AsyncClient``, and methods to await."""

    _client: AsyncClient | None = None

    @property
    def client(self) -> AsyncClient:
        """A client of this place. It and its handles outlive a restart."""
        assert self._client is not None, "the environment is not open; use it as an async context manager"
        return self._client

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._world.open)
        self._client = AsyncClient(self._world.backend, surroundings=self._surroundings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._world.close)

    async def advance(self, duration: Duration) -> None:
        """Let time pass; see ``Environment.advance``."""
        await asyncio.wrap_future(self._world.advance(milliseconds(duration)))

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        await asyncio.wrap_future(self._world.settle())

    async def restart(self) -> None:
        """Kill the engine where it stands, and open its file again; see ``Environment.restart``."""
        await asyncio.to_thread(self._world.restart)
