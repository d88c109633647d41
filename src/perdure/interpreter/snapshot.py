"""Everything an execution remembers at one position of its journal.

A value: taken with ``Execution.snapshot()``, put back with ``Execution.restore()``, and equal to
itself across the two. Inside a segment it is a cache; at a segment's beginning it is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from perdure.model.attributes import DataAttribute, SearchAttribute
from perdure.model.calls import RunContext, StateCall
from perdure.model.conditions import ChannelKind, Wait
from perdure.model.decisions import Movement
from perdure.model.ids import CallId, StateExecutionId, StateId
from perdure.model.options import RetryPolicy, WorkflowConfig
from perdure.model.outcome import Outcome, StateOutput
from perdure.model.requests import RpcCall, StartRequest, TimerRef
from perdure.model.value import EncodedValue


class Phase(StrEnum):
    """Where a state execution is on its way."""

    LOCKING = "locking"
    """It waits for the attributes its next call locks."""
    CALLING = "calling"
    """A call to its worker is under way, or its next attempt waits out a backoff."""
    WAITING = "waiting"
    """It waits for its conditions. In a closed run: it did, when the run closed."""
    HELD = "held"
    """Its next call is held back until a reset has handed over what came later."""


@dataclass(frozen=True, slots=True)
class WaitSnapshot:
    """A wait under way. The three tuples go with the wait's conditions, one for one."""

    wait: Wait
    number: int
    """Waits are counted within a run: the lower number is the older waiter."""
    deadlines_ms: tuple[int | None, ...]
    """For timers: the moment; ``None`` for channels."""
    met: tuple[bool, ...]
    taken: tuple[tuple[EncodedValue | None, ...], ...]
    """For channels: the messages taken and held."""
    skipped: tuple[bool, ...] = ()
    """For timers: met because it was skipped."""


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """One state execution under way."""

    id: StateExecutionId
    movement: Movement
    number: int
    """State executions are counted within a run: the lower number began earlier."""
    phase: Phase
    call_id: CallId | None = None
    wait: WaitSnapshot | None = None
    pending: StateCall | None = None
    """While ``LOCKING`` or ``HELD``: the call to make, its attributes not yet loaded."""
    locals: tuple[DataAttribute, ...] = ()
    search_locked: bool = False
    """While ``LOCKING``: it holds its search attribute keys already and waits for the others."""
    listed: bool = False
    """``IwfExecutingStateIds`` counts it."""


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """One call under way."""

    id: CallId
    call: StateCall
    timeout_ms: int
    retry: RetryPolicy
    limit_ms: int


@dataclass(frozen=True, slots=True)
class ChannelSnapshot:
    """The unread messages of one channel, oldest first."""

    kind: ChannelKind
    name: str
    messages: tuple[EncodedValue | None, ...]


@dataclass(frozen=True, slots=True)
class RpcSnapshot:
    """A locking RPC under way."""

    number: int
    data_locks: tuple[str, ...]
    search_locks: tuple[str, ...]
    again: bool = False
    """It is the first of ``asked_again``."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    request: StartRequest
    run: RunContext
    attempt: int
    begins_at_ms: int | None
    """The start delay's end, while it lasts."""
    expires_at_ms: int | None
    config: WorkflowConfig
    state_counts: tuple[tuple[StateId, int], ...]
    state_number: int
    wait_number: int
    call_number: int
    rpc_number: int
    queued: tuple[Movement, ...]
    """States that start once the delay is over."""
    states: tuple[StateSnapshot, ...]
    calls: tuple[CallSnapshot, ...]
    rpcs: tuple[RpcSnapshot, ...]
    data: tuple[DataAttribute, ...]
    search: tuple[SearchAttribute, ...]
    channels: tuple[ChannelSnapshot, ...]
    outputs: tuple[StateOutput, ...]
    completing: bool
    """A state has asked for the run to complete gracefully."""
    skips: tuple[TimerRef, ...]
    """Skips that came before their timer existed."""
    listed_states: tuple[StateId, ...]
    """What ``IwfExecutingStateIds`` says."""
    outcome: Outcome | None
    holding: bool = False
    """A reset is handing over what came after its moment."""
    asked_again: tuple[RpcCall, ...] = ()
    """Locking RPCs that a reset asks again and that have not ended yet."""
