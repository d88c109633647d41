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
from perdure.cli.mappings import read_external_storage, read_headers, read_search_attributes, read_workflow_config
from perdure.cli.setting import Setting, add_flags, choose
from perdure.model.errors import InvalidRequest
from perdure.observe.logs import LEVELS, LogFormat, write_logs

if TYPE_CHECKING:
    from perdure.server.settings import ServerSettings

logger = logging.getLogger(__name__)

Commands = Any  # argparse's own type has no public name


SETTINGS = (
    Setting("db", "FILE", "the database, made if there is none (perdure.db)"),
    Setting("host", "HOST", "address to listen at (127.0.0.1); whoever reaches it can do anything"),
    Setting("port", "PORT", "port to listen at, 0 for any that is free (8801)", int),
    Setting(
        "worker_url_allow",
        "WHERE",
        "network, address or origin where workers may be, in place of this machine's own; may be repeated",
        is_list=True,
    ),
    Setting("max_wait_seconds", "N", "the longest a call may wait for a result (58)", int),
    Setting("body_bytes_max", "N", "the longest request (4 MiB)", int),
    Setting("worker_reply_bytes_max", "N", "the longest answer of a worker (4 MiB)", int),
    Setting("worker_calls_max", "N", "calls under way at once for one workflow type at one worker URL (512)", int),
    Setting("worker_headers", "JSON", "headers sent to workers with every call of a state (none)", take=read_headers),
    Setting(
        "default_workflow_config",
        "JSON",
        "what holds for workflows whose start does not say otherwise (nothing)",
        take=read_workflow_config,
    ),
    Setting(
        "search_attributes",
        "JSON",
        "the only search attributes that may be written, with their types (any)",
        take=read_search_attributes,
    ),
    Setting(
        "external_storage",
        "JSON",
        "where values too large for the database are kept (nowhere)",
        take=read_external_storage,
    ),
    Setting("worker_ca_file", "FILE", "whose certificates to trust of workers at https (the system's authorities)"),
    Setting("signing_keys_file", "FILE", "keys to sign calls to workers with, one a line (not signed)"),
    Setting("signing_keys", "KEYS", "keys to sign calls to workers with (not signed)", is_list=True, is_secret=True),
    Setting("log_format", "FORMAT", f"{' or '.join(LogFormat)}: how the log is written (text)", LogFormat),
    Setting("log_level", "LEVEL", f"{', '.join(LEVELS)}: from where on it is written (info)", str.lower),
    Setting("metrics", "WHERE", "figures for Prometheus: on, at /metrics of this address; off; or HOST:PORT (on)"),
    Setting("traces", "WHERE", "spans of calls to workers: off, or otlp, to an OpenTelemetry collector (off)"),
    Setting("retention_days", "N", "how long ended runs are kept (for ever)", int),
)
CONFIG_VARIABLE = "PERDURE_CONFIG"


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
    add_flags(parser, SETTINGS)
    parser.set_defaults(run=run_server)


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
    write_logs(sys.stderr, log_format=settings.log_format, level=settings.log_level)
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
    return read_config(path, SETTINGS) if path else NO_FILE


def read_settings(
    flags: Mapping[str, Any], environment: Mapping[str, str], file: ConfigFile = NO_FILE
) -> ServerSettings:
    """Return the settings: flags first, then the environment, then the file, then the defaults.

    Raises:
        InvalidRequest: one of them is wrong.
    """
    from perdure.server.settings import ServerSettings  # noqa: PLC0415

    return ServerSettings(**choose(SETTINGS, flags=flags, environment=environment, file=file.values))


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
