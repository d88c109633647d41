"""What a worker is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from perdure.model.attributes import DataAttribute, Loading, SearchAttribute
from perdure.model.conditions import ConditionResult, Wait
from perdure.model.decisions import Decision, Movement
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.value import EncodedValue, Message


class StateMethod(StrEnum):
    """Which of a state's two methods is called."""

    WAIT_UNTIL = "wait_until"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class RunContext:
    """What every call of one run has in common."""

    workflow_id: WorkflowId
    workflow_type: WorkflowType
    run_id: RunId
    first_run_id: RunId
    """The first run of the chain of retries and resets: stable, so fit for idempotency keys."""
    started_ms: int
    worker_url: str = ""
    """Where the worker serves; empty: in this process."""


@dataclass(frozen=True, slots=True)
class LoadedAttributes:
    """Attributes as a call sees them, by its loading policies, sorted by key."""

    data: tuple[DataAttribute, ...] = ()
    search: tuple[SearchAttribute, ...] = ()
    data_loading: Loading = Loading.ALL
    search_loading: Loading = Loading.ALL


@dataclass(frozen=True, slots=True)
class StateCall:
    """One call to a state's method, the same in all its attempts."""

    method: StateMethod
    state_execution_id: StateExecutionId
    state_id: StateId
    input: EncodedValue | None
    attributes: LoadedAttributes
    locals: tuple[DataAttribute, ...] = ()
    """What ``wait_until`` left for ``execute``."""
    results: tuple[ConditionResult, ...] | None = None
    """What the wait found; ``None`` when there was no ``wait_until`` to call."""
    wait_until_failed: bool = False


@dataclass(frozen=True, slots=True)
class StateRequest:
    """One attempt of a state call, as it goes to a worker."""

    run: RunContext
    call: StateCall
    attempt: int
    """Counted from 1. A crash repeats an attempt with the same number."""
    first_attempt_ms: int


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """One call of an RPC, as it goes to a worker."""

    run: RunContext
    name: str
    input: EncodedValue | None
    attributes: LoadedAttributes
    signal_sizes: Mapping[str, int] = field(default_factory=dict)
    """Unread messages by channel; channels without any are left out."""
    internal_sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something an author wants to find in the history; never read back by the engine."""

    name: str
    value: EncodedValue | None = None


@dataclass(frozen=True, slots=True)
class Writes:
    """What a handler changes, applied in one step: search attributes, data attributes, messages."""

    data: tuple[DataAttribute, ...] = ()
    search: tuple[SearchAttribute, ...] = ()
    messages: tuple[Message, ...] = ()
    events: tuple[Event, ...] = ()


NO_WRITES = Writes()


@dataclass(frozen=True, slots=True)
class WaitUntilAnswer:
    wait: Wait = Wait()
    writes: Writes = NO_WRITES
    locals: tuple[DataAttribute, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecuteAnswer:
    decision: Decision
    writes: Writes = NO_WRITES


@dataclass(frozen=True, slots=True)
class RpcAnswer:
    output: EncodedValue | None = None
    writes: Writes = NO_WRITES
    movements: tuple[Movement, ...] = ()
    """States to start. An RPC cannot close a run."""

    @property
    def read_only(self) -> bool:
        return not self.movements and self.writes == NO_WRITES


StateAnswer = WaitUntilAnswer | ExecuteAnswer
Answer = WaitUntilAnswer | ExecuteAnswer | RpcAnswer


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed."""

    message: str
    """What an operator reads, and what ends up as the run's error message."""
    error_type: str = ""
    """The name of the author's exception, or of the worker's error."""
    detail: str = ""
    """More of it, such as the stack."""
    status: int = 0
    """The HTTP status of a worker's answer; 0: none, or in process."""
    timed_out: bool = False
    retryable: bool = True
    retry_after_ms: int | None = None
    """Asked for by the worker instead of the policy's next interval."""
