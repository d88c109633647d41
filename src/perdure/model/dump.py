"""All that a run remembers at one moment, for whoever looks for what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.model.attributes import DataAttribute, SearchAttribute
from perdure.model.conditions import ChannelKind, Wait
from perdure.model.decisions import Movement
from perdure.model.ids import StateExecutionId, StateId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import StateOutput
from perdure.model.requests import TimerRef
from perdure.model.value import EncodedValue


@dataclass(frozen=True, slots=True)
class DumpedWait:
    """A wait under way. Its tuples go with the wait's conditions, one for one."""

    wait: Wait
    due_ms: tuple[int | None, ...]
    """For timers: the moment."""
    met: tuple[bool, ...]
    taken: tuple[tuple[EncodedValue | None, ...], ...]
    """For channels: the messages taken and held."""
    skipped: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class DumpedState:
    """A state execution that has not ended."""

    id: StateExecutionId
    movement: Movement
    wait: DumpedWait | None = None
    """``None``: one of its methods is being called, or about to be."""
    locals: tuple[DataAttribute, ...] = ()


@dataclass(frozen=True, slots=True)
class DumpedChannel:
    kind: ChannelKind
    name: str
    messages: tuple[EncodedValue | None, ...]
    """Unread, oldest first."""


@dataclass(frozen=True, slots=True)
class RunDump:
    config: WorkflowConfig
    queued: tuple[Movement, ...] = ()
    """States that start once the start delay is over."""
    states: tuple[DumpedState, ...] = ()
    started_counts: tuple[tuple[StateId, int], ...] = ()
    """How often each state was started so far."""
    channels: tuple[DumpedChannel, ...] = ()
    outputs: tuple[StateOutput, ...] = ()
    skips: tuple[TimerRef, ...] = ()
    """Skips that came before their timer existed."""
    data: tuple[DataAttribute, ...] = ()
    search: tuple[SearchAttribute, ...] = ()
