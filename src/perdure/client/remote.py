"""Workflows that run elsewhere as a ``Backend``: what ``server`` does to one, the other way round.

How requests get there is a ``Transport``'s business: over HTTP (``http``), or as ``sharing`` does.

What the protocol has no form for goes over its reserved key (``wire.extension``), so a server of ours
is as good as an engine in this process but for durations: those of starts and of states count whole
seconds, rounded up. A plain iWF server also tells no types and times of runs, finds no search attributes unless
their keys are named, and cannot be asked what is inside of a run.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.errors import InternalError, InvalidRequest, PerdureError, UnavailableError, WaitTimedOut
from perdure.model.history import HistoryEntry
from perdure.model.ids import RunId, WorkflowId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import Outcome, RunInfo, SearchPage, StopKind
from perdure.model.progress import RunProgress
from perdure.model.requests import ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EncodedValue, Message
from perdure.ports.inspector import HISTORY_LIMIT
from perdure.wire import client_side, document, inspection
from perdure.wire.client_side import Fields, encode_target
from perdure.wire.document import Malformed
from perdure.wire.paths import Call, OwnCall, path_of

ANSWER_SECONDS = 30.0
"""For a call that does not wait for anything."""
RPC_SECONDS = 60.0
"""For an RPC without a timeout of its own: iWF's cap."""
GRACE_SECONDS = 10.0
"""Beyond the time a call may take on the server, before its answer is given up."""
POLL_MS = 30_000
"""One request of a wait: short enough for what stands between and closes what is silent for a minute."""
POLL_SECONDS_MIN = 0.05
"""A server that ends polls at once, because it is about to stop, is not asked more often than so."""
PATIENCE_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0

T = TypeVar("T")


class Unsent(UnavailableError):
    """No connection came about: nobody can have seen the request, so it may be sent again."""


class Transport(Protocol):
    """Carries requests of the protocol: a path and a body there, a status and a body back."""

    needs_worker_url: bool
    """Whether runs started at the other end need to be told where their worker is."""

    @property
    def name(self) -> str:
        """What is at the other end, for people."""
        ...

    async def send(self, path: str, body: bytes, *, seconds: float) -> tuple[int, bytes]:
        """Return the status and the body of the answer; may be awaited on any loop.

        Args:
            seconds: how long it may take altogether.

        Raises:
            Unsent: nobody has seen the request.
            UnavailableError: whether it was seen is not known.
        """
        ...

    async def close(self) -> None:
        """Close all connections; who still waits gets ``UnavailableError``. Harmless to repeat."""
        ...


class RemoteBackend:
    """Runs workflows elsewhere, over iWF's protocol; an ``Inspector`` too, if Perdure runs there.

    Its methods may be awaited on any loop. A request that nobody can have seen is sent again, with longer and longer pauses, and so is
    one that may be repeated: a read, a wait, a start with a request id. Any other is sent once.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        worker_url: str = "",
        patience_seconds: float = PATIENCE_SECONDS,
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        """Send nothing yet.

        Args:
            transport: closed with this backend.
            worker_url: where the worker is of what is started without saying it.
            patience_seconds: how long a request is sent again that may be.
            monotonic_ms: counts the waits.
        """
        self._transport = transport
        self._worker_url = worker_url
        self._patience_seconds = patience_seconds
        self._monotonic_ms = monotonic_ms
        self._closed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._transport.name}>"

    async def close(self) -> None:
        """Close all connections; who still waits gets ``UnavailableError``. Harmless to repeat."""
        self._closed = True
        await self._transport.close()

    async def start(self, request: StartRequest) -> RunId:
        worker_url = request.worker_url or self._worker_url
        if not worker_url and self._transport.needs_worker_url:
            raise InvalidRequest(
                f"workflow {request.workflow_id!r} is started on {self._transport.name} without a worker_url, expected the URL at "
                'which that server finds the worker: connect("http://…", worker_url="http://…"), or start(…, worker_url=…)',
                workflow_id=request.workflow_id,
            )
        fields = client_side.encode_start(request, worker_url=worker_url)
        options = request.options
        body = await self._ask(
            Call.START,
            fields,
            workflow_id=request.workflow_id,
            repeatable=options.ignore_already_started and options.request_id is not None,
        )
        return _read(client_side.decode_run_id, body)

    async def signal(self, workflow_id: WorkflowId, message: Message, *, run_id: RunId | None = None) -> None:
        await self._ask_run(Call.SIGNAL, workflow_id, run_id, client_side.encode_signal(message))

    async def publish(
        self, workflow_id: WorkflowId, messages: Sequence[Message], *, run_id: RunId | None = None
    ) -> None:
        await self._ask_run(Call.PUBLISH, workflow_id, run_id, client_side.encode_publish(messages))

    async def set_data_attributes(
        self, workflow_id: WorkflowId, attributes: Sequence[DataAttribute], *, run_id: RunId | None = None
    ) -> None:
        await self._ask_run(Call.SET_DATA, workflow_id, run_id, client_side.encode_set_data(attributes))

    async def set_search_attributes(
        self, workflow_id: WorkflowId, attributes: Sequence[SearchAttribute], *, run_id: RunId | None = None
    ) -> None:
        await self._ask_run(Call.SET_SEARCH, workflow_id, run_id, client_side.encode_set_search(attributes))

    async def get_data_attributes(
        self, workflow_id: WorkflowId, keys: Sequence[str] | None = None, *, run_id: RunId | None = None
    ) -> tuple[DataAttribute, ...]:
        fields = client_side.encode_get_data(keys)
        body = await self._ask_run(Call.GET_DATA, workflow_id, run_id, fields, repeatable=True)
        found = _read(client_side.decode_data_attributes, body)
        return () if keys is not None and not keys else found  # on the wire no keys are all of them

    async def get_search_attributes(
        self,
        workflow_id: WorkflowId,
        keys: Sequence[tuple[str, SearchAttributeType]] | None = None,
        *,
        run_id: RunId | None = None,
    ) -> tuple[SearchAttribute, ...]:
        fields = client_side.encode_get_search(keys)
        body = await self._ask_run(Call.GET_SEARCH, workflow_id, run_id, fields, repeatable=True)
        found = _read(client_side.decode_search_attributes, body)
        return () if keys is not None and not keys else found

    async def call_rpc(self, call: RpcCall) -> EncodedValue | None:
        seconds = RPC_SECONDS if call.timeout_ms is None else call.timeout_ms / 1_000
        fields = client_side.encode_rpc(call)
        body = await self._ask_run(Call.RPC, call.workflow_id, call.run_id, fields, seconds=seconds)
        return _read(client_side.decode_rpc_output, body)

    async def describe(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunInfo:
        fields = client_side.encode_describe()
        body = await self._ask_run(Call.GET, workflow_id, run_id, fields, repeatable=True)
        info = _read(lambda text: client_side.decode_run(text, workflow_id), body)
        if not info.status.closed or info.outcome is not None:
            return info
        return await self._with_outcome(info)

    async def wait_for_result(
        self, workflow_id: WorkflowId, *, run_id: RunId | None = None, wait_ms: int | None = None
    ) -> RunInfo:
        body = await self._poll(Call.GET_WITH_WAIT, encode_target(workflow_id, run_id), wait_ms)
        return _read(lambda text: client_side.decode_result(text, workflow_id), body)

    async def wait_for_state(self, wait: StateWait, *, wait_ms: int | None = None) -> EncodedValue | None:
        body = await self._poll(Call.WAIT_FOR_STATE, client_side.encode_state_wait(wait), wait_ms)
        return _read(client_side.decode_state_completion, body)

    async def skip_timer(self, workflow_id: WorkflowId, timer: TimerRef, *, run_id: RunId | None = None) -> None:
        await self._ask_run(Call.SKIP_TIMER, workflow_id, run_id, client_side.encode_skip_timer(timer))

    async def stop(
        self,
        workflow_id: WorkflowId,
        kind: StopKind = StopKind.CANCEL,
        *,
        reason: str = "",
        run_id: RunId | None = None,
    ) -> None:
        await self._ask_run(Call.STOP, workflow_id, run_id, client_side.encode_stop(kind, reason))

    async def reset(self, request: ResetRequest) -> RunId:
        fields = client_side.encode_reset(request)
        return _read(
            client_side.decode_run_id, await self._ask_run(Call.RESET, request.workflow_id, request.run_id, fields)
        )

    async def erase(self, workflow_id: WorkflowId, *, reason: str = "") -> None:
        await self._ask_run(OwnCall.ERASE, workflow_id, None, inspection.encode_erase_request(reason))

    async def update_config(
        self, workflow_id: WorkflowId, config: WorkflowConfig, *, run_id: RunId | None = None
    ) -> None:
        await self._ask_run(Call.UPDATE_CONFIG, workflow_id, run_id, client_side.encode_update_config(config))

    async def search(self, query: str = "", *, page_size: int = 1000, page_token: str = "") -> SearchPage:
        fields = client_side.encode_search_runs(query, page_size=page_size, page_token=page_token)
        return _read(client_side.decode_search_page, await self._ask(Call.SEARCH, fields, repeatable=True))

    async def history(
        self,
        workflow_id: WorkflowId,
        *,
        run_id: RunId | None = None,
        after_seq: int = 0,
        limit: int = HISTORY_LIMIT,
    ) -> tuple[HistoryEntry, ...]:
        told: list[HistoryEntry] = []
        while True:
            # A server answers with a page at most.
            fields = inspection.encode_history_request(after_seq=after_seq, limit=limit - len(told))
            body = await self._ask_run(OwnCall.HISTORY, workflow_id, run_id, fields, repeatable=True)
            page = _read(inspection.decode_history, body)
            told += page
            if not page or len(told) >= limit:
                return tuple(told)
            after_seq = page[-1].seq

    async def progress(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunProgress:
        body = await self._ask_run(OwnCall.PROGRESS, workflow_id, run_id, {}, repeatable=True)
        return _read(lambda text: inspection.decode_progress(text, workflow_id), body)

    async def _with_outcome(self, info: RunInfo) -> RunInfo:
        """Ask a plain iWF server for what its short answer leaves out; best effort, for it may tell a later run's."""
        fields = client_side.encode_describe(needs_results=True)
        try:
            body = await self._ask_run(Call.GET, info.workflow_id, info.run_id, fields, seconds=RPC_SECONDS)
            told = _read(lambda text: client_side.decode_result(text, info.workflow_id), body)
        except (WaitTimedOut, InternalError):
            told = info
        same = told.status is info.status and told.outcome is not None
        outcome = told.outcome if same else Outcome(info.status)
        return RunInfo(
            info.workflow_id, info.run_id, info.workflow_type, info.status, info.started_ms, info.closed_ms, outcome
        )

    # Requests

    async def _poll(self, call: Call, fields: Fields, wait_ms: int | None) -> bytes:
        """Wait in portions: a server ends each wait when it likes, and no connection is silent for ever."""
        loop = asyncio.get_running_loop()
        until_ms = None if wait_ms is None else self._monotonic_ms() + wait_ms
        while True:
            left_ms = POLL_MS if until_ms is None else max(0, min(POLL_MS, until_ms - self._monotonic_ms()))
            asked_at = loop.time()
            try:
                return await self._ask(
                    call,
                    {**fields, **client_side.encode_wait(left_ms)},
                    workflow_id=fields["workflowId"],
                    run_id=fields.get("workflowRunId", ""),
                    seconds=left_ms / 1_000,
                    repeatable=True,
                )
            except WaitTimedOut:
                if until_ms is not None and self._monotonic_ms() >= until_ms:
                    raise
            await asyncio.sleep(max(0.0, asked_at + POLL_SECONDS_MIN - loop.time()))

    async def _ask_run(
        self,
        call: Call | OwnCall,
        workflow_id: WorkflowId,
        run_id: RunId | None,
        fields: Fields,
        *,
        seconds: float = ANSWER_SECONDS,
        repeatable: bool = False,
    ) -> bytes:
        target = encode_target(workflow_id, run_id)
        return await self._ask(
            call,
            {**target, **fields},
            workflow_id=workflow_id,
            run_id=run_id or "",
            seconds=seconds,
            repeatable=repeatable,
        )

    async def _ask(
        self,
        call: Call | OwnCall,
        fields: Fields,
        *,
        workflow_id: str = "",
        run_id: str = "",
        seconds: float = ANSWER_SECONDS,
        repeatable: bool = False,
    ) -> bytes:
        """Return the body of the answer.

        Args:
            seconds: how long the server may take.
            repeatable: whether it does no harm if the server sees it twice.
        """
        body = _written(fields)
        loop = asyncio.get_running_loop()
        began_at, attempts = loop.time(), 0
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            attempts += 1
            try:
                status, told = await self._transport.send(path_of(call), body, seconds=seconds + GRACE_SECONDS)
            except Unsent as error:
                failure: PerdureError = error
            except UnavailableError as error:
                if not repeatable:
                    raise
                failure = error
            else:
                if status == 200:
                    return told
                if status == 404 and isinstance(call, OwnCall):
                    raise InvalidRequest(
                        f"{self._transport.name} is no Perdure server, or of an earlier release: it does not know {path_of(call)}, "
                        "and iWF's protocol has no call for it",
                        workflow_id=workflow_id,
                    )
                failure = client_side.decode_error(status, told, workflow_id=workflow_id, run_id=run_id)
                if status < 500 or not repeatable:
                    raise failure
            # Not all of those whose server was away come back at the same moment.
            pause = pause_seconds * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            if self._closed or loop.time() + pause > began_at + self._patience_seconds:
                if isinstance(failure, Unsent):
                    raise _unreached(failure, attempts=attempts, seconds=loop.time() - began_at) from failure.__cause__
                raise failure
            await asyncio.sleep(pause)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


def _unreached(last: Unsent, *, attempts: int, seconds: float) -> UnavailableError:
    """Return what a caller is told who does not know how often a request was tried."""
    times = "once" if attempts == 1 else f"{attempts} times in {seconds:.1f} s"
    return UnavailableError(f"{last} Tried {times}; nothing was sent")


def _written(fields: Fields) -> bytes:
    try:
        return document.write(fields)
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"found {error.object[error.start : error.end]!r} in the request, expected text that can be written as UTF-8"
        ) from None


def _read(decode: Callable[[bytes], T], body: bytes) -> T:
    try:
        return decode(body)
    except Malformed as error:
        raise UnavailableError(f"found an answer that {error}, expected one of a Perdure or iWF server") from error
