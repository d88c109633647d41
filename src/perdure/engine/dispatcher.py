"""How many attempts each worker may have at once, so that a slow one does not hold up the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, NewType, TypeVar

from perdure.model.limits import CALLS_MAX

Lane = NewType("Lane", str)
"""One worker, as far as can be told: a workflow type and where it is served."""

Waiting = TypeVar("Waiting")


@dataclass(slots=True)
class _Lane(Generic[Waiting]):
    most: int
    under_way: int = 0
    waiting: deque[Waiting] = field(default_factory=deque)


class Dispatcher(Generic[Waiting]):
    """Lanes of bounded width. What waits in one is kept by name only, its run may be parked."""

    def __init__(self, *, lane_max: int = CALLS_MAX) -> None:
        self._lane_max = lane_max
        self._lanes: dict[Lane, _Lane[Waiting]] = {}

    def admit(self, lane: Lane, who: Waiting, *, most: int | None = None) -> bool:
        """Take a slot and say yes, or put *who* in the queue and say no.

        Args:
            most: the width of this lane, if it is not the usual one.
        """
        state = self._lanes.get(lane)
        if state is None:
            state = self._lanes[lane] = _Lane(self._lane_max if most is None else most)
        if state.under_way >= state.most:
            state.waiting.append(who)
            return False
        state.under_way += 1
        return True

    def release(self, lane: Lane) -> Waiting | None:
        """Give a slot back. Whoever is returned has it now, and must give it back in turn."""
        state = self._lanes[lane]
        if state.waiting:
            return state.waiting.popleft()
        state.under_way -= 1
        if not state.under_way:
            del self._lanes[lane]
        return None

    def queue_length(self, lane: Lane) -> int:
        """How many wait for a slot in one lane."""
        state = self._lanes.get(lane)
        return 0 if state is None else len(state.waiting)

    def waiting(self) -> Iterator[Waiting]:
        """Return all who have no slot."""
        for lane in self._lanes.values():
            yield from lane.waiting

    @property
    def under_way(self) -> int:
        return sum(lane.under_way for lane in self._lanes.values())
