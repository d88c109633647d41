"""``/metrics``, beside the protocol or alone, and the count of what clients ask."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any, Final

import uvicorn

from perdure.observe.prometheus import PrometheusObserver
from perdure.server.app import App, Receive, Scope, Send
from perdure.wire.paths import HEALTH_CHECK, Call, OwnCall, path_of
from perdure.worker.process import listen, options

METRICS: Final = "/metrics"
_NAMES: Final = {
    **{path_of(call): call.value for call in (*Call, *OwnCall)},
    HEALTH_CHECK: "healthcheck",
}
"""Of each path that is counted by itself; whatever else a client asks for is ``other``."""


class Monitored:
    """An application whose requests are counted, with the page of figures in front if it is wanted there."""

    def __init__(self, app: App, observer: PrometheusObserver, *, shows_page: bool) -> None:
        self._app = app
        self._observer = observer
        self._page = MetricsPage(observer) if shows_page else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if self._page is not None and path == METRICS:
            await self._page(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def send_and_note(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, send_and_note)
        if status:  # not where the client has left
            self._observer.answered(_NAMES.get(path, "other"), status, seconds=time.perf_counter() - began)


class MetricsPage:
    """The page alone, for an address of its own."""

    def __init__(self, observer: PrometheusObserver) -> None:
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != METRICS:
            await _send(send, 404, b"404 page not found: the figures are at /metrics", "text/plain; charset=utf-8")
        elif scope["method"] not in ("GET", "HEAD"):
            await _send(send, 405, b"expected GET", "text/plain; charset=utf-8")
        else:
            accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
            page = self._observer.page(accept)
            await _send(send, 200, b"" if scope["method"] == "HEAD" else page.body, page.content_type)


@contextlib.asynccontextmanager
async def page_apart(observer: PrometheusObserver | None, address: tuple[str, int] | None) -> AsyncIterator[None]:
    """Serve the page, and nothing else, at *address* meanwhile; nothing, if either is missing.

    Raises:
        UnavailableError: the address cannot be listened at.
    """
    if observer is None or address is None:
        yield
        return
    with contextlib.closing(listen(*address, setting="--metrics")) as listening:
        server = _SecondServer(uvicorn.Config(MetricsPage(observer), **options(grace_seconds=1)))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving


class _SecondServer(uvicorn.Server):
    """One that ends when it is told to, and leaves signals to the first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _send(send: Send, status: int, body: bytes, content_type: str) -> None:
    headers = [(b"content-type", content_type.encode("latin-1")), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
