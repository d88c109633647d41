"""When a journal begins another segment, from which its run is loaded then."""

from __future__ import annotations

from dataclasses import dataclass

SEGMENT_EVENTS_MAX = 100
"""iWF continues as new after 100 events; Temporal warns at 10,000."""
SEGMENT_BYTES_MAX = 256 * 1024
"""Of large events fewer are read at once. iWF's page of a run that continues as new has 1 MiB."""


@dataclass(frozen=True, slots=True)
class CutPolicy:
    """A segment is cut once it has so many events or bytes, and has grown by a share of its genesis.

    The last is because a genesis has all that a run remembers in it: who remembers much and is told
    little is not written down again for every hundred events. So a journal takes at most three times
    what its events do; a short one takes nothing more, for it is never cut.
    """

    events_max: int = SEGMENT_EVENTS_MAX
    bytes_max: int = SEGMENT_BYTES_MAX
    growth: float = 0.5

    def cuts(self, events: int, size: int, *, genesis_size: int) -> bool:
        """Say whether a segment with so many events and bytes after its genesis is to be cut."""
        return (events >= self.events_max or size >= self.bytes_max) and size > genesis_size * self.growth


CUT_POLICY = CutPolicy()
