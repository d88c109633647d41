"""What a codec is, and what it says when a value does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

SHOWN_MAX = 60
"""So many characters of an unfitting value are shown: enough to know it by, too few to fill a log."""


class Kind(StrEnum):
    """What JSON knows."""

    NULL = "null"
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"
    LIST = "list"
    DICT = "dict"


ALL_KINDS = frozenset(Kind)

_KIND_BY_TYPE: dict[type, Kind] = {
    type(None): Kind.NULL,
    bool: Kind.BOOL,
    int: Kind.INT,
    float: Kind.FLOAT,
    str: Kind.STR,
    list: Kind.LIST,
    dict: Kind.DICT,
}


def kind_of(raw: object) -> Kind:
    """Return the kind of a value as the JSON reader makes it."""
    return _KIND_BY_TYPE[type(raw)]


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """Writes values of one type as what JSON knows, and reads them back. Both raise ``Mismatch``."""

    expected: str
    """The type as an author writes it."""
    encode: Callable[[object], object]
    decode: Callable[[object], object]
    writes: frozenset[Kind]
    reads: frozenset[Kind] = frozenset()
    """Kinds it reads though it never writes them; a union asks it last."""
    immutable: bool = True
    """No value can change in place, so one that was read need not be looked at again."""
    python: type | None = None
    """The exact class of its values, if there is one."""
    keys: frozenset[str] | None = None
    """The keys of what it writes, if that is an object with fixed ones."""
    free_text: bool = False
    """Any text at all may be one of its values."""


class Unsupported(Exception):
    """Values of this type cannot be written as JSON and read back the same."""


class Mismatch(Exception):
    """A value does not fit. Containers add the steps that lead to it on the way out."""

    def __init__(self, found: object, expected: str, *, because: str = "") -> None:
        super().__init__()
        self.found = found
        self.expected = expected
        self.because = because
        self.steps: list[str] = []

    def below(self, step: str) -> Mismatch:
        """Add the step that leads from the container to the value; ``.email`` or ``[3]``."""
        self.steps.append(step)
        return self

    def told(self, name: str) -> str:
        place = name + "".join(reversed(self.steps))
        reason = f" ({self.because})" if self.because else ""
        return f"{place}: found {shown(self.found)}, expected {self.expected}{reason}"


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()
"""Found where an object lacks a key."""


def shown(value: object) -> str:
    """Return a value with its type, cut to what a message can hold."""
    if value is None or value is MISSING:
        return repr(value)
    text = repr(value)
    if len(text) > SHOWN_MAX:
        text = f"{text[:SHOWN_MAX]}…"
    return f"{type(value).__name__} {text}"
