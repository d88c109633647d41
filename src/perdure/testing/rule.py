"""Which paragraph of the specification a test stands for, written on the test itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])

_ATTRIBUTE = "__perdure_rules__"


def rule(*sections: str) -> Callable[[Test], Test]:
    """Record on a test function the sections of the specification that it proves, ``@rule("2.5")``.

    May be given several times; knows nothing of the test's runner.
    """
    if not sections:
        raise ValueError("a rule needs at least one section, such as @rule('2.5')")

    def record(test: Test) -> Test:
        setattr(test, _ATTRIBUTE, (*sections, *rules_of(test)))
        return test

    return record


def rules_of(test: Callable[..., object]) -> tuple[str, ...]:
    """Return the sections recorded on *test*, in the order they stand above it."""
    sections: tuple[str, ...] = getattr(test, _ATTRIBUTE, ())
    return sections
