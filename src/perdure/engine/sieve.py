"""Finding what makes the store refuse a batch, so that it is refused alone.

A batch that is refused for what is in it, and not because of the disk, would be refused for ever,
for everybody in it. So all it was made of is handled again in ever smaller parts, each a batch of
its own, until a part that is refused was made of a single input. The others go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from perdure.engine.inputs import Input


class Sieve:
    """What is to be handled again, in parts."""

    def __init__(self) -> None:
        self._parts: deque[Sequence[Input]] = deque()
        self._tried: Sequence[Input] | None = None

    @property
    def sifting(self) -> bool:
        """Nothing else may be handled: it would come into a batch with what is looked at."""
        return bool(self._parts) or self._tried is not None

    def take(self) -> Sequence[Input] | None:
        """Return the next part, whose batch ``passed`` or ``refused`` tells of; ``None``: that was all."""
        self._tried = self._parts.popleft() if self._parts else None
        return self._tried

    def passed(self) -> None:
        """Learn that nothing is wrong with the part taken last."""
        self._tried = None

    @property
    def culprit(self) -> Input | None:
        """The single input of the part taken last, if that had only one."""
        return self._tried[0] if self._tried is not None and len(self._tried) == 1 else None

    def refused(self, again: Sequence[Input]) -> None:
        """Learn that the batch of the part taken last, or any other, was refused.

        Args:
            again: what is to be handled again; it goes into parts half as large as the refused one.
        """
        size = max(1, len(again if self._tried is None else self._tried) // 2)
        self._tried = None
        self._parts.extendleft(reversed([again[at : at + size] for at in range(0, len(again), size)]))

    def drain(self) -> Iterable[Input]:
        """Return what was not handled again, and forget it."""
        left = [given for part in self._parts for given in part]
        self._parts.clear()
        self._tried = None
        return left
