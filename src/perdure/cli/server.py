"""``perdure server``: settings from flags, the environment and a file, then a server until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perdure.cli.config_file import NO_FILE, ConfigFile
from perdure.cli.config_file import read as read_config
from perdure.cli.setting import add_flags, choose
from perdure.cli.settings import CONFIG_VARIABLE, SERVER_SETTINGS, unknown_variables
from perdure.model.errors import InvalidRequest
from perdure.observe.logs import LogFormat, write_logs

if TYPE_CHECKING:
    from perdure.server.settings import ServerSettings

logger = logging.getLogger(__name__)

Commands = Any  # argparse's own type has no public name


def add_server(commands: Commands) -> None:
    parser = commands.add_parser(
        "server",
        help="serve iWF's protocol over HTTP",
        description="Serve iWF's protocol over HTTP: workflows run here, their code in workers that this server calls.",
        epilog="Every setting is also an environment variable, and a key of the file: --worker-url-allow is "
        "PERDURE_WORKER_URL_ALLOW and worker_url_allow.",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="settings in YAML, by these names or those of iWF's own server (none)"
    )
    add_flags(parser, SERVER_SETTINGS)
    parser.set_defaults(run=run_server, settings=SERVER_SETTINGS)


def run_server(options: argparse.Namespace) -> None:
    """Serve until told to stop.

    Raises:
        PerdureError: it cannot be done; the message says why.
    """
    try:
        import uvloop  # noqa: PLC0415  # an extra's: without it the other commands still work

        from perdure.server.serving import serve  # noqa: PLC0415
        from perdure.worker.process import allow_many_connections  # noqa: PLC0415
    except ImportError as error:
        raise InvalidRequest(
            f"the server needs {error.name}, which is not installed. Install it: pip install 'perdure[server]'"
        ) from None
    file = find_file(vars(options), os.environ)
    settings = read_settings(vars(options), os.environ, file)
    options.log_format = settings.log_format  # known from the file, too, from now on
    write_logs(sys.stderr, log_format=settings.log_format, level=settings.log_level)
    if unknown := unknown_variables(os.environ):
        logger.warning("these variables of the environment set nothing: %s", ", ".join(unknown))
    if file.unused:
        logger.warning("these settings of the file mean nothing to this server: %s", ", ".join(file.unused))
    allow_many_connections()
    uvloop.run(serve(settings, ready=lambda url: _tell(settings, url)))
    if settings.log_format is LogFormat.JSON:
        logger.info("stopped; everything is written")
    else:
        print("Stopped; everything is written.", flush=True)


def find_file(flags: Mapping[str, Any], environment: Mapping[str, str]) -> ConfigFile:
    """Read the file that is named by ``--config`` or its variable, if one is.

    Raises:
        InvalidRequest: it cannot be read, or something in it is wrong.
    """
    path = flags.get("config") or environment.get(CONFIG_VARIABLE)
    return read_config(path, SERVER_SETTINGS) if path else NO_FILE


def read_settings(
    flags: Mapping[str, Any], environment: Mapping[str, str], file: ConfigFile = NO_FILE
) -> ServerSettings:
    """Return the settings: flags first, then the environment, then the file, then the defaults.

    Raises:
        InvalidRequest: one of them is wrong.
    """
    from perdure.server.settings import ServerSettings  # noqa: PLC0415

    return ServerSettings(**choose(SERVER_SETTINGS, flags=flags, environment=environment, file=file.values))


def _tell(settings: ServerSettings, url: str) -> None:
    """Say that requests are taken: to people, or, where what is said is read by a program, in the log."""
    if settings.log_format is LogFormat.JSON:
        where = {"url": url, "database": str(Path(settings.db).absolute())}
        logger.info("serving iWF's protocol at %s", url, extra=where)
        return
    print(
        f"Perdure serves iWF's protocol at {url}\n"
        f"  database  {Path(settings.db).absolute()}\n"
        f"  workers   may be at {', '.join(settings.worker_url_allow)}\n"
        "Stop it with Ctrl-C.",
        flush=True,
    )
