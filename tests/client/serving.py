"""A server whose answers a test has written down, and a backend that counts who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from aiohttp import web

from perdure.client.http import HttpBackend
from perdure.ports.backend import Backend

WORKER_URL = "http://127.0.0.1:8802"


class Serving:
    """An HTTP server on this machine, in the test's loop."""

    def __init__(self, handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self._handle = handle
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        assert site._server is not None
        self.port = cast("asyncio.Server", site._server).sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


class Counting:
    """Forwards to a backend, and knows which of its methods have not returned."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.open: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*args: Any, **kwargs: Any) -> Any:
            self.open.append(name)
            try:
                return await getattr(self._backend, name)(*args, **kwargs)
            finally:
                self.open.remove(name)

        return ask


class Script:
    """Answers each request with the next of some answers: a status and a body, or ``None`` to hang up."""

    def __init__(self, *answers: tuple[int, str] | None) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    async def respond(self, request: web.Request) -> web.Response:
        self.requests.append((request.path.removeprefix("/api/v1/workflow/"), await request.json()))
        told = self.answers.pop(0)
        if told is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=told[0], text=told[1])


@asynccontextmanager
async def scripted(
    *answers: tuple[int, str] | None, patience_seconds: float = 5.0
) -> AsyncIterator[tuple[HttpBackend, Script]]:
    script = Script(*answers)
    serving = Serving(script.respond)
    await serving.open()
    backend = HttpBackend(serving.url, worker_url=WORKER_URL, patience_seconds=patience_seconds)
    try:
        yield backend, script
    finally:
        await backend.close()
        await serving.close()


AWAY = (503, '{"detail": "away"}')
OPEN = (420, '{"detail": "open", "subStatus": "LONG_POLL_TIME_OUT_SUB_STATUS"}')
STARTED = (200, '{"workflowRunId": "r1"}')
COMPLETED = (200, '{"workflowRunId": "r1", "workflowStatus": "COMPLETED"}')
