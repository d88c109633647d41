"""A worker as a WSGI application: for waitress, gunicorn, or beside a Flask application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, cast

from perdure.model.calls import Answer, Failure
from perdure.model.limits import WORKER_BODY_BYTES_MAX
from perdure.worker.asgi import run_now
from perdure.worker.exchange import TOO_LONG, Reply, Request, refusal, reply_of, request_of, unsigned
from perdure.worker.loop import LoopThread
from perdure.worker.runnable import Runnable, Runnables, runnable_of
from perdure.worker.runner import NotRegistered, failure_of
from perdure.worker.signature import ID, SIGNATURE, TIMESTAMP, Guard, Signed

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class WsgiApp:
    """The three routes of iWF's worker protocol.

    ``def`` handlers run in the thread that asks, so the server's threads are the pool. ``async def``
    handlers run on one loop in a thread of this application's, while the asking thread waits.
    """

    def __init__(self, runnables: Runnables, *, guard: Guard | None = None) -> None:
        self._runnables = runnables
        self._guard = guard
        self._loop = LoopThread("perdure-handlers")

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # PATH_INFO is what follows where this is mounted.
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        reply = refusal(method, path) or self.reply(path, environ)
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(reply.body)))]
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
        return [reply.body]

    def close(self) -> None:
        """Cancel the ``async def`` handlers that run."""
        self._loop.close()

    def reply(self, path: str, environ: dict[str, Any]) -> Reply:
        """Return what is answered to a POST to one of the protocol's paths, for whoever has routes of their own."""
        body = _body(environ)
        if body is None:
            return TOO_LONG
        if self._guard is not None and (problem := self._guard.refusal(_signed(environ), body)):
            return unsigned(problem)
        request = request_of(path, body)
        return request if isinstance(request, Reply) else reply_of(self._run(request))

    def _run(self, request: Request) -> Answer | Failure:
        try:
            runnable = runnable_of(self._runnables, request)
            if not runnable.is_async(request):
                return run_now(runnable, request)
        except NotRegistered as error:
            return failure_of(error)
        try:
            return asyncio.run_coroutine_threadsafe(_run_on_loop(runnable, request), self._loop.loop).result()
        except Exception as error:  # noqa: BLE001 - whatever an author raises is the attempt's failure
            return failure_of(error)


async def _run_on_loop(runnable: Runnable, request: Request) -> Answer:
    task = runnable.task_of(request)
    return task.answer(await cast("Awaitable[object]", task.call()))


def _signed(environ: dict[str, Any]) -> Signed:
    found = (environ.get(f"HTTP_{name.upper().replace('-', '_')}", "") for name in (ID, TIMESTAMP, SIGNATURE))
    return Signed(*found)


def _body(environ: dict[str, Any]) -> bytes | None:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit():
        # Servers that unpack a chunked body say where it ends; of others nothing can be read safely.
        if not environ.get("wsgi.input_terminated"):
            return b""
        body: bytes = environ["wsgi.input"].read(WORKER_BODY_BYTES_MAX + 1)
        return body if len(body) <= WORKER_BODY_BYTES_MAX else None
    if int(length) > WORKER_BODY_BYTES_MAX:
        return None
    whole: bytes = environ["wsgi.input"].read(int(length))
    return whole
