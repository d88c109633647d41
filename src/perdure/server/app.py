"""The endpoints as an ASGI application: bodies in, answers out, and callers who leave.

Nothing here waits in a thread. A long poll is two tasks on the loop: one waits for the answer, one for
the caller to leave; 10,000 of them are 20,000 tasks that cost memory and no time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from perdure.model.limits import BODY_BYTES_MAX, SMALLER_BODY
from perdure.ports.backend import Backend
from perdure.server.endpoints import JSON, Response, Settings, answer
from perdure.server.screening import screen
from perdure.wire import document, errors
from perdure.wire.document import Malformed
from perdure.wire.paths import API, Call

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_STILL_OPEN = {
    API + Call.GET: errors.RUN_STILL_OPEN,
    API + Call.GET_WITH_WAIT: errors.RUN_STILL_OPEN,
    API + Call.WAIT_FOR_STATE: errors.STATE_STILL_OPEN,
}
"""Calls that may wait for long and change nothing: what they are told if the waiting is over too early."""


class _CallerLeft(Exception):
    """The connection is closed before the request was whole."""


class App:
    """An ASGI application for one ``Backend``."""

    def __init__(self, backend: Backend, settings: Settings, *, body_bytes_max: int = BODY_BYTES_MAX) -> None:
        self._backend = backend
        self._settings = settings
        self._body_bytes_max = body_bytes_max
        self._waiting: set[asyncio.Task[Response]] = set()
        self._draining = False

    @property
    def waiting_count(self) -> int:
        """How many long polls are open."""
        return len(self._waiting)

    def drain(self) -> None:
        """End all long polls, now and from now on: callers are told to ask again, as after any wait."""
        self._draining = True
        for task in self._waiting:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"found an ASGI scope of type {scope['type']!r}, expected http")
        try:
            response = await self._respond(scope, receive)
        except _CallerLeft:
            return
        except asyncio.CancelledError:
            if not self._draining:
                raise
            response = _cut_off()  # whoever serves us waits no longer; else it would call this a mistake of ours
        await _send(response, scope, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        method, path = scope["method"], scope["path"]
        body = await self._body(scope, receive)
        if body is None:
            return _too_long(self._body_bytes_max)
        try:
            screen(body)
        except Malformed as error:
            refused = errors.encode_error(error)
            return Response(refused.status, document.write(refused.fields))
        work = answer(self._backend, method, path, body, self._settings)
        if path in _STILL_OPEN and method == "POST":
            return await self._unless_caller_leaves(path, asyncio.ensure_future(work), receive)
        return await work

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the whole body; ``None`` if it is too long, which is known before it has come."""
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self._body_bytes_max:
                return None
        parts: list[bytes] = []
        length = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _CallerLeft
            part = message.get("body", b"")
            length += len(part)
            if length > self._body_bytes_max:
                return None
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _unless_caller_leaves(self, path: str, task: asyncio.Task[Response], receive: Receive) -> Response:
        """Wait for the answer for as long as somebody waits for it here."""
        self._waiting.add(task)
        if self._draining:
            task.cancel()
        leaving = asyncio.ensure_future(_leave(receive))
        try:
            await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not task.cancelled():
                return task.result()
            if leaving.done():
                raise _CallerLeft
            return _told_to_ask_again(path)
        finally:
            leaving.cancel()
            task.cancel()
            self._waiting.discard(task)


async def _leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _told_to_ask_again(path: str) -> Response:
    return Response(420, document.write({"detail": _STILL_OPEN[path], "subStatus": errors.LONG_POLL_TIMED_OUT}), JSON)


def _cut_off() -> Response:
    detail = "the server is stopping, and has not waited for the end of this call: whether it was done is not known"
    return Response(503, document.write({"detail": detail, "subStatus": errors.UNCATEGORIZED}), JSON)


def _too_long(body_bytes_max: int) -> Response:
    detail = f"invalid request schema: the body has more than {body_bytes_max} bytes. {SMALLER_BODY}"
    return Response(413, document.write({"detail": detail}), JSON)


async def _send(response: Response, scope: Scope, send: Send) -> None:
    headers = [
        (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", str(len(response.body)).encode()),
    ]
    if response.location is not None:
        query = scope.get("query_string", b"")
        location = response.location.encode("latin-1")
        headers.append((b"location", location + b"?" + query if query else location))
    if response.status == 413:
        headers.append((b"connection", b"close"))  # the rest of the body is not worth reading
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
