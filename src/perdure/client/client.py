"""The door to all workflows of one backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Never, Protocol, Self, TypeVar, Unpack, overload

from perdure.authoring.duration import Duration
from perdure.authoring.inspection import AnyWorkflow, definition_of
from perdure.authoring.requests import start_request
from perdure.authoring.workflow import Workflow
from perdure.client.handle import LOCK_PATIENCE, AsyncHandle
from perdure.client.options import StartArguments, start_options
from perdure.client.surroundings import PLAIN, Surroundings
from perdure.model.decisions import Movement
from perdure.model.errors import InvalidRequest, WorkflowAlreadyStarted
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.outcome import RunSummary, SearchPage
from perdure.model.requests import StartRequest
from perdure.ports.backend import Backend

Workflow_co = TypeVar("Workflow_co", covariant=True)
Input_contra = TypeVar("Input_contra", contravariant=True)
Output_co = TypeVar("Output_co", covariant=True)
W = TypeVar("W")
Input = TypeVar("Input")
Output = TypeVar("Output")

PAGE_SIZE = 1_000


class Kind(Protocol[Workflow_co, Input_contra, Output_co]):
    """A class that derives from ``Workflow``, by its types: ``Signup`` is a ``Kind[Signup, Form, str]``."""

    def _perdure_types(self, input: Input_contra, /) -> tuple[Workflow_co, Output_co]: ...


class AsyncClient:
    """Starts workflows and finds them: ``await client.start(Signup, "ada", form)``.

    An async context manager that closes what it was opened with, if that is to be closed.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        lock_patience: Duration = LOCK_PATIENCE,
        close: Callable[[], Awaitable[None]] | None = None,
        surroundings: Surroundings = PLAIN,
    ) -> None:
        """Speak to a backend.

        Args:
            lock_patience: how long a call goes on asking for a lock, where its RPC names no timeout.
            close: releases the backend, if it is this client's own.
            surroundings: set by whoever opens an engine for it.
        """
        self.backend = backend
        """For what only the model's own words can say."""
        self._lock_patience = lock_patience
        self._close = close
        self._surroundings = surroundings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.backend!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Release what was opened for this client; harmless to repeat."""
        close, self._close = self._close, None
        if close is not None:
            await close()

    @overload
    async def start(
        self, workflow: Kind[W, None, Output], workflow_id: str, /, **arguments: Unpack[StartArguments]
    ) -> AsyncHandle[W, Output]: ...

    @overload
    async def start(
        self, workflow: Kind[W, Input, Output], workflow_id: str, input: Input, /, **arguments: Unpack[StartArguments]
    ) -> AsyncHandle[W, Output]: ...

    @overload
    async def start(
        self, workflow: str, workflow_id: str, first: Movement | None = None, /, **arguments: Unpack[StartArguments]
    ) -> AsyncHandle[AnyWorkflow, object]: ...

    async def start(
        self,
        workflow: object,
        workflow_id: str,
        input: object = None,
        /,
        **arguments: Unpack[StartArguments],
    ) -> object:
        """Start a run and return a handle on it, before any of its states has run.

        A workflow whose class is not at hand is started by its type's name, and by its first
        movement in the model's words.

        Args:
            **arguments: see ``StartArguments``.

        Raises:
            WorkflowAlreadyStarted: the id is taken; ``run_id`` names the run that has it.
            InvalidRequest: the input does not fit, or an option cannot be followed; nothing started.
        """
        _check_id(workflow_id)
        if isinstance(workflow, str):
            request = _request_by_name(workflow, workflow_id, input, arguments)
            return self._handle(None, workflow_id, run_id=await self._started(request))
        known = _checked(workflow)
        request = start_request(
            known,
            workflow_id,
            input,
            options=start_options(definition_of(known), arguments),
            attributes=arguments.get("attributes"),
            worker_url=arguments.get("worker_url", ""),
        )
        return self._handle(known, workflow_id, run_id=await self._started(request))

    async def _started(self, request: StartRequest) -> RunId:
        try:
            return await self.backend.start(request)
        except WorkflowAlreadyStarted as error:
            # Beside iWF's own words, which other clients know.
            error.add_note(
                "to go on with the run that is there: start(…, ignore_already_started=True), or get() a handle on it"
            )
            raise

    @overload
    def get(
        self, workflow: Kind[W, Never, Output], workflow_id: str, *, run_id: str | None = None
    ) -> AsyncHandle[W, Output]: ...

    @overload
    def get(
        self, workflow: str, workflow_id: str, *, run_id: str | None = None
    ) -> AsyncHandle[AnyWorkflow, object]: ...

    def get(self, workflow: object, workflow_id: str, *, run_id: str | None = None) -> object:
        """Return a handle on a workflow. Asks nobody: whether there is one shows when it is used.

        Args:
            workflow: its class, or the name of its type.
            run_id: one run of it, that everything asked of the handle means.
        """
        _check_id(workflow_id)
        known = None if isinstance(workflow, str) else _checked(workflow)
        return self._handle(known, workflow_id, pinned=None if run_id is None else RunId(run_id))

    async def search(self, query: str = "", *, page_size: int = PAGE_SIZE) -> AsyncIterator[RunSummary]:
        """Find runs: open ones first, latest start first, then by closing, latest first.

        Pages are fetched as they are needed; a run that closes meanwhile may be found twice or missed.

        Args:
            query: such as ``status = 'pending' AND StartTime > '2030-01-01T00:00:00Z'``; all, if empty.

        Raises:
            InvalidRequest: the query cannot be read; the message says where.
        """
        async for page in self.pages(query, page_size=page_size):
            for run in page.runs:
                yield run

    async def pages(self, query: str = "", *, page_size: int = PAGE_SIZE) -> AsyncIterator[SearchPage]:
        """Find runs, a page at a time; else as ``search``."""
        token: str | None = ""
        while token is not None:
            page = await self.backend.search(query, page_size=page_size, page_token=token)
            yield page
            token = page.next_token or None

    def _handle(
        self,
        workflow: type[AnyWorkflow] | None,
        workflow_id: str,
        *,
        run_id: RunId | None = None,
        pinned: RunId | None = None,
    ) -> AsyncHandle[AnyWorkflow, object]:
        return AsyncHandle(
            self.backend,
            workflow,
            workflow_id,
            run_id=run_id,
            pinned=pinned,
            lock_patience=self._lock_patience,
            surroundings=self._surroundings,
        )


def _check_id(workflow_id: object) -> None:
    if not isinstance(workflow_id, str):
        raise InvalidRequest(f"found {workflow_id!r} as a workflow id, expected text: {str(workflow_id)!r}")
    if not workflow_id:
        raise InvalidRequest("found an empty workflow id, expected text that tells this workflow from others")


def _checked(workflow: object) -> type[AnyWorkflow]:
    if isinstance(workflow, type) and issubclass(workflow, Workflow):
        return workflow
    raise InvalidRequest(f"found {workflow!r}, expected a class that derives from Workflow, or the name of a type")


def _request_by_name(name: str, workflow_id: str, first: object, arguments: StartArguments) -> StartRequest:
    if first is not None and not isinstance(first, Movement):
        raise InvalidRequest(
            f"{name!r} is started by name with {first!r}, expected a Movement: its first state and sealed input"
        )
    if arguments.get("attributes"):
        raise InvalidRequest(f"{name!r} is started by name with attributes, and only a class says how they are kept")
    options = start_options(None, arguments)
    return StartRequest(
        WorkflowId(workflow_id), WorkflowType(name), first, options, worker_url=arguments.get("worker_url", "")
    )
