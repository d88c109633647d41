"""``perdure doctor``: look a file through, say what is not well and what to do."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from perdure.cli.server import find_file
from perdure.cli.setting import add_flags, choose
from perdure.cli.settings import SERVER_SETTINGS

if TYPE_CHECKING:
    from perdure.blobs.settings import Blobs
    from perdure.engine.blob_doctor import BlobCount
    from perdure.engine.doctor import Finding

Commands = Any  # argparse's own type has no public name

STORAGE = tuple(setting for setting in SERVER_SETTINGS if setting.name == "external_storage")
"""Of the server's settings, what this command needs to know."""


def add_doctor(commands: Commands) -> None:
    parser = commands.add_parser(
        "doctor",
        help="look a database through",
        description="Look a database through: whether it is whole, and whether every open run can go on. "
        "Only reads; the file's owner may be at work meanwhile. Ends with 1 if something is found. Told where large "
        "values are kept, it looks whether all of them are there.",
    )
    parser.add_argument("file", metavar="FILE", help="the database")
    parser.add_argument("--config", metavar="FILE", help="the server's settings, which say where large values are kept")
    add_flags(parser, STORAGE)
    parser.set_defaults(run=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """Say what is found, and return the status to exit with.

    Raises:
        PerdureError: the file cannot be looked at; the message says why.
    """
    blobs = _blobs(options)
    progress = _Progress()
    count = 0
    for finding in _findings(options.file, blobs, progress):
        progress.clear()
        count += 1
        print(f"{finding.what}\n  {finding.remedy}", flush=True)
    progress.clear()
    seen = f"{progress.done} open runs looked at{progress.values}"
    print(f"{options.file} is well, {seen}." if not count else f"{options.file}: {count} found, {seen}.")
    return 1 if count else 0


def _blobs(options: argparse.Namespace) -> Blobs | None:
    file = find_file(vars(options), os.environ)
    chosen = choose(STORAGE, flags=vars(options), environment=os.environ, file=file.values)
    blobs: Blobs | None = chosen["external_storage"].blobs(read_only=True) if chosen else None
    return blobs


def _findings(file: str, blobs: Blobs | None, progress: _Progress) -> Iterator[Finding]:
    from perdure.engine.blob_doctor import examine_blobs, noted_stores  # noqa: PLC0415  # other commands need no engine
    from perdure.engine.doctor import examine  # noqa: PLC0415

    yield from examine(file, tell=progress.tell)
    if blobs is not None:
        yield from examine_blobs(file, blobs, tell=progress.tell_values)
    elif stores := noted_stores(file):
        named = " and ".join(map(repr, stores))
        progress.values = f", but not its large values in {named}: to have them looked at, say where that is with --config or --external-storage"


class _Progress:
    """How far it is, for a person who watches."""

    def __init__(self) -> None:
        self.done = 0
        self.values = ""
        """What is to be said of large values, after all else."""
        self._shown = False

    def tell(self, done: int, total: int) -> None:
        self.done = done
        if sys.stderr.isatty():
            print(f"\r{done} of {total} open runs", end="", file=sys.stderr, flush=True)
            self._shown = True

    def tell_values(self, count: BlobCount) -> None:
        self.values = f", {count.named} large values named, {count.unnamed} kept that nothing names"

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = False
