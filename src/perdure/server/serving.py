"""A server from its settings: socket, file, engine, application, and their end."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from perdure.engine.clock import SystemClock
from perdure.engine.engine import Engine, EngineSettings, open_engine
from perdure.observe.prometheus import PrometheusObserver, leave_out_creation_times
from perdure.ports.invoker import Invoker
from perdure.ports.observer import Observer
from perdure.server.app import App
from perdure.server.endpoints import Settings
from perdure.server.monitored import Monitored, page_apart
from perdure.server.settings import METRICS_OFF, ServerSettings
from perdure.server.traced import traces
from perdure.worker.destination import AllowList
from perdure.worker.http import HttpInvoker, read_authorities
from perdure.worker.keys import read_keys_file
from perdure.worker.process import StoppableServer, listen, options, url_of
from perdure.worker.signature import Signer

if TYPE_CHECKING:
    from perdure.observe.tracing import Tracing

GRACE_SECONDS = 7
"""For requests and calls of workers under way once it is told to stop; what remains of 10 s closes the file."""
_DAY_MS = 86_400_000


async def serve(settings: ServerSettings, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then answer what is in flight, write everything and return.

    Args:
        ready: told the server's URL once requests are taken.

    Raises:
        UnavailableError: the port or the file is taken, or cannot be used; the message says by whom.
        InvalidRequest: a setting is wrong.
    """
    with traces(settings.traces) as tracing:
        listening = listen(settings.host, settings.port)
        try:
            await _serve_at(listening, settings, tracing, ready)
        finally:
            listening.close()


async def _serve_at(
    listening: socket.socket, settings: ServerSettings, tracing: Tracing | None, ready: Callable[[str], None]
) -> None:
    url = url_of(settings.host, listening)
    observer = _observer(settings)
    invoker = _invoker(settings, tracing)
    engine = _open(settings, invoker if tracing is None else tracing.around(invoker), address=url, observer=observer)
    try:
        engine.start()
        app = App(engine.backend, _endpoint_settings(settings, invoker), body_bytes_max=settings.body_bytes_max)
        served: App | Monitored = app
        if observer is not None:
            observer.watch(engine, file=settings.db)
            served = Monitored(app, observer, shows_page=settings.metrics_address is None)
        config = uvicorn.Config(served, **options(grace_seconds=GRACE_SECONDS))
        async with page_apart(observer, settings.metrics_address):
            await _Server(config, app, engine, ready=lambda: ready(url)).serve(sockets=[listening])
    finally:
        await engine.aclose()


def _observer(settings: ServerSettings) -> PrometheusObserver | None:
    if settings.metrics == METRICS_OFF:
        return None
    leave_out_creation_times()
    return PrometheusObserver()


class _Server(StoppableServer):
    """Ends long polls when it stops, and lets workers finish what they have while requests are answered."""

    def __init__(self, config: uvicorn.Config, app: App, engine: Engine, *, ready: Callable[[], None]) -> None:
        super().__init__(config, ready=ready)
        self._app = app
        self._engine = engine

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.drain()
        await asyncio.gather(
            self._engine.drain(grace_ms=GRACE_SECONDS * 1_000),
            super().shutdown(sockets=sockets),
        )


def _invoker(settings: ServerSettings, tracing: Tracing | None) -> HttpInvoker:
    loop = asyncio.get_running_loop()
    return HttpInvoker(
        loop,
        allowed=AllowList(settings.worker_url_allow),
        state_headers=settings.worker_headers,
        environment=os.environ,
        reply_bytes_max=settings.worker_reply_bytes_max,
        tls=None if settings.worker_ca_file is None else read_authorities(settings.worker_ca_file),
        signer=_signer(settings, loop),
        trace_headers=None if tracing is None else tracing.headers,
    )


def _open(settings: ServerSettings, invoker: Invoker, *, address: str, observer: Observer | None) -> Engine:
    engine_settings = EngineSettings(
        retention_ms=_days_ms(settings.retention_days),
        history_retention_ms=_days_ms(settings.history_retention_days),
        address=address,
        lane_max=settings.worker_calls_max,
        search_attributes=settings.search_attributes,
        blobs=settings.external_storage.blobs(),
    )
    loop = asyncio.get_running_loop()
    return open_engine(settings.db, invoker, settings=engine_settings, loop=loop, observer=observer)


def _days_ms(days: int | None) -> int | None:
    return None if days is None else days * _DAY_MS


def _signer(settings: ServerSettings, loop: asyncio.AbstractEventLoop) -> Signer | None:
    keys = settings.signing_keys
    if settings.signing_keys_file is not None:
        keys += read_keys_file(settings.signing_keys_file)
    return Signer(keys, now_ms=SystemClock(loop).now_ms) if keys else None


def _endpoint_settings(settings: ServerSettings, invoker: HttpInvoker) -> Settings:
    return Settings(
        now_ms=SystemClock(asyncio.get_running_loop()).now_ms,
        hostname=socket.gethostname(),
        max_wait_ms=settings.max_wait_seconds * 1_000,
        check_worker_url=invoker.check_url,
        default_config=settings.default_workflow_config,
    )
