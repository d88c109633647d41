"""Going back to an earlier moment of a run: which moment, and what is handed over again (iWF 7).

Pure: computes over a journal; the core makes the new run of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from perdure.interpreter.codec import decode_event
from perdure.interpreter.effects import Effect, Invoke
from perdure.interpreter.events import (
    AttributesSet,
    ConfigUpdated,
    Erased,
    Event,
    MessagesPublished,
    Resumed,
    RpcClosed,
    RpcOpened,
    RpcWrote,
    SignalReceived,
    TimerSkipped,
)
from perdure.interpreter.execution import Execution
from perdure.interpreter.snapshot import Snapshot
from perdure.model.errors import InvalidRequest
from perdure.model.requests import ResetKind, ResetRequest, RpcCall
from perdure.store.rows import EventRow

NO_SUCH_MOMENT = "Get historyEventId failed, no historyEventId"
NO_SUCH_EVENT = "Workflow task finish ID must be > 1 && <= workflow last event ID."

FIRST_STEP_ID = 4
"""iWF: the event id that ends the first step. It has three events where a journal has one, its first."""

_HANDED_OVER = SignalReceived | MessagesPublished | AttributesSet | RpcWrote | TimerSkipped | ConfigUpdated


@dataclass(frozen=True, slots=True)
class Past:
    """What a reset keeps of a run."""

    snapshot: Snapshot
    handed_over: tuple[Event, ...]
    """What callers sent later, to happen again in its order."""
    asked_again: tuple[RpcCall, ...] = ()
    """Locking RPCs that wrote something later, or were still to be asked again by an earlier reset:
    their methods are called once more (iWF 7)."""


def go_back(rows: Sequence[EventRow], request: ResetRequest) -> Past:
    """Fold a run's journal up to the moment asked for.

    Args:
        rows: the whole journal, as far as it is still kept: from the beginning of a segment on.

    Raises:
        InvalidRequest: there is no such moment in it, or it is no longer kept.
    """
    if not rows:
        raise InvalidRequest("the history of this run is no longer kept")
    events = [decode_event(row.event) for row in rows]
    if isinstance(events[-1], Erased):
        raise InvalidRequest("the values of this run were erased, expected a run that can be gone on with")
    kept = _events_kept(rows, events, request)
    if kept > 1 and _ends(rows[:kept], events[:kept]):
        kept -= 1  # Beyond its end there is nothing to go on with.
    execution = Execution()
    for row, event in zip(rows[:kept], events[:kept], strict=True):
        execution.handle(event, row.at_ms)
    later = events[kept:]
    handed_over = () if request.skip_signals else tuple(event for event in later if isinstance(event, _HANDED_OVER))
    asked_again = () if request.skip_locked_rpcs else (*execution.asked_again, *_locking_rpcs(later))
    return Past(execution.snapshot(), handed_over, asked_again)


def _ends(rows: Sequence[EventRow], events: Sequence[Event]) -> bool:
    execution = Execution()
    for row, event in zip(rows, events, strict=True):
        execution.handle(event, row.at_ms)
    return execution.closed


def _events_kept(rows: Sequence[EventRow], events: Sequence[Event], request: ResetRequest) -> int:
    match request.kind:
        case ResetKind.BEGINNING:
            return _kept_by_seq(rows, 1)
        case ResetKind.HISTORY_EVENT_ID:
            return _kept_by_id(rows, request.event_id)
        case ResetKind.HISTORY_EVENT_TIME:
            return _kept_by_seq(rows, 1) if request.time_ms is None else _kept_by_time(rows, request.time_ms)
        case ResetKind.STATE_ID | ResetKind.STATE_EXECUTION_ID:
            return _kept_by_state(rows, events, request)
        case _:
            assert_never(request.kind)


def _no_longer_kept(rows: Sequence[EventRow]) -> InvalidRequest:
    return InvalidRequest(
        f"the history of this run is kept from event {rows[0].seq} on, and the moment asked for may be earlier: "
        "go back to a later one"
    )


def _kept_by_seq(rows: Sequence[EventRow], seq: int) -> int:
    if seq < rows[0].seq:
        raise _no_longer_kept(rows)
    return seq - rows[0].seq + 1


def _kept_by_id(rows: Sequence[EventRow], event_id: int | None) -> int:
    if event_id is None or event_id <= 1 or event_id - FIRST_STEP_ID >= rows[-1].seq:
        raise InvalidRequest(NO_SUCH_EVENT)
    return _kept_by_seq(rows, max(1, event_id - FIRST_STEP_ID + 1))


def _kept_by_time(rows: Sequence[EventRow], time_ms: int) -> int:
    for count, row in enumerate(rows, 1):
        if row.at_ms >= time_ms:
            if count == 1 and row.seq > 1:
                raise _no_longer_kept(rows)
            return count
    raise InvalidRequest(NO_SUCH_MOMENT)


def _kept_by_state(rows: Sequence[EventRow], events: Sequence[Event], request: ResetRequest) -> int:
    """Return how many events it took until the state was first called."""
    if rows[0].seq > 1 and isinstance(events[0], Resumed) and _has_begun(events[0].snapshot, request):
        raise _no_longer_kept(rows)
    execution = Execution()
    for count, (row, event) in enumerate(zip(rows, events, strict=True), 1):
        if _calls_state(execution.handle(event, row.at_ms), request):
            return count
    raise InvalidRequest(NO_SUCH_MOMENT)


def _has_begun(snapshot: Snapshot, request: ResetRequest) -> bool:
    """Whether the state was entered before the snapshot was taken."""
    counts = dict(snapshot.state_counts)
    if request.kind is ResetKind.STATE_ID:
        return request.state_id in counts
    return any(request.state_execution_id == f"{name}-{n}" for name, most in counts.items() for n in range(1, most + 1))


def _calls_state(effects: Iterable[Effect], request: ResetRequest) -> bool:
    calls = [effect.call for effect in effects if isinstance(effect, Invoke)]
    if request.kind is ResetKind.STATE_ID:
        return any(call.state_id == request.state_id for call in calls)
    return any(call.state_execution_id == request.state_execution_id for call in calls)


def _locking_rpcs(events: Iterable[Event]) -> Iterable[RpcCall]:
    opened: dict[int, RpcCall] = {}
    for event in events:
        # Those opened again were all still to be asked at the moment gone back to.
        if isinstance(event, RpcOpened) and event.call is not None and not event.again:
            opened[event.number] = event.call
        elif isinstance(event, RpcClosed) and event.answer is not None and event.number in opened:
            yield opened[event.number]
