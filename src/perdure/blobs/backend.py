"""A backend around another one: large values go apart on the way in, and come back on the way out.

A request without large values is handed on as it is: what the inner backend returns to be awaited is
returned, and nothing more is awaited.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from perdure.blobs.aside import Aside
from perdure.blobs.keeper import Keeper
from perdure.blobs.values import in_anything, in_attributes, in_run, in_start
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.dump import RunDump
from perdure.model.errors import UnavailableError
from perdure.model.history import HistoryEntry
from perdure.model.ids import RunId, WorkflowId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunInfo, SearchPage, StopKind
from perdure.model.progress import RunProgress
from perdure.model.requests import ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EncodedValue, Message
from perdure.ports.backend import Backend
from perdure.ports.dumper import Dumper
from perdure.ports.inspector import HISTORY_LIMIT, Inspector

T = TypeVar("T")
R = TypeVar("R")

Told = Coroutine[Any, Any, R]


class WholeBackend(Backend, Inspector, Dumper, Protocol):
    """A backend that tells all of what is inside of it, too."""


class BlobBackend:
    """A ``Backend``, ``Inspector``, ``Dumper`` and ``Loader`` around a whole backend."""

    def __init__(self, inner: WholeBackend, keeper: Keeper, *, aside: Aside) -> None:
        self._inner = inner
        self._keeper = keeper
        self._aside = aside

    def __repr__(self) -> str:
        return f"<{self._inner!r} with large values apart>"

    # What brings values in

    def start(self, request: StartRequest) -> Told[RunId]:
        if not self._any_large(in_start(request)):
            return self._inner.start(request)
        return self._kept(request.workflow_id, request, self._inner.start)

    def signal(self, workflow_id: WorkflowId, message: Message, *, run_id: RunId | None = None) -> Told[None]:
        if not self._keeper.is_large(message.value):
            return self._inner.signal(workflow_id, message, run_id=run_id)
        return self._kept(workflow_id, message, lambda kept: self._inner.signal(workflow_id, kept, run_id=run_id))

    def publish(
        self, workflow_id: WorkflowId, messages: Sequence[Message], *, run_id: RunId | None = None
    ) -> Told[None]:
        if not self._any_large(message.value for message in messages):
            return self._inner.publish(workflow_id, messages, run_id=run_id)
        send = partial(self._inner.publish, workflow_id, run_id=run_id)
        return self._kept(workflow_id, tuple(messages), send)

    def set_data_attributes(
        self, workflow_id: WorkflowId, attributes: Sequence[DataAttribute], *, run_id: RunId | None = None
    ) -> Told[None]:
        if not self._any_large(in_attributes(attributes)):
            return self._inner.set_data_attributes(workflow_id, attributes, run_id=run_id)
        write = partial(self._inner.set_data_attributes, workflow_id, run_id=run_id)
        return self._kept(workflow_id, tuple(attributes), write)

    async def call_rpc(self, call: RpcCall) -> EncodedValue | None:
        # What a call is given that locks nothing is never written down.
        if call.locking and self._keeper.is_large(call.input):
            return await self._back(await self._kept(call.workflow_id, call, self._inner.call_rpc))
        return await self._back(await self._inner.call_rpc(call))

    # What brings values out

    async def get_data_attributes(
        self, workflow_id: WorkflowId, keys: Sequence[str] | None = None, *, run_id: RunId | None = None
    ) -> tuple[DataAttribute, ...]:
        found = await self._inner.get_data_attributes(workflow_id, keys, run_id=run_id)
        return await self._brought_back(found) if self._any_apart(in_attributes(found)) else found

    async def describe(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunInfo:
        return await self._run(await self._inner.describe(workflow_id, run_id=run_id))

    async def wait_for_result(
        self, workflow_id: WorkflowId, *, run_id: RunId | None = None, wait_ms: int | None = None
    ) -> RunInfo:
        return await self._run(await self._inner.wait_for_result(workflow_id, run_id=run_id, wait_ms=wait_ms))

    async def wait_for_state(self, wait: StateWait, *, wait_ms: int | None = None) -> EncodedValue | None:
        return await self._back(await self._inner.wait_for_state(wait, wait_ms=wait_ms))

    async def history(
        self,
        workflow_id: WorkflowId,
        *,
        run_id: RunId | None = None,
        after_seq: int = 0,
        limit: int = HISTORY_LIMIT,
    ) -> tuple[HistoryEntry, ...]:
        found = await self._inner.history(workflow_id, run_id=run_id, after_seq=after_seq, limit=limit)
        apart = self._any_apart(named.value for entry in found for named in entry.values)
        return await self._brought_back(found) if apart else found

    async def dump(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunDump:
        found = await self._inner.dump(workflow_id, run_id=run_id)
        return await self._brought_back(found) if self._any_apart(in_anything(found)) else found

    async def load_value(self, value: EncodedValue) -> EncodedValue:
        return await self._aside.run(partial(self._keeper.load, value))

    # What takes values away

    async def erase(self, workflow_id: WorkflowId, *, reason: str = "") -> None:
        # Asked before the journals forget it: in a restored copy it may be under the original's name.
        named = await self._aside.run(partial(self._keeper.names_of, workflow_id))
        with self._keeper.watching() as held:
            await self._inner.erase(workflow_id, reason=reason)
            await self._clear(workflow_id, held, named)

    async def _clear(self, workflow_id: WorkflowId, held: set[str], named: set[str]) -> None:
        try:
            await self._aside.run(partial(self._keeper.clear_workflow, workflow_id, held, more=named))
        except UnavailableError as error:
            raise UnavailableError(
                f"workflow {workflow_id!r} is erased in the database, and large values of it may still be in their "
                f"store: {error}. Erase it again"
            ) from error

    # What has no values

    def set_search_attributes(
        self, workflow_id: WorkflowId, attributes: Sequence[SearchAttribute], *, run_id: RunId | None = None
    ) -> Told[None]:
        return self._inner.set_search_attributes(workflow_id, attributes, run_id=run_id)

    def get_search_attributes(
        self,
        workflow_id: WorkflowId,
        keys: Sequence[tuple[str, SearchAttributeType]] | None = None,
        *,
        run_id: RunId | None = None,
    ) -> Told[tuple[SearchAttribute, ...]]:
        return self._inner.get_search_attributes(workflow_id, keys, run_id=run_id)

    def skip_timer(self, workflow_id: WorkflowId, timer: TimerRef, *, run_id: RunId | None = None) -> Told[None]:
        return self._inner.skip_timer(workflow_id, timer, run_id=run_id)

    def stop(
        self,
        workflow_id: WorkflowId,
        kind: StopKind = StopKind.CANCEL,
        *,
        reason: str = "",
        run_id: RunId | None = None,
    ) -> Told[None]:
        return self._inner.stop(workflow_id, kind, reason=reason, run_id=run_id)

    def reset(self, request: ResetRequest) -> Told[RunId]:
        return self._inner.reset(request)

    def update_config(
        self, workflow_id: WorkflowId, config: WorkflowConfig, *, run_id: RunId | None = None
    ) -> Told[None]:
        return self._inner.update_config(workflow_id, config, run_id=run_id)

    def search(self, query: str = "", *, page_size: int = 1000, page_token: str = "") -> Told[SearchPage]:
        return self._inner.search(query, page_size=page_size, page_token=page_token)

    def progress(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> Told[RunProgress]:
        return self._inner.progress(workflow_id, run_id=run_id)

    # In and out

    def _any_large(self, values: Iterable[EncodedValue | None]) -> bool:
        return any(map(self._keeper.is_large, values))

    def _any_apart(self, values: Iterable[EncodedValue | None]) -> bool:
        return any(map(self._keeper.is_apart, values))

    async def _kept(self, workflow_id: WorkflowId, thing: T, ask: Callable[[T], Awaitable[R]]) -> R:
        """Ask with names where large values were; the blobs are held until it is known what came of it."""
        hold = self._keeper.begin()
        doubtful = True  # cancelled, or whatever else ends this here, while what was asked for goes on
        try:
            take_out = partial(self._keeper.take_out, thing, workflow_id=workflow_id, hold=hold)
            answer = await ask(await self._aside.run(take_out))
            doubtful = False
            return answer
        except Exception as error:
            doubtful = isinstance(error, UnavailableError)
            raise
        finally:
            hold.release(doubtful=doubtful)

    async def _back(self, value: EncodedValue | None) -> EncodedValue | None:
        return await self._brought_back(value) if self._keeper.is_apart(value) else value

    async def _run(self, info: RunInfo) -> RunInfo:
        return await self._brought_back(info) if self._any_apart(in_run(info)) else info

    async def _brought_back(self, thing: T) -> T:
        return await self._aside.run(partial(self._keeper.bring_back, thing))
