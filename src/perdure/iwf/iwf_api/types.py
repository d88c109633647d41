"""A value that was not given, which is not the same as ``None``."""

from __future__ import annotations

from typing import Final, Literal, TypeVar

T = TypeVar("T")


class Unset:
    """The class of ``UNSET``. False, so ``if policy.maximum_attempts:`` reads well."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


def given(value: T | Unset | None) -> T | None:
    """Return *value*, or ``None`` if it was not given."""
    return None if isinstance(value, Unset) else value
