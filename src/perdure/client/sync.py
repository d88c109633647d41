"""The sync face: each method runs its namesake of the async client on a loop in another thread.

Nothing is decided here. What a method does and raises is said at its namesake, whose docstring it has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, Never, ParamSpec, Self, TypeVar, Unpack, cast, overload

from perdure.authoring.attribute import AnyAttribute, Attribute
from perdure.authoring.attribute_map import AttributeMap
from perdure.authoring.channel import AnyInbox, Channel, Signal
from perdure.authoring.decision import AnyState
from perdure.authoring.duration import Duration
from perdure.authoring.inspection import AnyWorkflow
from perdure.authoring.rpc import AnyRpc, Rpc
from perdure.client.client import PAGE_SIZE, AsyncClient, Kind
from perdure.client.handle import AsyncHandle
from perdure.client.options import StartArguments
from perdure.client.portal import Portal
from perdure.model.attributes import SearchValue
from perdure.model.decisions import Movement
from perdure.model.history import HistoryEntry
from perdure.model.ids import RunId, WorkflowId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunSummary, SearchPage, StopKind
from perdure.model.progress import DescribedRun
from perdure.ports.inspector import HISTORY_LIMIT

Workflow_co = TypeVar("Workflow_co", covariant=True)
Output_co = TypeVar("Output_co", covariant=True)
W = TypeVar("W")
Input = TypeVar("Input")
Output = TypeVar("Output")
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Class = TypeVar("Class", bound=type)


def documented_as(original: type) -> Callable[[Class], Class]:
    """Give each method of a class without words of its own those of its namesake."""

    def document(face: Class) -> Class:
        for name, member in vars(face).items():
            told = getattr(vars(original).get(name), "__doc__", None)
            if told and not name.startswith("_") and not member.__doc__:
                member.__doc__ = told
        return face

    return document


@documented_as(AsyncHandle)
class Handle(Generic[Workflow_co, Output_co]):
    """A workflow, by its id; see ``AsyncHandle``, whose methods these are without ``await``."""

    def __init__(self, handle: AsyncHandle[Workflow_co, Output_co], portal: Portal) -> None:
        self._handle = handle
        self._portal = portal

    @property
    def id(self) -> WorkflowId:
        return self._handle.id

    @property
    def run_id(self) -> RunId | None:
        return self._handle.run_id

    def result(self, *, timeout: Duration | None = None) -> Output_co:
        return self._portal.run(self._handle.result(timeout=timeout))

    def results(self, *, timeout: Duration | None = None) -> tuple[Output_co, ...]:
        return self._portal.run(self._handle.results(timeout=timeout))

    def wait_for_state(
        self, state: AnyState | str, which: int | str = 1, *, timeout: Duration | None = None
    ) -> Output_co | None:
        return self._portal.run(self._handle.wait_for_state(state, which, timeout=timeout))

    def describe(self) -> DescribedRun:
        return self._portal.run(self._handle.describe())

    def history(self, *, after_seq: int = 0, limit: int = HISTORY_LIMIT) -> tuple[HistoryEntry, ...]:
        return self._portal.run(self._handle.history(after_seq=after_seq, limit=limit))

    @overload
    def call(self, rpc: Rpc[Workflow_co, P, R], /, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    def call(self, rpc: str, argument: object = None, /) -> object: ...

    def call(self, rpc: AnyRpc | str, /, *args: object, **kwargs: object) -> object:
        return self._portal.run(self._handle.call(cast("Any", rpc), *args, **kwargs))

    @overload
    def publish(self, channel: Channel[None], /) -> None: ...

    @overload
    def publish(self, channel: Channel[T], value: T, /) -> None: ...

    @overload
    def publish(self, channel: str, value: object = None, /) -> None: ...

    def publish(self, channel: AnyInbox | str, value: object = None, /) -> None:
        self._portal.run(self._handle.publish(cast("Any", channel), value))

    @overload
    def signal(self, signal: Signal[None], /) -> None: ...

    @overload
    def signal(self, signal: Signal[T], value: T, /) -> None: ...

    @overload
    def signal(self, signal: str, value: object = None, /) -> None: ...

    def signal(self, signal: AnyInbox | str, value: object = None, /) -> None:
        self._portal.run(self._handle.signal(cast("Any", signal), value))

    @overload
    def get(self, attribute: Attribute[T], /) -> T: ...

    @overload
    def get(self, attribute: AttributeMap[T], /) -> dict[str, T]: ...

    @overload
    def get(self, attribute: str, /) -> object: ...

    def get(self, attribute: AnyAttribute | str, /) -> object:
        return self._portal.run(self._handle.get(cast("Any", attribute)))

    @overload
    def set(self, attribute: Attribute[T], value: T, /) -> None: ...

    @overload
    def set(self, attribute: AttributeMap[T], value: Mapping[str, T], /) -> None: ...

    @overload
    def set(self, attribute: str, value: object, /) -> None: ...

    def set(self, attribute: AnyAttribute | str, value: object, /) -> None:
        self._portal.run(self._handle.set(cast("Any", attribute), value))

    def attributes(self) -> dict[str, object]:
        return self._portal.run(self._handle.attributes())

    def search_attributes(self) -> dict[str, SearchValue | None]:
        return self._portal.run(self._handle.search_attributes())

    def skip_timer(self, state: AnyState | str, *, number: int = 1, timer: str | None = None, index: int = 0) -> None:
        self._portal.run(self._handle.skip_timer(state, number=number, timer=timer, index=index))

    def cancel(self, reason: str = "") -> None:
        self._portal.run(self._handle.cancel(reason))

    def terminate(self, reason: str = "") -> None:
        self._portal.run(self._handle.terminate(reason))

    def stop(self, kind: StopKind, reason: str = "") -> None:
        self._portal.run(self._handle.stop(kind, reason))

    def reset(
        self,
        *,
        to_state: AnyState | str | None = None,
        number: int | None = None,
        to_time: datetime | None = None,
        to_event: int | None = None,
        reason: str = "",
        skip_signals: bool = False,
        skip_locked_rpcs: bool = False,
    ) -> Handle[Workflow_co, Output_co]:
        again = self._handle.reset(
            to_state=to_state,
            number=number,
            to_time=to_time,
            to_event=to_event,
            reason=reason,
            skip_signals=skip_signals,
            skip_locked_rpcs=skip_locked_rpcs,
        )
        return Handle(self._portal.run(again), self._portal)

    def erase(self, reason: str = "") -> None:
        self._portal.run(self._handle.erase(reason))

    def update_config(self, config: WorkflowConfig) -> None:
        self._portal.run(self._handle.update_config(config))


@documented_as(AsyncClient)
class Client:
    """Starts workflows and finds them; see ``AsyncClient``, whose methods these are without ``await``.

    May be used from any thread but the one that runs its loop. A context manager that closes what it
    was opened with.
    """

    def __init__(
        self, client: AsyncClient, *, portal: Portal | None = None, close: Callable[[], None] | None = None
    ) -> None:
        """Put a sync face on a client.

        Args:
            portal: to the loop it runs on; one of its own if left out. Closed with this client.
            close: releases what was opened for this client, after the async one is closed.
        """
        self._client = client
        self._portal = Portal() if portal is None else portal
        self._release = close
        self._closed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client.backend!r}>"

    @property
    def asynchronous(self) -> AsyncClient:
        """The client that does the work, to be awaited on any loop."""
        return self._client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._portal.is_inherited:
            return  # a fork's copy: what was opened is the parent's to close
        self._portal.run(self._client.close())
        self._portal.close()
        if self._release is not None:
            self._release()

    @overload
    def start(
        self, workflow: Kind[W, None, Output], workflow_id: str, /, **arguments: Unpack[StartArguments]
    ) -> Handle[W, Output]: ...

    @overload
    def start(
        self, workflow: Kind[W, Input, Output], workflow_id: str, input: Input, /, **arguments: Unpack[StartArguments]
    ) -> Handle[W, Output]: ...

    @overload
    def start(
        self, workflow: str, workflow_id: str, first: Movement | None = None, /, **arguments: Unpack[StartArguments]
    ) -> Handle[AnyWorkflow, object]: ...

    def start(
        self,
        workflow: object,
        workflow_id: str,
        input: object = None,
        /,
        **arguments: Unpack[StartArguments],
    ) -> object:
        started = self._client.start(cast("Any", workflow), workflow_id, cast("Any", input), **arguments)
        return Handle(self._portal.run(started), self._portal)

    @overload
    def get(
        self, workflow: Kind[W, Never, Output], workflow_id: str, *, run_id: str | None = None
    ) -> Handle[W, Output]: ...

    @overload
    def get(self, workflow: str, workflow_id: str, *, run_id: str | None = None) -> Handle[AnyWorkflow, object]: ...

    def get(self, workflow: object, workflow_id: str, *, run_id: str | None = None) -> object:
        return Handle(self._client.get(cast("Any", workflow), workflow_id, run_id=run_id), self._portal)

    def search(self, query: str = "", *, page_size: int = PAGE_SIZE) -> Iterator[RunSummary]:
        for page in self.pages(query, page_size=page_size):
            yield from page.runs

    def pages(self, query: str = "", *, page_size: int = PAGE_SIZE) -> Iterator[SearchPage]:
        pages = self._client.pages(query, page_size=page_size)
        while (page := self._portal.run(_next(pages))) is not None:
            yield page


async def _next(pages: AsyncIterator[SearchPage]) -> SearchPage | None:
    return await anext(pages, None)
