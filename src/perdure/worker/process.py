"""A process that serves HTTP until it is told to stop: its socket, its signals and its end."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.worker.bounded_head import BoundedHead
from perdure.worker.executor import AbandonableExecutor

if TYPE_CHECKING:
    from perdure.worker.asgi import AsgiApp

GRACE_SECONDS = 8
"""For calls under way once a worker is told to stop; what remains of 10 s is for ending."""
KEEP_ALIVE_SECONDS = 75
"""For callers' idle connections: longer than most callers keep them, so that it is they who close."""
BACKLOG = 2_048


class StoppableServer(uvicorn.Server):
    """uvicorn, which tells when it serves, and leaves it to its caller to go on when it stops."""

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal. uvicorn's own would send it again at the end, before all is closed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


async def serve_worker(
    app: AsgiApp,
    *,
    host: str,
    port: int,
    ready: Callable[[str], None],
    grace_seconds: int = GRACE_SECONDS,
    around: Callable[[AsgiApp], Callable[..., Awaitable[None]]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the calls under way and return.

    Args:
        ready: told the worker's URL once calls are taken.
        grace_seconds: what is not finished by then is cut off; its server makes it again.
        around: makes of the application what is served, such as one that also traces.

    Raises:
        UnavailableError: the port is taken, or cannot be listened at.
    """
    listening = listen(host, port)
    asyncio.get_running_loop().set_default_executor(AbandonableExecutor())
    try:
        url = url_of(host, listening)
        config = uvicorn.Config(app if around is None else around(app), **options(grace_seconds=grace_seconds))
        await StoppableServer(config, ready=lambda: ready(url)).serve(sockets=[listening])
    finally:
        app.close()
        listening.close()


def options(*, grace_seconds: int) -> dict[str, Any]:
    """Return uvicorn's settings for what only programs call."""
    return {
        "http": BoundedHead,
        "ws": "none",
        "lifespan": "off",
        "interface": "asgi3",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": grace_seconds,
    }


def allow_many_connections() -> None:
    """Let this process open as many files as it may: each connection is one, and a long poll keeps its own.

    The limit that a shell or a service begins with, often 1,024, is for programs that cannot have more.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems have less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def listen(host: str, port: int, *, setting: str = "--port") -> socket.socket:
    """Take a port.

    Args:
        setting: what chooses another one.

    Raises:
        UnavailableError: it is taken, or there is no such address.
        InvalidRequest: the host is empty, which the system would take for every address there is.
    """
    if not host:
        raise InvalidRequest("host is empty, expected an address to listen at: 127.0.0.1, or 0.0.0.0 for all")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnavailableError(
            f"port {port} of {host} cannot be listened at: {reason}. "
            f"Stop the program that has it, or choose another port with {setting}"
        ) from error


def url_of(host: str, listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
