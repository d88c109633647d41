"""A run's card in the search index, as far as it has changed: its search attributes, and which states execute."""

from __future__ import annotations

from collections.abc import Iterable

from perdure.interpreter.effects import Index
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.ids import StateId
from perdure.model.options import ExecutingStatesMode

EXECUTING_STATES = "IwfExecutingStateIds"


class Card:
    """Gathers what is different now, for one update a step (iWF 4.3)."""

    def __init__(self) -> None:
        self.listed: tuple[StateId, ...] = ()
        """What ``IwfExecutingStateIds`` says in the index."""
        self.touched = False
        """There may be something to ``update``."""
        self._counts: dict[StateId, int] = {}
        self._changed: dict[str, SearchAttribute] = {}

    def write(self, attributes: Iterable[SearchAttribute]) -> None:
        for attribute in attributes:
            self._changed[attribute.key] = attribute
        self.touched = True

    def enter(self, state_id: StateId) -> None:
        """Count one more execution of a listed state."""
        self._counts[state_id] = self._counts.get(state_id, 0) + 1
        self.touched = True

    def leave(self, state_id: StateId) -> None:
        self._counts[state_id] -= 1
        if not self._counts[state_id]:
            del self._counts[state_id]
        self.touched = True

    def leave_all(self) -> None:
        self._counts.clear()
        self.touched = True

    def restore(self, listed: tuple[StateId, ...], executing: Iterable[StateId]) -> None:
        """Take up a card that is in the index as it should be."""
        self.listed = listed
        for state_id in executing:
            self._counts[state_id] = self._counts.get(state_id, 0) + 1

    def begin_anew(self, attributes: Iterable[SearchAttribute]) -> None:
        """Have all of it written: the index has nothing of this run yet."""
        self.listed = ()
        self.write(attributes)

    def update(self) -> Index | None:
        """Return what the index must learn, once; ``None``: nothing is different."""
        self.touched = False
        listed = tuple(sorted(self._counts))
        if listed != self.listed:
            self.listed = listed
            self._changed[EXECUTING_STATES] = SearchAttribute(
                EXECUTING_STATES, SearchAttributeType.KEYWORD_ARRAY, listed
            )
        if not self._changed:
            return None
        changed, self._changed = self._changed, {}
        return Index(tuple(changed.values()))


def is_listed(mode: ExecutingStatesMode | None, *, skips_wait_until: bool) -> bool:
    """Say whether executions of a state are counted in ``IwfExecutingStateIds``."""
    mode = mode or ExecutingStatesMode.WITH_WAIT_UNTIL
    return mode is ExecutingStatesMode.ALL or (mode is ExecutingStatesMode.WITH_WAIT_UNTIL and not skips_wait_until)
