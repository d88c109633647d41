"""Which command is meant, and what is said when it cannot be done."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from perdure.cli.backup import add_backup
from perdure.cli.doctor import add_doctor
from perdure.cli.resume import add_resume
from perdure.cli.server import add_server
from perdure.cli.worker import add_worker
from perdure.model.errors import PerdureError
from perdure.observe.logs import JsonFormatter, LogFormat


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the status to exit with: 0, 1 if it failed or found
    something, 2 if it could not be read.
    """
    parser = argparse.ArgumentParser(prog="perdure", description="Durable workflows.")
    parser.add_argument("--version", action="version", version=f"perdure {version('perdure')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_server(commands)
    add_worker(commands)
    add_doctor(commands)
    add_backup(commands)
    add_resume(commands)
    options = parser.parse_args(arguments)
    try:
        status: int | None = options.run(options)
    except PerdureError as error:
        print(_as_json(error) if _wants_json(options) else f"perdure: {error}", file=sys.stderr)
        return 1
    return status or 0


def _wants_json(options: argparse.Namespace) -> bool:
    """Say whether a program reads what this command says, as far as was known when it failed."""
    for setting in getattr(options, "settings", ()):
        if setting.name == "log_format":
            return (options.log_format or os.environ.get(setting.variable)) == LogFormat.JSON
    return False


def _as_json(error: PerdureError) -> str:
    """Return the line that a log has for what keeps a command from beginning."""
    record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, str(error), None, None)
    record.error_type = type(error).__name__
    return JsonFormatter().format(record)
