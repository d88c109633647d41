"""Where a decision leads: on to other states, to the end of its thread, or nowhere (iWF 2.8)."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.interpreter.waits import Channels
from perdure.model.decisions import CHANNEL_OF_CHECK, CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement


@dataclass(frozen=True, slots=True)
class Mistake:
    """The decision cannot be followed: the run fails, saying so."""

    message: str


def steps_of(decision: Decision, channels: Channels) -> tuple[Movement, ...] | Closing | Mistake:
    """Return the states that come next, or how the thread ends.

    Args:
        channels: what the answer of this decision published is in them.
    """
    steps = decision.next
    close = decision.close_if_empty
    if close is not None:
        if close.check is None:
            return Mistake("invalid state decisions. Unsupported ConditionalCloseType ")
        if (closing := _closing(close, close.check, channels)) is not None:
            return closing
        reserved = next((step.kind.value for step in steps if isinstance(step, Closing)), None)
        if reserved:
            return Mistake(f"invalid ConditionUnmetDecision with stateId: {reserved}")
    movements = tuple([step for step in steps if isinstance(step, Movement)])
    if len(movements) == len(steps):
        return movements
    if len(steps) == 1 and isinstance(steps[0], Closing):
        return steps[0]
    return Mistake("invalid state decisions. Closing workflow decision cannot be combined with other state decisions")


def _closing(close: CloseIfEmpty, check: EmptyCheck, channels: Channels) -> Closing | None:
    """2.8.1: close if the channels are empty, what this very answer published included."""
    if check is EmptyCheck.ALL_CHANNELS:
        return Closing(ClosingKind.GRACEFUL_COMPLETE, close.output) if channels.all_empty else None
    if channels.empty((CHANNEL_OF_CHECK[check], close.channel)):
        return Closing(ClosingKind.FORCE_COMPLETE, close.output)
    return None
