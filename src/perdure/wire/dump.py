"""``internal/dump``: what a run remembers, in iWF's layout, a page at a time.

iWF's server hands a run over to itself by this call; here nothing does, and people and their tools read it.
Where the two differ in what there is: every state execution that has not ended stands among those to resume,
one that waits for nothing too. ``Config`` and ``FiringTimersUnixTimestamps`` are ours.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition
from perdure.model.dump import DumpedState, DumpedWait, RunDump
from perdure.model.errors import InvalidRequest
from perdure.model.requests import TimerRef
from perdure.model.value import EncodedValue
from perdure.wire import document
from perdure.wire.client_side import encode_config
from perdure.wire.requests import Dump
from perdure.wire.responses import encode_state_output
from perdure.wire.values import encode_data, encode_search, encode_value
from perdure.wire.worker_side import encode_step, encode_wait

Fields = dict[str, Any]

_NO_UTF8 = re.compile("[\udc80-\udcff]")


def encode_page(dump: RunDump, request: Dump) -> Fields:
    """Return the page that was asked for.

    Raises:
        InvalidRequest: there is no such page.
    """
    data = document.write_ascii(encode_dump(dump))
    pages = -(-len(data) // request.page_bytes)
    if not 0 <= request.page < pages:
        raise InvalidRequest(
            f"pageNum is {request.page}, expected 0 to {pages - 1}", workflow_id=request.target.workflow_id
        )
    return {
        "checksum": checksum(data),
        "totalPages": pages,
        "jsonData": data[request.page * request.page_bytes : (request.page + 1) * request.page_bytes],
    }


def checksum(data: str) -> str:
    """iWF: the bytes of the MD5 of all pages, taken for text. What is no UTF-8 in it becomes U+FFFD, byte by byte."""
    digest = hashlib.md5(data.encode(), usedforsecurity=False).digest()
    return _NO_UTF8.sub("\ufffd", digest.decode("utf-8", "surrogateescape"))


def encode_dump(dump: RunDump) -> Fields:
    executing = Counter(state.movement.state_id for state in dump.states)
    return {
        "StatesToStartFromBeginning": [encode_step(movement) for movement in dump.queued] or None,
        "StateExecutionsToResume": {state.id: _encode_state(state) for state in dump.states},
        "InterStateChannelReceived": _encode_channels(dump, ChannelKind.INTERNAL),
        "SignalsReceived": _encode_channels(dump, ChannelKind.SIGNAL),
        "StateExecutionCounterInfo": {
            "StateIdStartedCount": dict(dump.started_counts),
            "StateIdCurrentlyExecutingCount": dict(executing),
            "TotalCurrentlyExecutingCount": len(dump.states),
        },
        "StateOutputs": [encode_state_output(output) for output in dump.outputs] or None,
        "StaleSkipTimerSignals": [_encode_skip(skip) for skip in dump.skips] or None,
        "DataObjects": encode_data(dump.data) or None,
        "SearchAttributes": encode_search(dump.search) or None,
        "Config": encode_config(dump.config),
        "FiringTimersUnixTimestamps": sorted(_timers_seconds(dump)),
    }


def _encode_state(state: DumpedState) -> Fields:
    fields: Fields = {
        "stateExecutionId": state.id,
        "state": encode_step(state.movement),
        "stateExecutionCompletedCommands": {
            "completedTimerCommands": {},
            "completedSignalCommands": {},
            "completedInterStateChannelCommands": {},
        },
        "commandRequest": {},
        "stateExecutionLocals": encode_data(state.locals) or None,
    }
    if state.wait is not None:
        fields["commandRequest"] = encode_wait(_with_moments(state.wait))
        fields["stateExecutionCompletedCommands"] = {
            "completedTimerCommands": _by_place(state.wait, TimerCondition, None, _timer_status),
            "completedSignalCommands": _by_place(state.wait, ChannelCondition, ChannelKind.SIGNAL, _taken),
            "completedInterStateChannelCommands": _by_place(state.wait, ChannelCondition, ChannelKind.INTERNAL, _taken),
        }
    return fields


def _with_moments(wait: DumpedWait) -> Any:
    """Return the wait with its timers as moments: a duration would say nothing of when it began."""
    conditions = tuple(
        replace(condition, duration_ms=None, at_ms=due_ms) if isinstance(condition, TimerCondition) else condition
        for condition, due_ms in zip(wait.wait.conditions, wait.due_ms, strict=True)
    )
    return replace(wait.wait, conditions=conditions)


def _by_place(
    wait: DumpedWait,
    condition_type: type[TimerCondition | ChannelCondition],
    kind: ChannelKind | None,
    tell: Callable[[DumpedWait, int], Any],
) -> Fields:
    """Tell of each condition of a kind that there is something to tell of, by its place among its kind."""
    places = [
        index
        for index, condition in enumerate(wait.wait.conditions)
        if isinstance(condition, condition_type) and getattr(condition, "kind", None) is kind
    ]
    told = {str(place): tell(wait, index) for place, index in enumerate(places)}
    return {place: what for place, what in told.items() if what is not None}


def _timer_status(wait: DumpedWait, index: int) -> str:
    if wait.skipped[index]:
        return "Skipped"
    return "Fired" if wait.met[index] else "Pending"


def _taken(wait: DumpedWait, index: int) -> Any:
    """iWF has one message for each command; a command that takes several has a list of them."""
    if not wait.met[index]:
        return None
    values = _encode_messages(wait.taken[index])
    return values[0] if len(values) == 1 else values


def _encode_channels(dump: RunDump, kind: ChannelKind) -> Fields:
    return {channel.name: _encode_messages(channel.messages) for channel in dump.channels if channel.kind is kind}


def _encode_messages(messages: Sequence[EncodedValue | None]) -> list[Fields | None]:
    return [None if message is None else encode_value(message) for message in messages]


def _encode_skip(skip: TimerRef) -> Fields:
    return {
        "StateExecutionId": skip.state_execution_id,
        "TimerCommandId": skip.timer_id or "",
        "TimerCommandIndex": skip.index or 0,
    }


def _timers_seconds(dump: RunDump) -> Iterator[int]:
    """Give the moments of the timers that have not fired yet."""
    for state in dump.states:
        if state.wait is not None:
            for due_ms, met in zip(state.wait.due_ms, state.wait.met, strict=True):
                if due_ms is not None and not met:
                    yield -(-due_ms // 1_000)
