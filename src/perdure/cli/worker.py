"""``perdure worker``: serves workflows of a module until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import Any

from perdure.cli.setting import add_flags, choose
from perdure.cli.settings import WORKER_HOST, WORKER_PORT, WORKER_SETTINGS, unknown_variables
from perdure.model.errors import InvalidRequest
from perdure.observe.logs import LEVELS, LogFormat, write_logs

logger = logging.getLogger(__name__)

Commands = Any  # argparse's own type has no public name


def add_worker(commands: Commands) -> None:
    parser = commands.add_parser(
        "worker",
        help="serve workflows to a server",
        description="Run workflows of a Python module for a server, ours or iWF's, which calls them over HTTP.",
        epilog="Every setting is also an environment variable: --port is PERDURE_WORKER_PORT.",
    )
    parser.add_argument(
        "target", metavar="MODULE:NAME", help="a Worker, a Registry, a workflow, or a list: signup.workflows:registry"
    )
    add_flags(parser, WORKER_SETTINGS)
    parser.set_defaults(run=run_worker, settings=WORKER_SETTINGS)


def run_worker(options: argparse.Namespace) -> None:
    """Serve until told to stop, then finish the calls under way.

    Raises:
        PerdureError: it cannot be done; the message says why.
    """
    try:
        import uvloop  # noqa: PLC0415  # an extra's: without it the other commands still work

        from perdure.server.settings import check_traces  # noqa: PLC0415
        from perdure.server.traced import traces  # noqa: PLC0415
        from perdure.worker.process import allow_many_connections, serve_worker  # noqa: PLC0415
    except ImportError as error:
        raise InvalidRequest(
            f"the worker needs {error.name}, which is not installed. Install it: pip install 'perdure[server]'"
        ) from None
    from perdure.cli.target import worker_at  # noqa: PLC0415  # `perdure server` runs no workflow, and loads none
    from perdure.worker.keys import read_keys_file  # noqa: PLC0415

    chosen = choose(WORKER_SETTINGS, flags=vars(options), environment=os.environ, file={})
    keys = chosen.get("verify_keys", ())
    if (file := chosen.get("verify_keys_file")) is not None:
        keys += read_keys_file(file)
    threads = chosen.get("threads")
    if threads is not None and threads < 1:
        raise InvalidRequest(f"threads is {threads}, expected 1 or more")
    port = chosen.get("port", WORKER_PORT)
    if not 0 <= port <= 65_535:
        raise InvalidRequest(f"port is {port}, expected 0 to 65535")
    where = check_traces(chosen.get("traces", "off"))
    worker = worker_at(options.target, threads=threads, keys=keys)
    level = chosen.get("log_level", "info")
    if level not in LEVELS:
        raise InvalidRequest(f"log_level is {level!r}, expected one of {', '.join(LEVELS)}")
    log_format = chosen.get("log_format", LogFormat.TEXT)
    write_logs(sys.stderr, log_format=log_format, level=level)
    if unknown := unknown_variables(os.environ):
        logger.warning("these variables of the environment set nothing: %s", ", ".join(unknown))
    types = ", ".join(sorted(worker.workflow_types))
    allow_many_connections()
    with traces(where) as tracing:
        uvloop.run(
            serve_worker(
                worker.asgi_app(),
                host=chosen.get("host", WORKER_HOST),
                port=port,
                ready=lambda url: _tell(url, types, worker.signed, log_format),
                around=None if tracing is None else tracing.asgi,
            )
        )
    if log_format is LogFormat.JSON:
        logger.info("stopped; no call is under way")
    else:
        print("Stopped; no call is under way.", flush=True)


def _tell(url: str, types: str, signed: bool, log_format: LogFormat) -> None:
    """Say that calls are taken: to people, or, where what is said is read by a program, in the log."""
    if log_format is LogFormat.JSON:
        logger.info("running workflows at %s", url, extra={"url": url, "workflow_types": types, "signed": signed})
        return
    print(
        f"Perdure runs workflows at {url}\n"
        f"  workflows  {types}\n"
        f"  calls      {'signed by its server only' if signed else 'of whoever reaches it'}\n"
        "Stop it with Ctrl-C.",
        flush=True,
    )
