"""What a state's ``execute`` decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from perdure.model.conditions import ChannelKind
from perdure.model.ids import StateId
from perdure.model.options import StateOptions
from perdure.model.value import EncodedValue


@dataclass(frozen=True, slots=True)
class Movement:
    """Start a state."""

    state_id: StateId
    input: EncodedValue | None = None
    options: StateOptions = StateOptions()
    wait_for_key: str | None = None
    """A name by which the completion of this state can be waited for, instead of its number."""


class ClosingKind(StrEnum):
    """How a thread of states ends. The values are iWF's reserved state ids."""

    DEAD_END = "_SYS_DEAD_END"
    """This thread ends; the run stays open, even with nothing left to do."""
    GRACEFUL_COMPLETE = "_SYS_GRACEFUL_COMPLETING_WORKFLOW"
    """This thread ends; the run completes once every other has ended too."""
    FORCE_COMPLETE = "_SYS_FORCE_COMPLETING_WORKFLOW"
    """The run completes now; what else is under way is abandoned."""
    FORCE_FAIL = "_SYS_FORCE_FAILING_WORKFLOW"
    """The run fails now; what else is under way is abandoned."""


@dataclass(frozen=True, slots=True)
class Closing:
    """End this thread of states, and perhaps the run, with an output."""

    kind: ClosingKind
    output: EncodedValue | None = None


class EmptyCheck(StrEnum):
    """Which channels must be empty for a conditional close. The values are iWF's names."""

    INTERNAL_CHANNEL = "FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY"
    SIGNAL_CHANNEL = "FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY"
    ALL_CHANNELS = "GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY"


@dataclass(frozen=True, slots=True)
class CloseIfEmpty:
    """Close if no message is unread, in one step with looking; else do what the decision says.

    ``INTERNAL_CHANNEL`` and ``SIGNAL_CHANNEL`` complete the run at once, ``ALL_CHANNELS`` ends
    this thread gracefully. The output becomes a result of the run either way.
    """

    check: EmptyCheck | None
    channel: str = ""
    output: EncodedValue | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of a state's ``execute``: at least one movement or closing.

    A closing must stand alone; with anything beside it the run fails, saying so.
    """

    next: tuple[Movement | Closing, ...] = ()
    close_if_empty: CloseIfEmpty | None = None

    def problem(self) -> str | None:
        """Say why this decision cannot be followed; ``None`` if it can. iWF: a failed attempt."""
        if not self.next:
            return "empty state decision is no longer supported. If it's from old SDKs then upgrade the SDK to newer versions"
        if any(isinstance(step, Movement) and not step.state_id for step in self.next):
            return "a state decision has a movement without stateId"
        return None


CHANNEL_OF_CHECK = {
    EmptyCheck.INTERNAL_CHANNEL: ChannelKind.INTERNAL,
    EmptyCheck.SIGNAL_CHANNEL: ChannelKind.SIGNAL,
}
