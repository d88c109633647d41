"""``perdure resume``: let a restored copy work."""

from __future__ import annotations

import argparse
from typing import Any

Commands = Any  # argparse's own type has no public name


def add_resume(commands: Commands) -> None:
    parser = commands.add_parser(
        "resume",
        help="let a restored copy work",
        description="Let a copy that `perdure backup` has written work in its original's place. The original must not "
        "work any more: both would do everybody's work, and send everybody's mail twice.",
    )
    parser.add_argument("file", metavar="FILE", help="the copy")
    parser.set_defaults(run=run_resume)


def run_resume(options: argparse.Namespace) -> None:
    """Say that it may work.

    Raises:
        PerdureError: it cannot be done; the message says why.
    """
    from perdure.engine.restored import resume  # noqa: PLC0415  # other commands need no engine

    if resume(options.file):
        print(f"{options.file} may work now; its original may not any more.")
    else:
        print(f"{options.file} is not paused; nothing is changed.")
