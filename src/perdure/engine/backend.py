"""The embedded engine as a ``Backend``: callers of any loop and thread, one core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from threading import Lock
from typing import Any, cast

from perdure.engine.inputs import (
    CallRpc,
    Change,
    Describe,
    Erase,
    Forget,
    Input,
    ReadData,
    ReadSearch,
    Reply,
    Reset,
    Search,
    Start,
    WaitForResult,
    WaitForState,
)
from perdure.engine.inspector import FileInspector
from perdure.engine.limits import check_ids
from perdure.engine.postbox import Postbox
from perdure.interpreter.events import (
    AttributesSet,
    ConfigUpdated,
    Event,
    MessagesPublished,
    SignalReceived,
    Stopped,
    TimerSkipped,
)
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.dump import RunDump
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.model.history import HistoryEntry
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.nearest import did_you_mean
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunInfo, SearchPage, StopKind
from perdure.model.progress import RunProgress
from perdure.model.requests import ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EncodedValue, Message
from perdure.ports.inspector import HISTORY_LIMIT

SYSTEM_CHANNEL_PREFIX = "__IwfSystem_"


class _LoopReply:
    """A caller who awaits on a loop."""

    __slots__ = ("_box", "future")

    def __init__(self, future: asyncio.Future[Any], box: _Mailbox | None) -> None:
        self.future = future
        self._box = box

    def set_result(self, value: object) -> None:
        self._settle(value, None)

    def set_error(self, error: Exception) -> None:
        self._settle(None, error)

    def _settle(self, value: object, error: Exception | None) -> None:
        if self._box is None:
            _settle(self.future, value, error)
            return
        try:
            self._box.post((self.future, value, error))
        except RuntimeError:
            return  # The caller's loop is closed: nobody is there to hear it.


class _ThreadReply:
    """A caller whose thread waits: it has no loop."""

    __slots__ = ("_error", "_told", "_value", "told")

    def __init__(self) -> None:
        self.told = False
        self._value: object = None
        self._error: Exception | None = None
        self._told = Lock()  # held until there is an answer; an Event costs five times as much
        self._told.acquire()

    def set_result(self, value: object) -> None:
        self._value = value
        self._tell()

    def set_error(self, error: Exception) -> None:
        self._error = error
        self._tell()

    def _tell(self) -> None:
        self.told = True
        self._told.release()

    def wait(self) -> None:
        self._told.acquire()

    def answer(self) -> object:
        if self._error is not None:
            raise self._error
        return self._value


_Letter = tuple[asyncio.Future[Any], object, Exception | None]
_Mailbox = Postbox[_Letter]


class EmbeddedBackend:
    """A ``Backend`` and an ``Inspector`` over an engine in this process. Its methods may be awaited on any loop.

    Run in a thread that has no loop they never suspend: the thread waits, in the one ``send`` that
    runs them to their end.
    """

    def __init__(
        self,
        post: Callable[[Input], None],
        *,
        loop: asyncio.AbstractEventLoop,
        inspector: FileInspector,
        workflow_types: Collection[str] | None = None,
    ) -> None:
        """Serve callers.

        Args:
            post: hands something to the core, from any thread.
            loop: the engine's own; callers on others are answered over a mailbox of theirs.
            inspector: reads beside the core. Closed with this backend.
            workflow_types: the only ones that may be started; ``None``: any.
        """
        self._post = post
        self._inspector = inspector
        self._workflow_types = workflow_types
        self._loop = loop
        self._pid = os.getpid()
        self._mailboxes: dict[asyncio.AbstractEventLoop, _Mailbox] = {}
        self._threads: dict[_ThreadReply, None] = {}
        """Those that wait, each in its thread."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of process {self._pid}>"

    def close(self) -> None:
        """Tell who still waits in a thread that the engine is closed; to be called once it says no more."""
        self._inspector.close()
        for reply in list(self._threads):
            if not reply.told:
                reply.set_error(UnavailableError("the engine was closed before the question was answered"))

    async def start(self, request: StartRequest) -> RunId:
        check_ids(
            workflow_id=request.workflow_id,
            workflow_type=request.workflow_type,
            request_id=request.options.request_id,
        )
        _check_text(request.workflow_id, request.workflow_type, request.options.request_id)
        if self._workflow_types is not None:
            _check_type(request.workflow_type, self._workflow_types, workflow_id=request.workflow_id)
        return cast("RunId", await self._ask(lambda reply: Start(reply, request)))

    async def signal(self, workflow_id: WorkflowId, message: Message, *, run_id: RunId | None = None) -> None:
        if not message.channel:
            raise InvalidRequest("SignalName is not set on request.", workflow_id=workflow_id)
        if message.channel.startswith(SYSTEM_CHANNEL_PREFIX):
            text = f"found the signal channel {message.channel!r}, expected a name that does not begin with {SYSTEM_CHANNEL_PREFIX!r}"
            raise InvalidRequest(text, workflow_id=workflow_id)
        await self._change(workflow_id, run_id, SignalReceived(message.channel, message.value))

    async def publish(
        self, workflow_id: WorkflowId, messages: Sequence[Message], *, run_id: RunId | None = None
    ) -> None:
        await self._change(workflow_id, run_id, MessagesPublished(tuple(messages)))

    async def set_data_attributes(
        self, workflow_id: WorkflowId, attributes: Sequence[DataAttribute], *, run_id: RunId | None = None
    ) -> None:
        await self._change(workflow_id, run_id, AttributesSet(data=tuple(attributes)))

    async def set_search_attributes(
        self, workflow_id: WorkflowId, attributes: Sequence[SearchAttribute], *, run_id: RunId | None = None
    ) -> None:
        await self._change(workflow_id, run_id, AttributesSet(search=tuple(attributes)))

    async def get_data_attributes(
        self, workflow_id: WorkflowId, keys: Sequence[str] | None = None, *, run_id: RunId | None = None
    ) -> tuple[DataAttribute, ...]:
        _check_text(workflow_id, run_id)
        found = await self._ask(lambda reply: ReadData(reply, workflow_id, run_id, keys))
        return cast("tuple[DataAttribute, ...]", found)

    async def get_search_attributes(
        self,
        workflow_id: WorkflowId,
        keys: Sequence[tuple[str, SearchAttributeType]] | None = None,
        *,
        run_id: RunId | None = None,
    ) -> tuple[SearchAttribute, ...]:
        _check_text(workflow_id, run_id)
        found = await self._ask(lambda reply: ReadSearch(reply, workflow_id, run_id, keys))
        return cast("tuple[SearchAttribute, ...]", found)

    async def call_rpc(self, call: RpcCall) -> EncodedValue | None:
        _check_text(call.workflow_id, call.run_id)
        return cast("EncodedValue | None", await self._ask(lambda reply: CallRpc(reply, call)))

    async def describe(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunInfo:
        _check_text(workflow_id, run_id)
        return cast("RunInfo", await self._ask(lambda reply: Describe(reply, workflow_id, run_id)))

    async def wait_for_result(
        self, workflow_id: WorkflowId, *, run_id: RunId | None = None, wait_ms: int | None = None
    ) -> RunInfo:
        _check_text(workflow_id, run_id)
        found = await self._ask(lambda reply: WaitForResult(reply, workflow_id, run_id, wait_ms))
        return cast("RunInfo", found)

    async def wait_for_state(self, wait: StateWait, *, wait_ms: int | None = None) -> EncodedValue | None:
        _check_text(wait.workflow_id, wait.state_execution_id, wait.state_id, wait.key)
        found = await self._ask(lambda reply: WaitForState(reply, wait, wait_ms))
        return cast("EncodedValue | None", found)

    async def skip_timer(self, workflow_id: WorkflowId, timer: TimerRef, *, run_id: RunId | None = None) -> None:
        if not timer.timer_id and timer.index is None:
            raise InvalidRequest("must provide either a timerCommandId or index", workflow_id=workflow_id)
        await self._change(workflow_id, run_id, TimerSkipped(timer))

    async def stop(
        self,
        workflow_id: WorkflowId,
        kind: StopKind = StopKind.CANCEL,
        *,
        reason: str = "",
        run_id: RunId | None = None,
    ) -> None:
        _check_text(reason)
        await self._change(workflow_id, run_id, Stopped(kind, reason))

    async def reset(self, request: ResetRequest) -> RunId:
        _check_text(request.workflow_id, request.run_id, request.reason)
        return cast("RunId", await self._ask(lambda reply: Reset(reply, request)))

    async def erase(self, workflow_id: WorkflowId, *, reason: str = "") -> None:
        _check_text(workflow_id, reason)
        await self._ask(lambda reply: Erase(reply, workflow_id, reason))

    async def update_config(
        self, workflow_id: WorkflowId, config: WorkflowConfig, *, run_id: RunId | None = None
    ) -> None:
        await self._change(workflow_id, run_id, ConfigUpdated(config))

    async def search(self, query: str = "", *, page_size: int = 1000, page_token: str = "") -> SearchPage:
        _check_text(query, page_token)
        return cast("SearchPage", await self._ask(lambda reply: Search(reply, query, page_size, page_token)))

    async def history(
        self,
        workflow_id: WorkflowId,
        *,
        run_id: RunId | None = None,
        after_seq: int = 0,
        limit: int = HISTORY_LIMIT,
    ) -> tuple[HistoryEntry, ...]:
        _check_text(workflow_id, run_id)
        return await self._inspector.history(workflow_id, run_id=run_id, after_seq=after_seq, limit=limit)

    async def progress(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunProgress:
        _check_text(workflow_id, run_id)
        return await self._inspector.progress(workflow_id, run_id=run_id)

    async def dump(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunDump:
        _check_text(workflow_id, run_id)
        return await self._inspector.dump(workflow_id, run_id=run_id)

    async def _change(self, workflow_id: WorkflowId, run_id: RunId | None, event: Event) -> None:
        _check_text(workflow_id, run_id)
        await self._ask(lambda reply: Change(reply, workflow_id, run_id, event))

    async def _ask(self, make_input: Callable[[Reply], Input]) -> object:
        """Post a request and wait for its answer."""
        if os.getpid() != self._pid:
            raise UnavailableError(f"this engine belongs to process {self._pid}; open one after the fork, or serve one")
        loop = _running_loop()
        if loop is None:
            return self._ask_in_thread(make_input)
        reply = _LoopReply(loop.create_future(), None if loop is self._loop else self._mailbox(loop))
        self._post(make_input(reply))
        try:
            return await reply.future
        except asyncio.CancelledError:
            self._forget(reply)
            raise

    def _ask_in_thread(self, make_input: Callable[[Reply], Input]) -> object:
        reply = _ThreadReply()
        self._threads[reply] = None
        try:
            self._post(make_input(reply))
            reply.wait()
        except BaseException:  # interrupted, or the engine is closed
            self._forget(reply)
            raise
        finally:
            del self._threads[reply]
        return reply.answer()

    def _forget(self, reply: Reply) -> None:
        try:
            self._post(Forget(reply))
        except UnavailableError:
            return  # Closed meanwhile: there is nothing left to forget.

    def _mailbox(self, loop: asyncio.AbstractEventLoop) -> _Mailbox:
        box = self._mailboxes.get(loop)
        if box is None:
            for closed in [other for other in list(self._mailboxes) if other.is_closed()]:
                self._mailboxes.pop(closed, None)
            box = self._mailboxes[loop] = Postbox(loop, _hand_out)
        return box


def _running_loop() -> asyncio.AbstractEventLoop | None:
    # Apart, so that what is raised in a thread without one does not seem to come from the lack of it.
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _check_text(*texts: str | None) -> None:
    """Refuse text that no file can hold, such as half of a pair of UTF-16 surrogates."""
    for text in texts:
        if text is None or text.isascii():
            continue
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest(
                f"found {text!r}, expected text that can be written as UTF-8: {error.reason}"
            ) from None


def _check_type(found: WorkflowType, known: Collection[str], *, workflow_id: WorkflowId) -> None:
    """Refuse a workflow that nobody would run: its calls would fail for as long as they are tried."""
    if found not in known:
        runs = ", ".join(sorted(known)) or "none"
        raise InvalidRequest(
            f"found workflow type {found!r}, expected one of those that run here: {runs}.{did_you_mean(found, known)} "
            "What is to run is handed over where the file is opened: connect(url, Signup(…))",
            workflow_id=workflow_id,
        )


def _hand_out(letters: list[_Letter]) -> None:
    for future, value, error in letters:
        _settle(future, value, error)


def _settle(future: asyncio.Future[Any], value: object, error: Exception | None) -> None:
    if future.done():
        return  # The caller has gone.
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
