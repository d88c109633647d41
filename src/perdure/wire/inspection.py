"""Perdure's own calls, which iWF does not have: what is inside of a run, and erasing. Both sides, both ways.

They stand below a path of their own, so that none of iWF's means anything else; moments are
milliseconds, as everywhere in what Perdure tells Perdure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perdure.model.calls import StateMethod
from perdure.model.conditions import ChannelCondition, ChannelKind, Condition, TimerCondition, WaitMode
from perdure.model.history import Fact, HistoryEntry, NamedValue
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.model.progress import Awaited, CallProgress, RunProgress, Standing, StateProgress
from perdure.ports.inspector import HISTORY_LIMIT
from perdure.wire import document
from perdure.wire.document import Malformed
from perdure.wire.protocol import ENCODED_OBJECT, FLAG, INT64, TEXT, TEXTS
from perdure.wire.requests import Target, target_of
from perdure.wire.shape import Choice, ListOf, Object
from perdure.wire.values import decode_value, encode_value

Fields = dict[str, Any]

HISTORY = Object({"workflowId": TEXT, "workflowRunId": TEXT, "afterSeq": INT64, "limit": INT64}, always=("workflowId",))
PROGRESS = Object({"workflowId": TEXT, "workflowRunId": TEXT}, always=("workflowId",))

_FACT = Object({"name": TEXT, "text": TEXT}, always=("name", "text"))
_NAMED_VALUE = Object({"name": TEXT, "value": ENCODED_OBJECT}, always=("name", "value"))
_ENTRY = Object(
    {
        "seq": INT64,
        "atMs": INT64,
        "kind": TEXT,
        "actor": TEXT,
        "reason": TEXT,
        "facts": ListOf(_FACT),
        "values": ListOf(_NAMED_VALUE),
    },
    always=("seq", "atMs", "kind", "actor", "reason", "facts", "values"),
)
ENTRIES = Object({"entries": ListOf(_ENTRY)}, always=("entries",))

_CONDITION = Object(
    {
        "channel": TEXT,
        "kind": Choice("ChannelKind", *ChannelKind),
        "id": TEXT,
        "atLeast": INT64,
        "atMost": INT64,
        "durationMs": INT64,
        "atMs": INT64,
        "wholeSeconds": FLAG,
        "met": FLAG,
        "dueMs": INT64,
    },
    always=("id", "met"),
)
_CALL = Object(
    {
        "method": Choice("StateMethod", *StateMethod),
        "attempt": INT64,
        "attemptsMax": INT64,
        "firstMs": INT64,
        "nextMs": INT64,
        "errors": TEXTS,
    },
    always=("attempt", "attemptsMax", "firstMs", "errors"),
)
_STATE = Object(
    {
        "stateExecutionId": TEXT,
        "stateId": TEXT,
        "standing": Choice("Standing", *Standing),
        "call": _CALL,
        "mode": Choice("WaitMode", *WaitMode),
        "awaits": ListOf(_CONDITION),
        "combinations": ListOf(TEXTS),
    },
    always=("stateExecutionId", "stateId", "awaits", "combinations"),
)
RUN = Object(
    {
        "workflowRunId": TEXT,
        "workflowStatus": Choice("WorkflowStatus", *RunStatus),
        "eventsCount": INT64,
        "beginsMs": INT64,
        "expiresMs": INT64,
        "wakesMs": INT64,
        "states": ListOf(_STATE),
        "rpcsCount": INT64,
        "quarantine": TEXT,
    },
    always=("workflowRunId", "eventsCount", "states", "rpcsCount"),
)

ERASE = Object({"workflowId": TEXT, "reason": TEXT}, always=("workflowId", "reason"))


@dataclass(frozen=True, slots=True)
class EraseRequest:
    workflow_id: WorkflowId
    reason: str


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    target: Target
    after_seq: int
    limit: int


# What is asked


def encode_history_request(*, after_seq: int, limit: int) -> Fields:
    """The fields beside those that name the run."""
    return {"afterSeq": after_seq, "limit": limit}


def decode_history_request(body: bytes) -> HistoryRequest:
    fields = HISTORY.read(document.read(body))
    return HistoryRequest(target_of(fields), fields.get("afterSeq", 0), fields.get("limit", HISTORY_LIMIT))


def decode_progress_request(body: bytes) -> Target:
    return target_of(PROGRESS.read(document.read(body)))


def encode_erase_request(reason: str) -> Fields:
    """The fields beside that which names the workflow."""
    return {"reason": reason}


def decode_erase_request(body: bytes) -> EraseRequest:
    fields = ERASE.read(document.read(body))
    return EraseRequest(target_of(fields).workflow_id, fields["reason"])


# What is told


def encode_history(entries: Sequence[HistoryEntry]) -> Fields:
    return {"entries": [_encode_entry(entry) for entry in entries]}


def _encode_entry(entry: HistoryEntry) -> Fields:
    return {
        "seq": entry.seq,
        "atMs": entry.at_ms,
        "kind": entry.kind,
        "actor": entry.actor,
        "reason": entry.reason,
        "facts": [{"name": fact.name, "text": fact.text} for fact in entry.facts],
        "values": [{"name": named.name, "value": encode_value(named.value)} for named in entry.values],
    }


def decode_history(body: bytes) -> tuple[HistoryEntry, ...]:
    return tuple(_decode_entry(entry) for entry in ENTRIES.read(document.read(body))["entries"])


def _decode_entry(fields: Fields) -> HistoryEntry:
    return HistoryEntry(
        fields["seq"],
        fields["atMs"],
        fields["kind"],
        fields["actor"],
        fields["reason"],
        tuple(Fact(fact["name"], fact["text"]) for fact in fields["facts"]),
        tuple(_decode_named(named) for named in fields["values"]),
    )


def _decode_named(fields: Fields) -> NamedValue:
    value = decode_value(fields["value"])
    assert value is not None, "the shape fills an absent value in"
    return NamedValue(fields["name"], value)


def encode_progress(progress: RunProgress) -> Fields:
    fields: Fields = {
        "workflowRunId": progress.run_id,
        "workflowStatus": progress.status.value,
        "eventsCount": progress.events_count,
        "beginsMs": progress.begins_ms,
        "expiresMs": progress.expires_ms,
        "wakesMs": progress.wakes_ms,
        "states": [_encode_state(state) for state in progress.states],
        "rpcsCount": progress.rpcs_count,
        "quarantine": progress.quarantine,
    }
    return _given(fields)


def _encode_state(state: StateProgress) -> Fields:
    fields: Fields = {
        "stateExecutionId": state.state_execution_id,
        "stateId": state.state_id,
        "standing": state.standing.value,
        "call": None if state.call is None else _encode_call(state.call),
        "mode": None if state.mode is None else state.mode.value,
        "awaits": [_encode_awaited(awaited) for awaited in state.awaits],
        "combinations": [list(combination) for combination in state.combinations],
    }
    return _given(fields)


def _encode_call(call: CallProgress) -> Fields:
    fields: Fields = {
        "method": call.method.value,
        "attempt": call.attempt,
        "attemptsMax": call.attempts_max,
        "firstMs": call.first_ms,
        "nextMs": call.next_ms,
        "errors": list(call.errors),
    }
    return _given(fields)


def _encode_awaited(awaited: Awaited) -> Fields:
    return _given({**_encode_condition(awaited.condition), "met": awaited.met, "dueMs": awaited.due_ms})


def _encode_condition(condition: Condition) -> Fields:
    if isinstance(condition, TimerCondition):
        return {
            "id": condition.id,
            "durationMs": condition.duration_ms,
            "atMs": condition.at_ms,
            "wholeSeconds": condition.whole_seconds,
        }
    return {
        "channel": condition.channel,
        "kind": condition.kind.value,
        "id": condition.id,
        "atLeast": condition.at_least,
        "atMost": condition.at_most,
    }


def _given(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def decode_progress(body: bytes, workflow_id: WorkflowId) -> RunProgress:
    fields = RUN.read(document.read(body))
    if "workflowStatus" not in fields:
        raise Malformed("names no workflowStatus")
    return RunProgress(
        workflow_id,
        RunId(fields["workflowRunId"]),
        RunStatus(fields["workflowStatus"]),
        fields["eventsCount"],
        fields.get("beginsMs"),
        fields.get("expiresMs"),
        fields.get("wakesMs"),
        tuple(_decode_state(state) for state in fields["states"]),
        fields["rpcsCount"],
        fields.get("quarantine"),
    )


def _decode_state(fields: Fields) -> StateProgress:
    if "standing" not in fields:
        raise Malformed("names a state without its standing")
    return StateProgress(
        StateExecutionId(fields["stateExecutionId"]),
        StateId(fields["stateId"]),
        Standing(fields["standing"]),
        _decode_call(fields["call"]) if "call" in fields else None,
        WaitMode(fields["mode"]) if "mode" in fields else None,
        tuple(_decode_awaited(awaited) for awaited in fields["awaits"]),
        tuple(tuple(combination) for combination in fields["combinations"]),
    )


def _decode_call(fields: Fields) -> CallProgress:
    if "method" not in fields:
        raise Malformed("names a call without its method")
    return CallProgress(
        StateMethod(fields["method"]),
        fields["attempt"],
        fields["attemptsMax"],
        fields["firstMs"],
        fields.get("nextMs"),
        tuple(fields["errors"]),
    )


def _decode_awaited(fields: Fields) -> Awaited:
    return Awaited(_decode_condition(fields), fields["met"], fields.get("dueMs"))


def _decode_condition(fields: Fields) -> Condition:
    if "channel" not in fields:
        return TimerCondition(
            fields["id"], fields.get("durationMs"), fields.get("atMs"), fields.get("wholeSeconds", False)
        )
    kind = ChannelKind(fields.get("kind", ChannelKind.INTERNAL))
    return ChannelCondition(fields["channel"], kind, fields["id"], fields.get("atLeast", 1), fields.get("atMost"))
