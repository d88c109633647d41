"""What a client knows of the place it is used in, beyond the backend: nothing, in most places."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.client.patience import REAL_PACE, Pace
from perdure.client.result import TracebackOf, unknown


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Set by whoever opens a place: an engine of this process, a test environment."""

    pace: Pace = REAL_PACE
    """How time passes while a call asks for a lock again."""
    traceback_of: TracebackOf = unknown
    """Knows where handlers of this process have failed."""


PLAIN = Surroundings()
