"""Rows to write, with everything that a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from perdure.interpreter.codec import EncodedEvent
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.value import EncodedValue
from perdure.store.rows import EventRow, RunKey, RunRow

LONG = "long " * 4_000


def run(key: int, workflow_id: str = "ada", **changes: Any) -> RunRow:
    run_id = changes.pop("run_id", f"run-{key}")
    whole: dict[str, Any] = {
        "workflow_type": WorkflowType("Signup"),
        "first_run_id": RunId(run_id),
        "started_ms": 1_000 + key,
    }
    return RunRow(RunKey(key), WorkflowId(workflow_id), RunId(run_id), **(whole | changes))


def event(key: int, seq: int, *values: EncodedValue, **changes: Any) -> EventRow:
    encoded = EncodedEvent("signal", 1, '{"channel":"letters","value":0}', values)
    whole: dict[str, Any] = {"at_ms": 2_000 + seq, "event": encoded, "actor": "client"}
    return EventRow(RunKey(key), seq, **(whole | changes))


def segment(key: int, seq: int, *values: EncodedValue) -> EventRow:
    """An event that a load begins with."""
    return event(key, seq, event=EncodedEvent("resumed", 1, '{"snapshot":{"data":[0]}}', values))


def value(data: str | None) -> EncodedValue:
    return EncodedValue(data, "json")
