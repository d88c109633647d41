"""What has happened to a run, as an operator reads it: one entry for each event of its journal."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.model.value import EncodedValue


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that an event names, such as ``state``: ``verify-1`` or ``channel``: ``letters``."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A value of an author's, sealed, and what it is: ``input``, ``output``, ``attribute form``."""

    name: str
    value: EncodedValue


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    seq: int
    """The place in the journal, counted from 1."""
    at_ms: int
    """The engine's clock, milliseconds since the Unix epoch. May go backwards."""
    kind: str
    """A short name that stays as it is from release to release, such as ``call-succeeded``."""
    actor: str = ""
    """Who caused it: ``client``, ``worker``, ``clock`` or ``engine``."""
    reason: str = ""
    """What whoever caused it gave as the reason."""
    facts: tuple[Fact, ...] = ()
    """What it names, in the order of happening. A name may come several times."""
    values: tuple[NamedValue, ...] = ()

    def texts(self, name: str) -> tuple[str, ...]:
        """Return what the facts of one name say."""
        return tuple(fact.text for fact in self.facts if fact.name == name)
