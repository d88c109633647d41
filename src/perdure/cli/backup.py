"""``perdure backup``: a consistent copy of a database, whoever is at work on it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

Commands = Any  # argparse's own type has no public name


def add_backup(commands: Commands) -> None:
    parser = commands.add_parser(
        "backup",
        help="copy a database, also one in use",
        description="Copy a database as it is at this moment, also while its owner is at work. The copy is durable once "
        "this ends, and paused: nothing of it is done by anybody before `perdure resume`.",
    )
    parser.add_argument("file", metavar="FILE", help="the database")
    parser.add_argument("copy", metavar="DEST", help="the copy's name; there may be no such file yet")
    parser.set_defaults(run=run_backup)


def run_backup(options: argparse.Namespace) -> None:
    """Write the copy.

    Raises:
        PerdureError: it cannot be done, and there is no copy; the message says why.
    """
    from perdure.store.backup import write_backup  # noqa: PLC0415  # other commands need no store

    copy = Path(options.copy)
    write_backup(Path(options.file), copy)
    print(f"{copy} is a copy of {options.file}, {copy.stat().st_size:,} bytes. It is paused: see `perdure resume`.")
