"""What a fork must not pass on: a child that held a connection open would keep its end from being noticed."""

from __future__ import annotations

import os

_descriptors: dict[int, None] = {}


def keep_from_children(descriptor: int) -> None:
    """Let the children of this process not have what a descriptor stands for, until ``released``."""
    _descriptors[descriptor] = None


def released(descriptor: int) -> None:
    """Forget a descriptor, before it is closed: its number will be another's."""
    _descriptors.pop(descriptor, None)


def _drop_all() -> None:
    # Replaced, not closed: objects that the child has a copy of will close these numbers once more.
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for descriptor in _descriptors:
        os.dup2(nothing, descriptor, inheritable=False)
    _descriptors.clear()
    os.close(nothing)


os.register_at_fork(after_in_child=_drop_all)
