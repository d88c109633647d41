"""What goes into the file and comes out of it, as values. One ``Batch`` is one transaction.

The rows of which there are some for each event are named tuples: one of thirteen fields is made in a
fifth of the time that a frozen dataclass takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NewType

from perdure.interpreter.codec import EncodedEvent
from perdure.model.attributes import SearchAttribute
from perdure.model.ids import CallId, RunId, WorkflowId, WorkflowType
from perdure.model.outcome import RunStatus
from perdure.model.value import EncodedValue

RunKey = NewType("RunKey", int)
"""A run inside one file: small, counted upwards by the engine, never reused."""


class RunRow(NamedTuple):
    """A run's summary: what decides without looking into its journal."""

    key: RunKey
    workflow_id: WorkflowId
    run_id: RunId
    workflow_type: WorkflowType
    first_run_id: RunId
    started_ms: int
    request_id: str | None = None
    status: RunStatus = RunStatus.RUNNING
    closed_ms: int | None = None
    events: int = 0
    """The journal's length: the last event's sequence number, counted from 1."""
    deadline_ms: int | None = None
    """When the engine must next look at this run: a timer, the end of a delay or of the timeout,
    or the next attempt of a call in backoff, whichever is first."""
    busy: bool = False
    """A call or a locking RPC is under way or to be made: a boot must take this run up at once."""
    quarantine: str | None = None
    """Why the engine does not touch this run any more, if it does not."""


class EventRow(NamedTuple):
    """One line of a journal."""

    run: RunKey
    seq: int
    at_ms: int
    event: EncodedEvent
    actor: str = ""
    """Who caused it: ``worker``, ``clock``, ``client`` or an operator's name."""
    reason: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True)
class CallRow:
    """Attempts of one call: a durable fact beside the journal, kept while the call is under way."""

    run: RunKey
    call_id: CallId
    attempts: int
    """Attempts that are known to have begun."""
    first_ms: int
    next_ms: int | None = None
    """When the next attempt is due; ``None``: one is being made."""
    errors: tuple[str, ...] = ()
    """The last few failures, newest last."""
    crashes: int = 0
    """Boots that found this call being made, in a row."""


@dataclass(frozen=True, slots=True)
class CompletionRow:
    """A completed state somebody may wait for. Under one (workflow, first run, key) the first counts."""

    workflow_id: WorkflowId
    first_run_id: RunId
    key: str
    """The state execution's id, or ``<state id>_<wait-for key>``."""
    output: EncodedValue | None


@dataclass(frozen=True, slots=True)
class TrimRow:
    """Forget what comes before a later segment of a journal: the last that is old enough."""

    run: RunKey
    seq_max: int
    """That segment begins here or earlier."""
    before_ms: int
    """It began before this moment, and so did all that is forgotten."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one transaction writes. A later row of one run stands for the run's last state."""

    runs: tuple[RunRow, ...] = ()
    """New runs and changed ones, whole; at most one row for each run."""
    events: tuple[EventRow, ...] = ()
    calls: tuple[CallRow, ...] = ()
    """Calls to write, whole; at most one row for each call."""
    ended_calls: tuple[tuple[RunKey, CallId], ...] = ()
    completions: tuple[CompletionRow, ...] = ()
    index: Mapping[RunKey, tuple[SearchAttribute, ...]] = field(default_factory=dict)
    """Search attributes to write, the last value of each."""
    trimmed: tuple[TrimRow, ...] = ()
    """Journals to forget the early part of."""
    removed: tuple[RunKey, ...] = ()
    """Runs to forget wholly, after their retention."""
    emptied: tuple[RunKey, ...] = ()
    """Runs of which nothing is kept but their row and their journal: no card, call or large value."""
    rewritten: tuple[EventRow, ...] = ()
    """Events of those to write anew, in their places; without large values."""
    emptied_workflows: tuple[WorkflowId, ...] = ()
    """Their workflows, whose completions lose their outputs."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as it must be loaded to be handled: fold the events."""

    row: RunRow
    events: tuple[EventRow, ...]
    """Those of the journal's last segment, in their order."""
    calls: tuple[CallRow, ...]
