"""What a process serves that runs workflows for a server."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from perdure.authoring.inspection import AnyWorkflow
from perdure.authoring.registry import Registered
from perdure.model.errors import InvalidRequest
from perdure.worker.asgi import AsgiApp
from perdure.worker.local import THREADS
from perdure.worker.runnable import Runnable, registered, runnables_of
from perdure.worker.signature import Guard
from perdure.worker.wsgi import WsgiApp

if TYPE_CHECKING:
    from flask import Blueprint


class Worker:
    """Runs workflows for a server that calls it over HTTP: ``Worker(Signup(send=mail)).asgi_app()``.

    The server, ours or iWF's own, is told where this is served when a workflow is started. Whoever can
    reach a worker can run its handlers, unless it has keys: serve it where only the server can, or
    give both keys.
    """

    def __init__(
        self,
        *workflows: AnyWorkflow | Runnable | Iterable[Registered | Runnable],
        threads: int = THREADS,
        keys: Sequence[str] = (),
    ) -> None:
        """Take what is to be run; nothing begins before it is served.

        Args:
            *workflows: an instance of each class, or whole registries, those of ``perdure.iwf`` too.
            threads: for the ``def`` handlers of each workflow type, served by ASGI; a WSGI server has
                its own threads.
            keys: what calls must be signed with, by one of them: secrets ``whsec_…`` that the server has
                too, or the public halves ``whpk_…`` of its keys. Without any, every call is taken.

        Raises:
            DefinitionError: a class is wrong; the message lists every problem.
            InvalidRequest: a key cannot be read.
        """
        if isinstance(keys, str):
            raise TypeError("keys is a text, expected a list of keys: keys=[key]")
        if threads < 1:
            raise ValueError(f"threads is {threads}, expected 1 or more")
        known: list[Registered | Runnable] = []
        single: list[AnyWorkflow | Runnable] = []
        for workflow in workflows:
            if isinstance(workflow, Iterable):
                known.extend(workflow)
            else:
                single.append(workflow)
        self._runnables = runnables_of([*known, *registered(single)])
        self._threads = threads
        self.workflow_types = frozenset(self._runnables)
        """What it runs."""
        self.signed = bool(keys)
        """Whether it refuses calls that are not signed."""
        # The server's clock is another machine's: this is the one place where a worker needs its own.
        self._guard = Guard(keys, now_s=time.time) if keys else None  # noqa: TID251 - no engine is here to ask

    def asgi_app(self) -> AsgiApp:
        """Return an application for uvicorn and its like, or to mount in Starlette or FastAPI."""
        return AsgiApp(self._runnables, threads=self._threads, guard=self._guard)

    def wsgi_app(self) -> WsgiApp:
        """Return an application for waitress, gunicorn and their like."""
        return WsgiApp(self._runnables, guard=self._guard)

    def blueprint(self, name: str = "perdure_worker") -> Blueprint:
        """Return a part of a Flask application: ``app.register_blueprint(worker.blueprint(), url_prefix="/worker")``.

        It runs what ``wsgi_app`` runs, in the threads of what serves Flask. A Flask application that
        protects its forms (CSRF) has to exempt it.

        Raises:
            InvalidRequest: Flask is not installed.
        """
        try:
            from perdure.worker.blueprint import blueprint_of  # noqa: PLC0415 - an extra's
        except ModuleNotFoundError as error:
            if error.name != "flask":
                raise
            raise InvalidRequest(
                "a blueprint needs Flask, which is not installed. Install it: pip install 'perdure[flask]'"
            ) from None
        return blueprint_of(self.wsgi_app(), name)
