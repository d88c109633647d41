"""Why something cannot happen to an execution now. Asked before anything is journaled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RefusalKind(Enum):
    CLOSED = "closed"
    """The run has ended."""
    LOCKED = "locked"
    """A key is held by another call."""
    NO_TIMER = "no timer"
    """The state execution waits for no such timer."""
    INVALID = "invalid"
    """It could never be accepted."""
    STALE = "stale"
    """An answer nobody waits for any more: late, or given before. To be dropped silently."""


@dataclass(frozen=True, slots=True)
class Refusal:
    kind: RefusalKind
    message: str
