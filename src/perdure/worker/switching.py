"""How soon a thread that computes lets another one go on."""

from __future__ import annotations

import sys
from threading import Lock

INTERVAL_S = 0.001
"""CPython's own is 5 ms, and whoever gave the interpreter up for a system call may wait as long to have it
back: a dozen times between a call and its answer. Shorter costs more in switching than it gains."""


class Switching:
    """Keeps the interpreter's switch interval short while at least one holds it so.

    It is one setting for the whole process (``sys.setswitchinterval``): an interval that somebody has made
    shorter, or sets in the meantime, is left alone.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders = 0
        self._found_s: float | None = None
        """What to go back to; ``None``: nothing was changed."""

    def hold(self) -> None:
        """Have it short until ``release``, which is due once for each call of this."""
        with self._lock:
            self._holders += 1
            found_s = sys.getswitchinterval()
            if self._holders == 1 and found_s > INTERVAL_S:
                self._found_s = found_s
                sys.setswitchinterval(INTERVAL_S)

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders or self._found_s is None:
                return
            if sys.getswitchinterval() == INTERVAL_S:
                sys.setswitchinterval(self._found_s)
            self._found_s = None


switching = Switching()
"""The process's: there is one interpreter in it."""
