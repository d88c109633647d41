"""A server, spoken to over HTTP."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp

from perdure.client.remote import PATIENCE_SECONDS, RemoteBackend, Unsent
from perdure.model.errors import InvalidRequest, UnavailableError

CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 15.0
"""Less than servers keep idle connections: a request that crosses their closing is lost."""


class HttpBackend(RemoteBackend):
    """Runs workflows on a server, over HTTP."""

    def __init__(
        self,
        url: str,
        *,
        worker_url: str = "",
        patience_seconds: float = PATIENCE_SECONDS,
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: the server's, such as ``http://host:8801``.
            worker_url: where the server finds the worker of what is started without saying it.
            patience_seconds: how long a request is sent again that may be.
            monotonic_ms: counts the waits.

        Raises:
            InvalidRequest: the URL cannot be read.
        """
        super().__init__(
            HttpTransport(url), worker_url=worker_url, patience_seconds=patience_seconds, monotonic_ms=monotonic_ms
        )


class HttpTransport:
    """A ``Transport`` of HTTP requests, with a pool of connections for each loop it is used on."""

    needs_worker_url = True

    def __init__(self, url: str) -> None:
        self._url = _checked(url)
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
        self._closed = False

    @property
    def name(self) -> str:
        return self._url

    async def close(self) -> None:
        self._closed = True
        running = asyncio.get_running_loop()
        while self._sessions:
            loop, session = self._sessions.popitem()
            if loop is running:
                await session.close()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(session.close(), loop))

    async def send(self, path: str, body: bytes, *, seconds: float) -> tuple[int, bytes]:
        url = self._url + path
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        try:
            async with self._session().post(url, data=body, timeout=limits, allow_redirects=False) as response:
                return response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unsent(
                f"nothing answers at {self._url}: {_reason(error)}. Does the server run, and is this its host and port?"
            ) from error
        except TimeoutError as error:
            raise UnavailableError(f"{url} has not answered within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnavailableError(f"the connection to {self._url} broke: {error!r}") from error

    def _session(self) -> aiohttp.ClientSession:
        """Return the running loop's own pool of connections."""
        if self._closed:
            raise UnavailableError(f"the client of {self._url} is closed")
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            # No limit: a long poll must not keep a short call from its connection.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
            session = self._sessions[loop] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"content-type": "application/json", "user-agent": "perdure"},
            )
        return session


def _reason(error: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) -> str:
    """Return the system's own words: the client's tell of its sockets."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {CONNECT_SECONDS:g} s"
    cause = getattr(error, "os_error", None)
    number = cause.errno if isinstance(cause, OSError) and not isinstance(cause, socket.gaierror) else None
    if number is not None and number in errno.errorcode:
        return os.strerror(number).lower()
    return getattr(cause, "strerror", None) or str(error)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidRequest(f"found {url!r}, expected a server's URL such as http://localhost:8801")
    return url.rstrip("/")
