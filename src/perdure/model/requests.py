"""What callers ask of a backend. Every request names the workflow; ``run_id`` pins one run of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from perdure.model.attributes import LOAD_ALL, DataAttribute, LoadingPolicy, SearchAttribute
from perdure.model.decisions import Movement
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions
from perdure.model.value import EncodedValue


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Start a workflow."""

    workflow_id: WorkflowId
    workflow_type: WorkflowType
    first: Movement | None = None
    """``None``: the run idles until an RPC starts a state."""
    options: StartOptions = StartOptions()
    data: tuple[DataAttribute, ...] = ()
    search: tuple[SearchAttribute, ...] = ()
    worker_url: str = ""


@dataclass(frozen=True, slots=True)
class RpcCall:
    """Call a workflow's RPC."""

    workflow_id: WorkflowId
    name: str
    input: EncodedValue | None = None
    run_id: RunId | None = None
    data_loading: LoadingPolicy = LOAD_ALL
    search_loading: LoadingPolicy = LOAD_ALL
    timeout_ms: int | None = None
    """For the author's method; ``None``: the backend's cap."""

    @property
    def locking(self) -> bool:
        return self.data_loading.locks is not None or self.search_loading.locks is not None


@dataclass(frozen=True, slots=True)
class TimerRef:
    """A timer a state execution waits for: by id (wins), or by place among its timers, from 0."""

    state_execution_id: StateExecutionId
    timer_id: str | None = None
    index: int | None = None


class ResetKind(StrEnum):
    """Where a reset goes back to. The values are iWF's."""

    BEGINNING = "BEGINNING"
    HISTORY_EVENT_ID = "HISTORY_EVENT_ID"
    HISTORY_EVENT_TIME = "HISTORY_EVENT_TIME"
    STATE_ID = "STATE_ID"
    STATE_EXECUTION_ID = "STATE_EXECUTION_ID"


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """Go back to an earlier moment of a run, as a new run; the base run is terminated if open."""

    workflow_id: WorkflowId
    kind: ResetKind
    run_id: RunId | None = None
    """The run to go back in; ``None``: the current one."""
    event_id: int | None = None
    """For ``HISTORY_EVENT_ID``: the first event not kept. 4 is the first step, as in iWF."""
    time_ms: int | None = None
    state_id: StateId | None = None
    state_execution_id: StateExecutionId | None = None
    reason: str = ""
    skip_signals: bool = False
    """Do not hand over again what was sent after that moment: messages, writes, skips."""
    skip_locked_rpcs: bool = False


@dataclass(frozen=True, slots=True)
class StateWait:
    """Which completion to wait for: of a numbered state execution, or of a state under a key."""

    workflow_id: WorkflowId
    state_execution_id: StateExecutionId | None = None
    state_id: StateId | None = None
    key: str | None = None
