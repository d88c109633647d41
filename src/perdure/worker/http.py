"""Calls workers over HTTP, in iWF's protocol.

The client is our own, on httptools, for its price: 0.1 ms of CPU a call where aiohttp took 0.3 and
httpx 2 on the same machine. It does one thing: a POST with JSON to an allowed address. It follows no
redirect, asks no proxy, keeps no cookie and unpacks nothing.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from perdure.model.calls import Failure, RpcRequest, StateRequest
from perdure.model.errors import InvalidRequest
from perdure.model.limits import REPLY_BYTES_MAX
from perdure.ports.invoker import Report
from perdure.wire import document
from perdure.wire.paths import worker_path
from perdure.wire.worker_answer import WorkerReply, no_reply, no_reply_in_time, read_reply
from perdure.wire.worker_request import encode_worker_request
from perdure.worker.connection import Connection
from perdure.worker.destination import AllowList, Destination, Origin, read_url, repair_url
from perdure.worker.signature import ID, SIGNATURE, TIMESTAMP, Signer

IDLE_SECONDS = 4.0
"""How long a connection is kept without work: less than the 5 s after which most servers close it, for a
request that is sent while the other side closes is lost."""
DESTINATIONS_MAX = 10_000
_OURS = frozenset(
    "host content-type accept user-agent content-length transfer-encoding connection keep-alive expect te trailer upgrade".split()
) | {ID, TIMESTAMP, SIGNATURE}
"""Headers that say what is sent and how: a second one of the kind would say something else."""
_VALUE = re.compile("[ -~\xa0-\xff]*")

Request = StateRequest | RpcRequest


class _Call:
    """One attempt, reported once: by its reply, or by its deadline, whichever comes first."""

    __slots__ = ("connecting", "connection", "deadline", "report", "request", "timeout_ms")

    def __init__(self, request: Request, timeout_ms: int, report: Report) -> None:
        self.request = request
        self.timeout_ms = timeout_ms
        self.report: Report | None = report
        self.deadline: asyncio.TimerHandle | None = None
        self.connection: Connection | None = None
        self.connecting: asyncio.Task[None] | None = None

    def claim(self) -> Report | None:
        report, self.report = self.report, None
        if self.deadline is not None:
            self.deadline.cancel()
        return report


class HttpInvoker:
    """An invoker for workers of any language. All of it happens on one loop, the engine's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        allowed: AllowList | None = None,
        state_headers: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        reply_bytes_max: int = REPLY_BYTES_MAX,
        tls: ssl.SSLContext | None = None,
        signer: Signer | None = None,
        trace_headers: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            allowed: where workers may be; on this machine, if left out.
            state_headers: sent with calls of states, not of RPCs, as iWF does.
            environment: for ``AUTO_FIX_WORKER_URL`` and its like.
            tls: whom to trust for ``https``; the system's authorities if left out.
            signer: signs every call; ``None``: calls are not signed.
            trace_headers: headers of the call that is made in the current context.
        """
        self._loop = loop
        self._allowed = allowed or AllowList()
        self._state_headers = _header_lines(state_headers or {})
        self._environment = dict(environment or {})
        self._reply_bytes_max = reply_bytes_max
        self._tls = tls
        self._signer = signer
        self._trace_headers = trace_headers
        self._destinations: dict[str, Destination] = {}
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        self._calls: set[_Call] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def check_url(self, worker_url: str) -> None:
        """Say whether a workflow may be started whose worker is there.

        Raises:
            InvalidRequest: the URL cannot be read, or may not be called; the message says why.
        """
        await self._allowed.check(self._destination(worker_url).origin)

    def invoke(self, request: StateRequest | RpcRequest, *, timeout_ms: int, report: Report) -> None:
        if self._closed:
            report(_lost_attempt(request, "the server is closing"))
            return
        try:
            destination = self._destination(request.run.worker_url)
        except InvalidRequest as error:
            report(_lost_attempt(request, str(error)))
            return
        call = _Call(request, timeout_ms, report)
        self._calls.add(call)
        call.deadline = self._loop.call_later(timeout_ms / 1_000, self._late, call)
        connection = self._take(destination.origin)
        if connection is None:
            call.connecting = self._loop.create_task(self._connect_and_send(call, destination))
        else:
            self._send(call, destination, connection)

    def close(self) -> None:
        """Drop all connections. Calls under way are not reported: whoever made them makes them again."""
        if self._closed:
            return
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for call in self._calls:
            call.claim()
            _drop(call)
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._calls.clear()
        self._idle.clear()

    # A call

    async def _connect_and_send(self, call: _Call, destination: Destination) -> None:
        try:
            connection = await self._connect(destination.origin)
        except (InvalidRequest, OSError, ValueError) as error:
            self._settle(call, _words(error))
            return
        call.connecting = None
        if call.report is None:
            connection.close()
        else:
            self._send(call, destination, connection)

    def _send(self, call: _Call, destination: Destination, connection: Connection) -> None:
        call.connection = connection
        connection.send(self._written(call.request, destination), ended=partial(self._ended, call, destination.origin))

    def _ended(self, call: _Call, origin: Origin, end: WorkerReply | str) -> None:
        connection, call.connection = call.connection, None
        assert connection is not None
        if connection.usable and not self._closed:
            self._keep(origin, connection)
        else:
            connection.close()
        self._settle(call, end)

    def _settle(self, call: _Call, end: WorkerReply | str) -> None:
        self._calls.discard(call)
        report = call.claim()
        if report is not None:
            request = call.request
            report(_lost_attempt(request, end) if isinstance(end, str) else read_reply(request, end))

    def _late(self, call: _Call) -> None:
        self._calls.discard(call)
        report = call.claim()
        _drop(call)
        if report is not None:
            report(no_reply_in_time(call.request, timeout_ms=call.timeout_ms))

    def _written(self, request: Request, destination: Destination) -> bytes:
        """Return the whole request as it goes over the wire."""
        body = document.write(encode_worker_request(request))
        more = "" if isinstance(request, RpcRequest) else self._state_headers
        if self._signer is not None:
            more += self._signer.lines(body)
        if self._trace_headers is not None:
            more += _header_lines(self._trace_headers())
        head = (
            f"POST {destination.path}{worker_path(request)} HTTP/1.1\r\nhost: {destination.origin.authority}\r\n"
            f"content-type: application/json\r\naccept: application/json\r\nuser-agent: perdure\r\n{more}"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode("latin-1") + body

    def _destination(self, worker_url: str) -> Destination:
        known = self._destinations.get(worker_url)
        if known is None:
            known = read_url(repair_url(worker_url, self._environment))
            if len(self._destinations) >= DESTINATIONS_MAX:
                self._destinations.clear()
            self._destinations[worker_url] = known
        return known

    # Connections

    async def _connect(self, origin: Origin) -> Connection:
        """Connect to the first address that answers."""
        failed: OSError | None = None
        for address in await self._allowed.addresses(origin):
            try:
                _, connection = await self._loop.create_connection(
                    lambda: Connection(reply_bytes_max=self._reply_bytes_max, lost=partial(self._lost, origin)),
                    address,
                    origin.port,
                    ssl=self._context() if origin.scheme == "https" else None,
                    server_hostname=origin.host if origin.scheme == "https" else None,
                )
            except OSError as error:
                failed = error
            else:
                return connection
        raise failed or OSError(f"{origin.host} has no address")

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _take(self, origin: Origin) -> Connection | None:
        """Return the connection that was used last: the others may then become old and go."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            connection.close()
        return None

    def _keep(self, origin: Origin, connection: Connection) -> None:
        connection.idle_since = self._loop.time()
        self._idle[origin].append(connection)
        if self._sweep is None:
            self._sweep = self._loop.call_later(IDLE_SECONDS / 2, self._close_idle)

    def _close_idle(self) -> None:
        """Close what has been idle for too long. One timer for all: a call is too short to pay for one."""
        before = self._loop.time() - IDLE_SECONDS / 2
        for origin, idle in list(self._idle.items()):
            old = [connection for connection in idle if connection.idle_since <= before]
            self._idle[origin] = [connection for connection in idle if connection.idle_since > before]
            if not self._idle[origin]:
                del self._idle[origin]
            for connection in old:
                connection.close()
        self._sweep = self._loop.call_later(IDLE_SECONDS / 2, self._close_idle) if self._idle else None

    def _lost(self, origin: Origin, connection: Connection) -> None:
        idle = self._idle.get(origin)
        if idle and connection in idle:
            idle.remove(connection)
        if not idle:
            self._idle.pop(origin, None)


def _lost_attempt(request: Request, reason: str) -> Failure:
    failure = no_reply(request, reason)
    # iWF cuts the text of a state's failure after 50 bytes; of an RPC's, its caller is told the text and no detail.
    return failure if isinstance(request, RpcRequest) else replace(failure, detail=reason)


def _drop(call: _Call) -> None:
    if call.connecting is not None:
        call.connecting.cancel()
    if call.connection is not None:
        call.connection.abandon()


def _header_lines(headers: Mapping[str, str]) -> str:
    for name, value in headers.items():
        if name.lower() in _OURS:
            raise InvalidRequest(f"found the header {name!r} for workers, which the server writes itself: leave it out")
        if not name.isascii() or not name.replace("-", "").isalnum() or not _VALUE.fullmatch(value):
            raise InvalidRequest(
                f"found the header {name!r} for workers, expected a name of letters, digits and dashes and a value on one line, in Latin-1"
            )
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def read_authorities(path: str) -> ssl.SSLContext:
    """Return whom to trust for ``https``: those whose certificates are in this file, and nobody else.

    Raises:
        InvalidRequest: the file cannot be read, or has none.
    """
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise InvalidRequest(
            f"the file of authorities {path} has no certificate, expected some in PEM: -----BEGIN CERTIFICATE-----"
        ) from None
    except OSError as error:
        raise InvalidRequest(f"the file of authorities {path} cannot be read: {error.strerror or error}") from None


def _words(error: Exception) -> str:
    """Return the network's reason in small letters, as the rest of the text has it."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the worker's certificate is not trusted: {error.verify_message.rstrip('.')}. The server's owner says whose are with "
            "--worker-ca-file"
        )
    if isinstance(error, ssl.SSLError):
        return f"no TLS with the worker: {(error.reason or str(error)).replace('_', ' ').lower()}; does it serve https there?"
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return str(error)
