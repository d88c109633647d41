"""What a state waits until, and what it then finds.

iWF's wire says *command* for a condition; only the wire room says so too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from perdure.model.value import EncodedValue


class ChannelKind(StrEnum):
    """Signals come from outside through the client; internal messages from states and RPCs.

    The two are separate name spaces: one name may exist in both. Native channels are internal.
    """

    SIGNAL = "SIGNAL"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class TimerCondition:
    """Met once a moment has come. With neither duration nor moment it is met at once."""

    id: str = ""
    duration_ms: int | None = None
    """Counted from the moment the wait begins; wins over ``at_ms``."""
    at_ms: int | None = None
    """Milliseconds since the Unix epoch."""
    whole_seconds: bool = False
    """iWF: the moment is the current second, fraction cut off, plus the duration."""


@dataclass(frozen=True, slots=True)
class ChannelCondition:
    """Met once enough messages are there; they are then taken out of the channel at once."""

    channel: str
    kind: ChannelKind = ChannelKind.INTERNAL
    id: str = ""
    at_least: int = 1
    """Messages needed; 0 never blocks."""
    at_most: int | None = None
    """Messages taken at most; ``None``: as many as ``at_least``."""

    @property
    def most(self) -> int:
        return max(self.at_least, self.at_least if self.at_most is None else self.at_most)


Condition = TimerCondition | ChannelCondition


class WaitMode(StrEnum):
    """When a wait with several conditions ends."""

    ALL = "ALL"
    ANY = "ANY"
    COMBINATION = "COMBINATION"


@dataclass(frozen=True, slots=True)
class Wait:
    """The answer of a state's ``wait_until``. Without conditions it is met at once."""

    conditions: tuple[Condition, ...] = ()
    mode: WaitMode | None = WaitMode.ALL
    combinations: tuple[tuple[str, ...], ...] = ()
    """For ``COMBINATION``: lists of condition ids; the wait ends when one list is covered, an id
    written twice needing two met conditions of that id."""

    def problem(self) -> str | None:
        """Say why this wait cannot be waited for; ``None`` if it can. iWF: a failed attempt."""
        if not self.conditions:
            return None
        if self.mode is None:
            return "unsupported decider trigger type "
        for condition in self.conditions:
            if isinstance(condition, ChannelCondition) and condition.at_least < 0:
                return f"atLeast of channel {condition.channel!r} is {condition.at_least}, expected 0 or more"
            if (
                isinstance(condition, ChannelCondition)
                and condition.at_most is not None
                and condition.at_most < condition.at_least
            ):
                return (
                    f"atMost of channel {condition.channel!r} is {condition.at_most}, "
                    f"expected no less than atLeast, {condition.at_least}"
                )
        return self._combination_problem() if self.mode is WaitMode.COMBINATION else None

    def _combination_problem(self) -> str | None:
        rule = "ANY_COMMAND_COMBINATION_COMPLETED can only be used when every command has an commandId"
        ids = Counter(condition.id for condition in self.conditions)
        if "" in ids or not self.combinations:
            return f"{rule}, and the combination list cannot be empty"
        if any(wanted not in ids for combination in self.combinations for wanted in combination):
            return f"{rule} that is found in TimerCommands, SignalCommands or InternalChannelCommand"
        return None


@dataclass(frozen=True, slots=True)
class TimerResult:
    id: str
    fired: bool
    """Whether the moment had come, or an operator skipped the timer."""


@dataclass(frozen=True, slots=True)
class ChannelResult:
    id: str
    channel: str
    kind: ChannelKind
    received: bool
    values: tuple[EncodedValue | None, ...] = ()
    """The messages taken, oldest first; at least ``at_least`` of them when ``received``."""


ConditionResult = TimerResult | ChannelResult
"""One for each condition of the wait, in their order, also for those that were not met."""
