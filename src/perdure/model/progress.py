"""What an open run is about: its open state executions, and what each of them waits for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from perdure.model.calls import StateMethod
from perdure.model.conditions import Condition, WaitMode
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId
from perdure.model.outcome import RunInfo, RunStatus


class Standing(StrEnum):
    """Where a state execution stands."""

    CALLING = "calling"
    """A worker has its call, or will have it as soon as it has room."""
    RETRYING = "retrying"
    """An attempt has failed, and the next one waits for its moment."""
    WAITING = "waiting"
    """It waits for its conditions."""
    LOCKING = "locking"
    """Its next call waits for attributes that another call has locked."""
    HELD = "held"
    """Its next call is held back while a reset hands over what came later."""


@dataclass(frozen=True, slots=True)
class CallProgress:
    """A call of a state's method that has not succeeded yet."""

    method: StateMethod
    attempt: int
    """Counted from 1: the one being made or, while ``RETRYING``, the last one that failed."""
    attempts_max: int
    """0: no limit."""
    first_ms: int
    """When the first attempt could begin."""
    next_ms: int | None = None
    """When the next attempt is due; ``None``: one is being made, or waits for room."""
    errors: tuple[str, ...] = ()
    """The last few failures, the newest last."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """One condition of a wait."""

    condition: Condition
    met: bool = False
    due_ms: int | None = None
    """The moment of a timer."""


@dataclass(frozen=True, slots=True)
class StateProgress:
    """One state execution that has not ended."""

    state_execution_id: StateExecutionId
    state_id: StateId
    standing: Standing
    call: CallProgress | None = None
    """While ``CALLING`` or ``RETRYING``."""
    mode: WaitMode | None = None
    awaits: tuple[Awaited, ...] = ()
    """While ``WAITING``: every condition, those that are met already too."""
    combinations: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run has come at one moment. All of it is durable."""

    workflow_id: WorkflowId
    run_id: RunId
    status: RunStatus
    events_count: int
    """How long its history is."""
    begins_ms: int | None = None
    """The end of its start delay, while it lasts."""
    expires_ms: int | None = None
    """When its timeout ends it."""
    wakes_ms: int | None = None
    """When the engine looks at it next by itself: a timer, an attempt, the end of a delay or of the timeout."""
    states: tuple[StateProgress, ...] = ()
    """Those that have not ended, in the order they began; none of a run that has ended."""
    rpcs_count: int = 0
    """Locking RPCs under way."""
    quarantine: str | None = None
    """Why nothing happens to it any more, if its rules cannot go on with it."""


@dataclass(frozen=True, slots=True)
class DescribedRun(RunInfo):
    """What a caller learns of a run at one moment, and what it is about."""

    progress: RunProgress | None = None
    """What it waits for and what fails, a moment later. ``None`` where it has ended, or nobody can tell:
    a plain iWF server cannot."""
