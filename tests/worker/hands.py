"""Invokers whose workers run the conformance suite's ``Errands``: one in this process, one behind a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web

from perdure import Registry
from perdure.model.calls import Answer
from perdure.ports.invoker import Invoker
from perdure.testing.conformance.invoking import Errands, Request
from perdure.worker.asgi import AsgiApp
from perdure.worker.http import HttpInvoker
from perdure.worker.local import LocalInvoker
from perdure.worker.runnable import registered, runnables_of
from tests.worker.caller import AsgiCall


class PlainHands:
    """What needs nothing around it but, over HTTP, the worker's URL."""

    def __init__(self, invoker: Invoker, *, url: str = "") -> None:
        self.invoker = invoker
        self._url = url

    def sent(self, request: Request) -> Request:
        return replace(request, run=replace(request.run, worker_url=self._url))

    def told(self, answer: Answer) -> Answer:
        return answer


@asynccontextmanager
async def hands_here() -> AsyncIterator[PlainHands]:
    invoker = LocalInvoker(Registry(Errands()))
    yield PlainHands(invoker)
    invoker.close()


@asynccontextmanager
async def hands_over_http() -> AsyncIterator[PlainHands]:
    worker = AsgiApp(runnables_of(registered([Errands()])), threads=4)

    async def serve(request: web.Request) -> web.Response:
        reply = await AsgiCall(worker, request.path, await request.read()).make()
        return web.Response(status=reply.status, body=reply.body, headers={"content-type": reply.content_type})

    application = web.Application()
    application.router.add_post("/{path:.*}", serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    invoker = HttpInvoker(asyncio.get_running_loop())
    try:
        yield PlainHands(invoker, url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        invoker.close()
        await runner.cleanup()
