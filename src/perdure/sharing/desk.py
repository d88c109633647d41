"""Answers what is asked of an owner, by another process or by its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from perdure.model.errors import InvalidRequest
from perdure.model.ids import WorkflowType
from perdure.model.nearest import did_you_mean
from perdure.ports.backend import Backend
from perdure.server.endpoints import Response, Settings, answer
from perdure.sharing.frames import Greeting

MAX_WAIT_MS = 86_400_000
"""Nothing stands between that would close a silent connection, and an end that goes is noticed at once."""


class Desk:
    """The endpoints of a server, over the backend of an engine that runs workflows itself."""

    def __init__(self, backend: Backend, *, workflows: Iterable[str], now_ms: Callable[[], int]) -> None:
        """Answer from now on.

        Args:
            workflows: the types that are run; a start of any other is refused, for nobody would run it.
            now_ms: wall time.
        """
        self._backend = backend
        self.greeting = Greeting(os.getpid(), tuple(sorted(workflows)))
        self._settings = Settings(now_ms=now_ms, max_wait_ms=MAX_WAIT_MS, check_type=self._check_type)

    async def answer(self, path: str, body: bytes) -> Response:
        """Answer one request. Never raises but for cancellation."""
        return await answer(self._backend, "POST", path, body, self._settings)

    def _check_type(self, workflow_type: WorkflowType) -> None:
        if workflow_type in self.greeting.workflows:
            return
        runs = ", ".join(self.greeting.workflows) or "no workflows"
        raise InvalidRequest(
            f"found workflow type {workflow_type!r}, expected one that process {self.greeting.pid} runs, which owns "
            f"the file: {runs}.{did_you_mean(workflow_type, self.greeting.workflows)} "
            f"Hand {workflow_type!r} to connect() in that process too"
        )
