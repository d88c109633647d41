"""How long: an author says it as a ``timedelta`` or in seconds, the model counts milliseconds."""

from __future__ import annotations

import math
from datetime import timedelta

Duration = timedelta | float
"""A ``timedelta``, or a number of seconds."""

_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(duration: Duration) -> int:
    """Return whole milliseconds, rounded up: what is counted in them never ends early."""
    if isinstance(duration, timedelta):
        return -(-duration // _MILLISECOND)
    if isinstance(duration, bool) or not isinstance(duration, int | float):
        raise TypeError(f"found {duration!r}, expected a timedelta or a number of seconds")
    if not math.isfinite(duration):
        raise ValueError(f"found {duration!r} seconds, expected a finite number")
    return math.ceil(round(duration * 1_000, 6))
