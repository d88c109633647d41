"""A server's side of a call to a worker that is an application in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from io import BytesIO
from typing import Any, cast
from wsgiref.validate import validator

from perdure.model.calls import Answer, Failure, RpcRequest, StateRequest
from perdure.wire import document
from perdure.wire.paths import worker_path
from perdure.wire.worker_answer import WorkerReply, read_reply
from perdure.wire.worker_request import encode_worker_request
from perdure.worker.asgi import AsgiApp
from perdure.worker.wsgi import WsgiApp

Request = StateRequest | RpcRequest


class AsgiCall:
    """One request to an ASGI application."""

    def __init__(
        self,
        app: AsgiApp,
        path: str,
        body: bytes,
        *,
        method: str = "POST",
        root_path: str = "",
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        self._app = app
        self._scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": root_path + path,
            "root_path": root_path,
            "headers": headers,
        }
        half = len(body) // 2
        self._messages: list[MutableMapping[str, Any]] = [
            {"type": "http.request", "body": body[:half], "more_body": True},
            {"type": "http.request", "body": body[half:]},
        ]
        self._gone = asyncio.Event()
        self.sent: list[MutableMapping[str, Any]] = []

    def leave(self) -> None:
        self._gone.set()

    async def make(self) -> WorkerReply:
        await self._app(self._scope, self._receive, self._send)
        start, body = self.sent
        return WorkerReply(start["status"], body["body"], dict(start["headers"])[b"content-type"].decode())

    async def run(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _receive(self) -> MutableMapping[str, Any]:
        if self._messages:
            return self._messages.pop(0)
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)


def written(request: Request) -> bytes:
    return document.write(encode_worker_request(request))


async def call_asgi(app: AsgiApp, request: Request) -> Answer | Failure:
    return read_reply(request, await AsgiCall(app, worker_path(request), written(request)).make())


def call_wsgi(app: WsgiApp, request: Request) -> Answer | Failure:
    return read_reply(request, post_wsgi(app, worker_path(request), written(request)))


def post_wsgi(app: WsgiApp, path: str, body: bytes, **more: Any) -> WorkerReply:
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8802",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": _Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **more,
    }
    told: list[tuple[str, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        told.append((status, dict(headers)))
        return lambda _: None

    answered = validator(app)(environ, start_response)
    whole = b"".join(answered)
    cast("Any", answered).close()  # the validator insists on it
    ((status, headers),) = told
    return WorkerReply(int(status.split()[0]), whole, headers["Content-Type"], status.partition(" ")[2])


class _Errors:
    def write(self, text: str) -> None:
        raise AssertionError(text)

    def flush(self) -> None: ...

    def writelines(self, lines: list[str]) -> None:
        raise AssertionError(lines)
