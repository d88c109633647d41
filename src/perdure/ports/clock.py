"""Where time and identifiers come from: the edge of everything that computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from perdure.model.ids import RunId


class Cancellable(Protocol):
    def cancel(self) -> None:
        """Do not call any more. Harmless after the call was made."""
        ...


class Clock(Protocol):
    """Wall time, for what is stored, and monotonic time, for what is measured."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch. May go backwards."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment. Never goes backwards."""
        ...

    def call_later(self, delay_ms: int, callback: Callable[[], None]) -> Cancellable:
        """Call *callback* on the engine's loop once *delay_ms* of monotonic time have passed."""
        ...


class Ids(Protocol):
    def new_run_id(self) -> RunId:
        """A UUIDv7 in text form: unique, and later ones sort after earlier ones."""
        ...
