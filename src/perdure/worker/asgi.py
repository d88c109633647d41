"""A worker as an ASGI application: served alone, or mounted in another one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import copy_context
from typing import Any, cast

from perdure.model.calls import Answer, Failure
from perdure.model.limits import WORKER_BODY_BYTES_MAX
from perdure.worker.exchange import TOO_LONG, Reply, Request, refusal, reply_of, request_of, unsigned
from perdure.worker.pool import Pool
from perdure.worker.runnable import Runnable, Runnables, runnable_of
from perdure.worker.runner import NotRegistered, failure_of
from perdure.worker.signature import ID, SIGNATURE, TIMESTAMP, Guard, Signed

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _ServerLeft(Exception):
    """The connection is closed before the request was whole."""


class AsgiApp:
    """The three routes of iWF's worker protocol.

    ``async def`` handlers run on the loop that serves, and are cancelled when the server has given
    the call up. ``def`` handlers run in threads, so many for each workflow type.
    """

    def __init__(self, runnables: Runnables, *, threads: int, guard: Guard | None = None) -> None:
        self._runnables = runnables
        self._guard = guard
        self._pools = {name: Pool(f"perdure-{name}", threads) for name in runnables}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"found an ASGI scope of type {scope['type']!r}, expected http")
        # Mounted in another application, the path begins with where it is mounted.
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        try:
            reply = refusal(scope["method"], path) or await self._reply(path, scope, receive)
        except _ServerLeft:
            return
        await _send(reply, send)

    def close(self) -> None:
        """Begin no more ``def`` handlers."""
        for pool in self._pools.values():
            pool.close()

    async def _reply(self, path: str, scope: Scope, receive: Receive) -> Reply:
        body = await _body(receive)
        if body is None:
            return TOO_LONG
        if self._guard is not None and (problem := self._guard.refusal(_signed(scope), body)):
            return unsigned(problem)
        request = request_of(path, body)
        if isinstance(request, Reply):
            return request
        running = asyncio.ensure_future(self._run(request))
        leaving = asyncio.ensure_future(_leave(receive))
        try:
            await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise _ServerLeft
            return reply_of(running.result())
        finally:
            running.cancel()
            leaving.cancel()

    async def _run(self, request: Request) -> Answer | Failure:
        try:
            runnable = runnable_of(self._runnables, request)
            is_async = runnable.is_async(request)
        except NotRegistered as error:
            return failure_of(error)
        if not is_async:
            return await self._run_in_thread(runnable, request)
        try:
            task = runnable.task_of(request)
            return task.answer(await cast("Awaitable[object]", task.call()))
        except asyncio.CancelledError as error:
            current = asyncio.current_task()
            if current is not None and current.cancelling():  # the server has given it up
                raise
            return failure_of(error)
        except Exception as error:  # noqa: BLE001 - whatever an author raises is the attempt's failure
            return failure_of(error)

    async def _run_in_thread(self, runnable: Runnable, request: Request) -> Answer | Failure:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Answer | Failure] = loop.create_future()
        context = copy_context()

        def run() -> None:
            if ended.cancelled():
                return  # nobody waits for it any more: the next attempt is better off with the thread
            # In the context of the request, as an ``async def`` handler is: a trace goes on in it.
            result = context.run(run_now, runnable, request)
            try:
                loop.call_soon_threadsafe(_settle, ended, result)
            except RuntimeError:
                return  # the loop is closed, and with it the connection

        self._pools[runnable.workflow_type].submit(run)
        return await ended


def run_now(runnable: Runnable, request: Request) -> Answer | Failure:
    """Run a ``def`` handler in this thread."""
    try:
        task = runnable.task_of(request)
        return task.answer(task.call())
    except BaseException as error:  # noqa: BLE001 - an author's sys.exit() fails the attempt, not the worker
        return failure_of(error)


def _settle(ended: asyncio.Future[Answer | Failure], result: Answer | Failure) -> None:
    if not ended.done():
        ended.set_result(result)


def _signed(scope: Scope) -> Signed:
    headers = {name.lower(): value for name, value in scope["headers"]}
    found = (headers.get(name.encode(), b"").decode("latin-1") for name in (ID, TIMESTAMP, SIGNATURE))
    return Signed(*found)


async def _body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ServerLeft
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > WORKER_BODY_BYTES_MAX:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


async def _leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _send(reply: Reply, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
