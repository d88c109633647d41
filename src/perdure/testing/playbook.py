"""A conversation with the interpreter, asserted line by line, without any runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import ndiff
from enum import Enum
from typing import Self

from perdure.interpreter.effects import Effect
from perdure.interpreter.events import Event, Resumed, Started
from perdure.interpreter.execution import Execution
from perdure.interpreter.refusal import RefusalKind
from perdure.interpreter.snapshot import Snapshot


class Playbook:
    """Feed events to an execution and assert the exact effects of each.

    Every ``when`` answers for its effects before the next: one without a ``then`` must have none.
    An event that is no genesis is asked for first (``refuse``), as an engine does. Example::

        with Playbook() as book:
            book.when(started, at_ms=0).then(invoke_submit)
            book.when(CallSucceeded(CallId(1), go_to_verify), at_ms=5).then(invoke_verify)
            book.refused(SignalReceived("letters"), RefusalKind.CLOSED)

    As a context manager it also asks the last ``when`` for its ``then``.
    """

    def __init__(self, execution: Execution | None = None) -> None:
        self.execution = Execution() if execution is None else execution
        self.effects: list[Effect] = []
        """What the last event caused."""
        self.now_ms = 0
        """The moment of the last event: the next one's, unless it says another."""
        self.conversation: list[tuple[Event, int]] = []
        """Every event so far with its moment, to be told again to another execution."""
        self._lines: list[str] = []
        self._owed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._settle()

    def when(self, event: Event, at_ms: int | None = None) -> Self:
        """Let *event* happen; ``then`` says what it causes."""
        self._settle()
        self.now_ms = self.now_ms if at_ms is None else at_ms
        self._lines.append(f">> {brief(event)}  at {self.now_ms} ms")
        refusal = None if isinstance(event, Started | Resumed) else self.execution.refuse(event)
        assert refusal is None, self._failure(f"the event is refused: {brief(refusal)}")
        self.effects = self.execution.handle(event, self.now_ms)
        self.conversation.append((event, self.now_ms))
        self._owed = True
        return self

    def then(self, *expected: Effect) -> Self:
        """Assert that the last event caused these effects, in this order, and no others."""
        assert self.effects == list(expected), self._failure("the effects differ", _difference(expected, self.effects))
        self._owe_nothing()
        return self

    def then_of(self, *kinds: type[Effect]) -> Self:
        """Assert only the kinds of the effects, in their order, where the values do not matter."""
        found = [type(effect) for effect in self.effects]
        assert found == list(kinds), self._failure(
            f"found effects {[kind.__name__ for kind in found]}, expected {[kind.__name__ for kind in kinds]}",
            [f"<< {brief(effect)}" for effect in self.effects],
        )
        self._owe_nothing()
        return self

    def refused(self, event: Event, kind: RefusalKind) -> Self:
        """Assert that *event* cannot happen now, and why."""
        self._settle()
        refusal = self.execution.refuse(event)
        self._lines.append(f">? {brief(event)}")
        assert refusal is not None, self._failure(f"found it accepted, expected {kind}")
        assert refusal.kind is kind, self._failure(f"found {brief(refusal)}, expected {kind}")
        self._lines.append(f"<< refused: {brief(refusal)}")
        return self

    def deadline(self, expected_ms: int | None) -> Self:
        """Assert when the execution wants to be told the time."""
        found_ms = self.execution.next_deadline_ms()
        assert found_ms == expected_ms, self._failure(
            f"found the next deadline at {found_ms} ms, expected {expected_ms} ms"
        )
        self._lines.append(f"   next deadline at {found_ms} ms")
        return self

    def restarted(self) -> Self:
        """Go on with another execution, restored from this one's snapshot; the two must agree.

        The effects still to be asserted stay as they are.
        """
        snapshot = self.execution.snapshot()
        self.execution = Execution.restore(snapshot)
        again = self.execution.snapshot()
        assert again == snapshot, self._failure("the restored execution differs", _difference([snapshot], [again]))
        self._lines.append("   restarted from its snapshot")
        return self

    def transcript(self) -> str:
        """Return the conversation so far, as a failure shows it."""
        return "\n".join(self._lines)

    def _owe_nothing(self) -> None:
        self._lines += [f"<< {brief(effect)}" for effect in self.effects]
        self._owed = False

    def _settle(self) -> None:
        if self._owed:
            self.then()

    def _failure(self, problem: str, lines: Iterable[str] = ()) -> str:
        return "\n".join([f"{problem}; the whole conversation:", *self._lines, *lines])


def brief(value: object) -> str:
    """Return a value in one line, leaving out every field that has its default."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, tuple):
        return f"({', '.join(map(brief, value))}{',' if len(value) == 1 else ''})"
    if is_dataclass(value) and not isinstance(value, type):
        said = (f"{field.name}={brief(getattr(value, field.name))}" for field in _telling(value, fields(value)))
        return f"{type(value).__name__}({', '.join(said)})"
    return repr(value)


def _telling(value: object, all_fields: Iterable[Field[object]]) -> Iterator[Field[object]]:
    for field in all_fields:
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if default is MISSING or getattr(value, field.name) != default:
            yield field


def _difference(expected: Iterable[Effect | Snapshot], found: Iterable[Effect | Snapshot]) -> list[str]:
    """Return both sides as one comparison, a field a line: ``-`` expected, ``+`` found."""
    wanted = [line for value in expected for line in _tall(value)]
    got = [line for value in found for line in _tall(value)]
    return ["(- expected, + found)", *(line.rstrip("\n") for line in ndiff(wanted, got))]


def _tall(value: object) -> list[str]:
    if not is_dataclass(value) or isinstance(value, type):
        return [repr(value)]
    shown = [f"    {field.name}={brief(getattr(value, field.name))}" for field in _telling(value, fields(value))]
    return [f"{type(value).__name__}(", *shown, ")"]
