"""``perdure doctor``: look a file through, say what is not well and what to do."""

from __future__ import annotations

import argparse
import sys
from typing import Any

Commands = Any  # argparse's own type has no public name


def add_doctor(commands: Commands) -> None:
    parser = commands.add_parser(
        "doctor",
        help="look a database through",
        description="Look a database through: whether it is whole, and whether every open run can go on. "
        "Only reads; the file's owner may be at work meanwhile. Ends with 1 if something is found.",
    )
    parser.add_argument("file", metavar="FILE", help="the database")
    parser.set_defaults(run=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """Say what is found, and return the status to exit with.

    Raises:
        PerdureError: the file cannot be looked at; the message says why.
    """
    from perdure.engine.doctor import examine  # noqa: PLC0415  # other commands need no engine

    progress = _Progress()
    count = 0
    for finding in examine(options.file, tell=progress.tell):
        progress.clear()
        count += 1
        print(f"{finding.what}\n  {finding.remedy}", flush=True)
    progress.clear()
    runs = f"{progress.done} open runs looked at"
    print(f"{options.file} is well, {runs}." if not count else f"{options.file}: {count} found, {runs}.")
    return 1 if count else 0


class _Progress:
    """How far it is, for a person who watches."""

    def __init__(self) -> None:
        self.done = 0
        self._shown = False

    def tell(self, done: int, total: int) -> None:
        self.done = done
        if sys.stderr.isatty():
            print(f"\r{done} of {total} open runs", end="", file=sys.stderr, flush=True)
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = False
