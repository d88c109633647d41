"""Bodies of events that keep coming back: written once, referred to by number, kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable

BodyRow = tuple[int, str]
"""A shared body's number in the file, and the body."""

SHORTEST = 24
"""A shorter body is not worth a look-up."""
LONGEST = 4_096
TIMES = 8
"""How often a body must have come before it is shared: one that is nearly unique stays where it is."""
SEEN_MAX = 4_096
"""Bodies of which it is remembered how often they came. With more different ones at a time than this,
counting begins anew, so that memory is bounded."""
SHARED_MAX = 16_384
"""Shared bodies in one file. It takes many workflows to have so many."""


class SharedBodies:
    """The writer's side: which bodies are shared. Belongs to the thread that writes."""

    def __init__(self, rows: Iterable[BodyRow]) -> None:
        self._number_of = {body: str(number) for number, body in rows}
        self._seen: dict[str, int] = {}
        self._added: dict[str, str] = {}

    def short(self, body: str) -> str:
        """Return what stands for *body* in its event: a number as text, or the body itself.

        It may become shared by this; ``added`` says so, until ``written`` or ``forget``.
        """
        number = self._number_of.get(body) or self._added.get(body)
        if number is not None:
            return number
        if not SHORTEST <= len(body) <= LONGEST:
            return body
        times = self._seen.get(body, 0) + 1
        if times >= TIMES and len(self._number_of) + len(self._added) < SHARED_MAX and _is_text(body):
            number = self._added[body] = str(len(self._number_of) + len(self._added) + 1)
            return number
        if len(self._seen) >= SEEN_MAX:
            self._seen.clear()
        self._seen[body] = times
        return body

    @property
    def added(self) -> list[BodyRow]:
        """Those that this batch shares first and must write."""
        return [(int(number), body) for body, number in self._added.items()]

    def written(self) -> None:
        """Learn that what was added is in the file now."""
        for body in self._added:
            self._seen.pop(body, None)
        self._number_of |= self._added
        self._added = {}

    def forget(self) -> None:
        """Learn that what was added is not: its numbers are free again."""
        self._added = {}


class BodyTexts:
    """A reader's side: the texts of shared bodies. They are read when a number is met that is not known."""

    def __init__(self, read_after: Callable[[int], Iterable[BodyRow]]) -> None:
        self._read_after = read_after
        self._text_of: dict[str, str] = {}

    def learn(self, bodies: Iterable[str]) -> None:
        """Have at hand what these refer to, as far as the file has it."""
        if any(body not in self._text_of for body in bodies if not body.startswith("{")):
            rows = self._read_after(len(self._text_of))
            self._text_of |= {str(number): body for number, body in rows}

    def long(self, body: str) -> str:
        """Return the body that an event's column stands for.

        Raises:
            KeyError: the file does not have it.
        """
        return body if body.startswith("{") else self._text_of[body]


def _is_text(body: str) -> bool:
    return body.isascii() and body.startswith("{")
