"""The embedded engine as an ``Inspector``: it reads the file beside the engine, and asks the engine nothing.

What the file says is durable, so the answer needs to wait for no commit; and whatever was acknowledged
is in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from perdure.engine.beside import Beside
from perdure.engine.calls import OpenCall
from perdure.engine.dump import dump_of, folded
from perdure.interpreter.codec import decode_event
from perdure.interpreter.narrator import Narrator
from perdure.interpreter.snapshot import Phase, Snapshot, StateSnapshot, WaitSnapshot
from perdure.model.dump import RunDump
from perdure.model.errors import InvalidRequest, WorkflowNotFound
from perdure.model.history import Fact, HistoryEntry
from perdure.model.ids import CallId, RunId, WorkflowId
from perdure.model.progress import Awaited, CallProgress, RunProgress, Standing, StateProgress
from perdure.ports.inspector import HISTORY_LIMIT
from perdure.store.reader import Reader
from perdure.store.rows import EventRow, RunRow, StoredRun

T = TypeVar("T")

_STANDING = {Phase.LOCKING: Standing.LOCKING, Phase.HELD: Standing.HELD, Phase.WAITING: Standing.WAITING}
_PAGE = 1_000


class FileInspector:
    """Reads runs on a connection of its own, which is opened when somebody asks the first time.

    On a loop it reads in a thread beside it; in a thread without a loop it never suspends.
    """

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._file = Beside(open_reader)

    def close(self) -> None:
        self._file.close()

    async def history(
        self,
        workflow_id: WorkflowId,
        *,
        run_id: RunId | None = None,
        after_seq: int = 0,
        limit: int = HISTORY_LIMIT,
    ) -> tuple[HistoryEntry, ...]:
        if after_seq < 0 or limit < 1:
            raise InvalidRequest(
                f"found after_seq {after_seq} and limit {limit}, expected 0 or more and 1 or more",
                workflow_id=workflow_id,
            )

        def read(reader: Reader) -> tuple[HistoryEntry, ...]:
            row = find_run(reader, workflow_id, run_id)
            told = tell(events_of(reader, row))
            return tuple(islice((entry for entry in told if entry.seq > after_seq), limit))

        return await self._read(read)

    async def progress(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunProgress:
        def read(reader: Reader) -> RunProgress:
            row = find_run(reader, workflow_id, run_id)
            if row.status.closed or row.quarantine is not None:
                return _shortly(row)
            return progress_of(_load(reader, row))

        return await self._read(read)

    async def dump(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunDump:
        def read(reader: Reader) -> RunDump:
            return dump_of(_load(reader, find_run(reader, workflow_id, run_id)))

        return await self._read(read)

    async def _read(self, question: Callable[[Reader], T]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._file.ask(question)
        return await asyncio.to_thread(self._file.ask, question)


def find_run(reader: Reader, workflow_id: WorkflowId, run_id: RunId | None) -> RunRow:
    """Return the row of a run as the file has it.

    Raises:
        WorkflowNotFound: there is none.
    """
    found = reader.current_runs([workflow_id]).get(workflow_id) if run_id is None else reader.runs([run_id]).get(run_id)
    if found is not None and found.workflow_id == workflow_id:
        return found
    text = f"workflow not found for ID: {workflow_id}"
    if run_id is not None:
        text = f'workflow execution not found for workflow ID "{workflow_id}" and run ID "{run_id}"'
    raise WorkflowNotFound(text, workflow_id=workflow_id, run_id=run_id or "")


def _load(reader: Reader, row: RunRow) -> StoredRun:
    stored = reader.load([row.key]).get(row.key)
    if stored is None:  # its retention was over just now
        raise WorkflowNotFound(f"workflow not found for ID: {row.workflow_id}", workflow_id=row.workflow_id)
    return stored


def events_of(reader: Reader, row: RunRow) -> Iterator[EventRow]:
    """Give a journal from its beginning on, a page at a time."""
    after = 0
    while page := reader.journal(row.key, after=after, limit=_PAGE):
        yield from page
        after = page[-1].seq


def tell(rows: Iterable[EventRow]) -> Iterator[HistoryEntry]:
    """Tell a journal from its beginning on. An event that cannot be read is shown as that, and ends nothing."""
    narrator, seq = Narrator(), 0
    for row in rows:
        try:
            facts, values = narrator.tell(decode_event(row.event), row.at_ms)
        except Exception as error:  # noqa: BLE001 - a broken journal is what an operator most wants to see
            facts, values = (Fact("unreadable", f"{type(error).__name__}: {error}"),), ()
        if row.seq > seq + 1:
            facts = (Fact("pruned", f"events {seq + 1} to {row.seq - 1} are no longer kept"), *facts)
        seq = row.seq
        yield HistoryEntry(row.seq, row.at_ms, row.event.kind, row.actor, row.reason, facts, values)


def progress_of(stored: StoredRun) -> RunProgress:
    """Return what an open run is about.

    Raises:
        InternalError: its journal cannot be folded.
    """
    row = stored.row
    run, began = folded(stored)
    snapshot = run.execution.snapshot()
    kept = {call.call_id: call for call in stored.calls}
    calls = {
        invoke.call_id: OpenCall(
            row.key, invoke, first_ms=began.get(invoke.call_id, row.started_ms), row=kept.get(invoke.call_id)
        )
        for invoke in run.execution.outstanding()
    }
    return RunProgress(
        row.workflow_id,
        row.run_id,
        row.status,
        row.events,
        begins_ms=snapshot.begins_at_ms,
        expires_ms=snapshot.expires_at_ms,
        wakes_ms=row.deadline_ms,
        states=tuple(_state(state, calls) for state in _in_order(snapshot)),
        rpcs_count=len(snapshot.rpcs),
    )


def _shortly(row: RunRow) -> RunProgress:
    return RunProgress(row.workflow_id, row.run_id, row.status, row.events, quarantine=row.quarantine)


def _in_order(snapshot: Snapshot) -> tuple[StateSnapshot, ...]:
    return tuple(sorted(snapshot.states, key=lambda state: state.number))


def _state(state: StateSnapshot, calls: dict[CallId, OpenCall]) -> StateProgress:
    name, state_id = state.id, state.movement.state_id
    if state.call_id is not None:
        call = calls[state.call_id]
        standing = Standing.CALLING if call.next_ms is None else Standing.RETRYING
        return StateProgress(name, state_id, standing, _call(call))
    if state.wait is not None:
        wait = state.wait.wait
        return StateProgress(name, state_id, Standing.WAITING, None, wait.mode, _awaited(state.wait), wait.combinations)
    return StateProgress(name, state_id, _STANDING[state.phase])


def _call(call: OpenCall) -> CallProgress:
    invoke = call.invoke
    return CallProgress(
        invoke.call.method, call.attempt, invoke.retry.maximum_attempts, call.first_ms, call.next_ms, call.errors
    )


def _awaited(wait: WaitSnapshot) -> tuple[Awaited, ...]:
    parts = zip(wait.wait.conditions, wait.met, wait.deadlines_ms, strict=True)
    return tuple(Awaited(condition, met, due_ms) for condition, met, due_ms in parts)
