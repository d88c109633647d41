"""From a URL to a client of whatever runs there: the one room that loads others on demand.

``sqlite:///signup.db`` opens a file beside you and runs an engine on it, in this process, or uses the
engine of the process that has opened it already. A fourth slash begins an absolute path:
``sqlite:////var/lib/signup.db``. ``http://host:8801`` is a Perdure
server, or one of iWF's, which calls the workers that run the workflows.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from perdure.authoring.duration import Duration, milliseconds
from perdure.model.errors import InvalidRequest, UnavailableError

if TYPE_CHECKING:
    from perdure.authoring.inspection import AnyWorkflow
    from perdure.blobs.settings import Blobs
    from perdure.client.client import AsyncClient
    from perdure.client.http import HttpBackend
    from perdure.client.sync import Client
    from perdure.observe.tracing import Tracing
    from perdure.ports.invoker import Invoker
    from perdure.ports.observer import Observer
    from perdure.sharing.guest import Guest
    from perdure.sharing.host import Host, Offer
    from perdure.worker.runnable import Runnable
    from perdure.worker.tracebacks import Tracebacks

SCHEMES = ("sqlite", "http", "https")
SERVERS = ("http", "https")
CLOSE_GRACE_MS = 5_000
"""How long a client that owns a file waits for calls under way when it is closed."""

LATER = {
    "temporal": "Temporal is used by a later version, with the extra perdure[temporal]",
}
"""Schemes that are known and cannot be used yet, and why."""

PATIENCE_SECONDS = 10.0
"""For an owner that is about to open a file, or to give it up."""
PAUSE_SECONDS = 0.05


def connect(
    url: str,
    /,
    *workflows: AnyWorkflow | Runnable,
    worker_url: str | None = None,
    threads: int | None = None,
    retention: Duration | None = None,
    history_retention: Duration | None = None,
    observer: Observer | None = None,
    tracing: Tracing | None = None,
    blobs: Blobs | None = None,
) -> Client:
    """Open what the URL names, run these workflows in it, and return a client to use in a ``with`` block.

    All that was in progress in a file goes on at once. It has one owner at a time; closing the client
    gives it up. Calls under way are waited for, for 5 seconds; the next owner makes the others again.

    In a file that another process owns, that process runs the workflows, and the client returned speaks
    to it: its ``repr`` says so. When the owner goes, a process that was given every workflow type which
    the owner ran takes its place, and goes on with what was in progress.

    A server needs no opening: whether it is there shows when something is asked of it. Its workflows
    are run by a worker (``Worker``), not here.

    Args:
        *workflows: for a file, an instance of each class whose runs are in there or will be; or what can
            be run otherwise, such as everything in a registry of ``perdure.iwf``.
        worker_url: for a server, where it finds the worker of what is started; or say it in each start.
        threads: for a file, for the ``def`` handlers of each workflow type.
        retention: for a file, how long ended runs are kept; for ever if left out.
        history_retention: for a file, how long the early part of the history of a run is kept that goes on; as long
            as the run if left out. No reset goes back to what is forgotten.
        observer: for a file, counts what its engine does.
        tracing: for a file, makes a span of each call of a handler, which runs in it.
        blobs: for a file, where large values are kept apart from it; the same in all processes, and as long
            as the file has any there.

    Raises:
        InvalidRequest: the URL cannot be read, or names what this version cannot open.
        DefinitionError: a class is wrong; the message lists every problem.
        UnavailableError: the file cannot be used, or is in use by who cannot be spoken to: by whom is said.
    """
    from perdure.client.client import AsyncClient
    from perdure.client.portal import Portal
    from perdure.client.surroundings import Surroundings
    from perdure.client.sync import Client
    from perdure.sharing.guest import Guest
    from perdure.worker.tracebacks import Tracebacks

    if _is_server(url):
        backend = _server(
            url,
            workflows,
            worker_url=worker_url,
            threads=threads,
            retention=retention,
            history_retention=history_retention,
            watched=observer or tracing,
            blobs=blobs,
        )
        return Client(AsyncClient(backend, close=backend.close))
    tracebacks = Tracebacks()
    path = _path_of(url, worker_url)
    opened = _open(
        _offer(
            path,
            workflows,
            threads=threads,
            retention=retention,
            history_retention=history_retention,
            tracebacks=tracebacks,
            observer=observer,
            tracing=tracing,
            blobs=blobs,
        )
    )
    surroundings = Surroundings(traceback_of=tracebacks.of)
    if isinstance(opened, Guest):
        client = AsyncClient(opened.backend, surroundings=surroundings)
        return Client(client, portal=Portal(opened.loop), close=opened.stop)
    client = AsyncClient(opened.engine.backend, surroundings=surroundings)
    return Client(client, portal=Portal(opened.engine.loop, needs_loop=False), close=opened.close)


async def connect_async(
    url: str,
    /,
    *workflows: AnyWorkflow | Runnable,
    worker_url: str | None = None,
    threads: int | None = None,
    retention: Duration | None = None,
    history_retention: Duration | None = None,
    observer: Observer | None = None,
    tracing: Tracing | None = None,
    blobs: Blobs | None = None,
) -> AsyncClient:
    """Open what the URL names, as ``connect``, and return a client for an ``async with`` block.

    The engine has a thread of its own, where ``async def`` handlers run too.
    """
    from perdure.client.client import AsyncClient
    from perdure.client.surroundings import Surroundings
    from perdure.sharing.guest import Guest
    from perdure.worker.tracebacks import Tracebacks

    if _is_server(url):
        backend = _server(
            url,
            workflows,
            worker_url=worker_url,
            threads=threads,
            retention=retention,
            history_retention=history_retention,
            watched=observer or tracing,
            blobs=blobs,
        )
        return AsyncClient(backend, close=backend.close)
    path = _path_of(url, worker_url)
    tracebacks = Tracebacks()
    offer = _offer(
        path,
        workflows,
        threads=threads,
        retention=retention,
        history_retention=history_retention,
        tracebacks=tracebacks,
        observer=observer,
        tracing=tracing,
        blobs=blobs,
    )
    opened = await asyncio.to_thread(_open, offer)

    async def close() -> None:
        await asyncio.to_thread(opened.stop if isinstance(opened, Guest) else opened.close)

    reached = opened.backend if isinstance(opened, Guest) else opened.engine.backend
    return AsyncClient(reached, close=close, surroundings=Surroundings(traceback_of=tracebacks.of))


def _is_server(url: str) -> bool:
    if not isinstance(url, str):
        raise InvalidRequest(f"found {url!r}, expected a URL as text, such as 'sqlite:///signup.db'")
    return urlsplit(url).scheme in SERVERS


def _server(
    url: str,
    workflows: tuple[AnyWorkflow | Runnable, ...],
    *,
    worker_url: str | None,
    threads: int | None,
    retention: Duration | None,
    history_retention: Duration | None,
    watched: Observer | Tracing | None,
    blobs: Blobs | None,
) -> HttpBackend:
    if workflows or threads is not None:
        raise InvalidRequest(
            f"{url} is a server and runs no workflow of this process, found some to run here; "
            "serve them with a Worker, and say where: connect(url, worker_url=…)"
        )
    if retention is not None or history_retention is not None:
        raise InvalidRequest(f"found a retention for {url}, expected it among the settings of that server")
    if blobs is not None:
        raise InvalidRequest(
            f"found blobs for {url}, expected them among the settings of that server: external_storage"
        )
    if watched is not None:
        raise InvalidRequest(
            f"found an observer or tracing for {url}, whose engine is in another process: that server has --metrics "
            "and --traces"
        )
    try:
        from perdure.client.http import HttpBackend
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise InvalidRequest(f"{url} needs aiohttp to be spoken to: pip install 'perdure[http]'") from error
    return HttpBackend(url, worker_url=worker_url or "")


def _path_of(url: str, worker_url: str | None) -> str:
    parts = urlsplit(url)
    if parts.scheme in LATER:
        raise InvalidRequest(
            f"{url} cannot be opened yet: {LATER[parts.scheme]}. This version opens files, sqlite:///signup.db, "
            "and servers, http://localhost:8801"
        )
    if parts.scheme not in SCHEMES:
        known = ", ".join(f"{scheme}:" for scheme in SCHEMES)
        raise InvalidRequest(
            f"found {url!r}, expected a URL that begins with one of {known} such as sqlite:///signup.db"
        )
    path = _file_in(url)
    if worker_url is not None:
        raise InvalidRequest(
            f"found worker_url={worker_url!r} for {url}, whose workflows run in this process; "
            "hand them over instead: connect(url, Signup(…))"
        )
    return path


def _file_in(url: str) -> str:
    """Return the path in a URL of a file. One that SQLite would read in another way is refused."""
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        mark = "?" if parts.query else "#"
        raise InvalidRequest(
            f"found {mark!r} in {url!r}, expected a path alone: there is nothing to set in a URL. For a file with "
            f"{mark} in its name write %{ord(mark):X}"
        )
    path = unquote(parts.path.removeprefix("/"))
    if path == ":memory:":
        raise InvalidRequest(
            f"found {url!r}, expected a file: what is to go on after the process ends lies in one. For tests there is "
            "perdure.testing.Environment, whose file is a temporary one"
        )
    if not url[len("sqlite:") :].startswith("///") or not path:
        raise InvalidRequest(
            f"found {url!r}, expected sqlite:///, then a path: sqlite:///signup.db, or sqlite:////var/lib/signup.db"
        )
    return path


def _offer(
    path: str,
    workflows: tuple[AnyWorkflow | Runnable, ...],
    *,
    threads: int | None,
    retention: Duration | None,
    history_retention: Duration | None,
    tracebacks: Tracebacks,
    observer: Observer | None,
    tracing: Tracing | None,
    blobs: Blobs | None,
) -> Offer:
    from perdure.engine.engine import EngineSettings
    from perdure.sharing.host import Offer
    from perdure.worker.local import THREADS, LocalInvoker
    from perdure.worker.runnable import registered, runnables_of

    known = registered(workflows)
    settings = EngineSettings(
        retention_ms=None if retention is None else milliseconds(retention),
        history_retention_ms=None if history_retention is None else milliseconds(history_retention),
        blobs=blobs,
    )

    def make_invoker(loop: asyncio.AbstractEventLoop) -> Invoker:
        local = LocalInvoker(
            known,
            threads=THREADS if threads is None else threads,
            loop=loop,
            tracebacks=tracebacks,
            carries_context=tracing is not None,
        )
        return local if tracing is None else tracing.around(local)

    # A relative path means the same when this process takes over, wherever it has gone until then.
    return Offer(
        Path(os.path.abspath(path)),
        make_invoker,
        frozenset(runnables_of(known)),
        settings=settings,
        close_grace_ms=CLOSE_GRACE_MS,
        observer=observer,
    )


def _open(offer: Offer) -> Host | Guest:
    """Own the file, or use the engine of who does."""
    from perdure.client.remote import Unsent
    from perdure.engine.owner import Owned
    from perdure.sharing.guest import Guest
    from perdure.sharing.host import Host
    from perdure.sharing.place import SCHEME

    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Host.open(offer)
        except Owned as owned:
            if owned.is_here or (owned.address is not None and not owned.address.startswith(SCHEME)):
                raise
            failure: UnavailableError = owned
            if owned.address is not None:
                try:
                    return Guest.join(offer, address=owned.address)
                except Unsent as error:
                    # Gone this moment, or about to answer.
                    failure = UnavailableError(f"{owned}, which does not answer: {error}")
            if time.monotonic() > give_up_at:
                raise failure from None
        time.sleep(PAUSE_SECONDS)


class _Callable(ModuleType):
    """This module as ``perdure.connect``: the package's name for its function is the module's name too.

    Python puts a submodule into its package under its own name as soon as anybody imports it, and
    ``from perdure import connect`` would then depend on who came first.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Client:
        return connect(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
