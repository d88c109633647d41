"""``perdure server``: settings from flags and the environment, then a server until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perdure.model.errors import InvalidRequest

if TYPE_CHECKING:
    from perdure.server.settings import ServerSettings

Commands = Any  # argparse's own type has no public name


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing to set: ``--its-name`` on the command line, ``PERDURE_ITS_NAME`` in the environment."""

    name: str
    metavar: str
    help: str
    read: Callable[[str], Any] = str
    is_list: bool = False
    """A flag that is given several times; in the environment, separated by spaces."""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "PERDURE_" + self.name.upper()


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
    Setting("retention_days", "N", "how long ended runs are kept (for ever)", int),
)


def add_server(commands: Commands) -> None:
    parser = commands.add_parser(
        "server",
        help="serve iWF's protocol over HTTP",
        description="Serve iWF's protocol over HTTP: workflows run here, their code in workers that this server calls.",
        epilog="Every setting is also an environment variable: --worker-url-allow is PERDURE_WORKER_URL_ALLOW.",
    )
    for setting in SETTINGS:
        parser.add_argument(
            setting.flag,
            dest=setting.name,
            metavar=setting.metavar,
            help=setting.help,
            type=setting.read,
            action="append" if setting.is_list else "store",
            default=None,
        )
    parser.set_defaults(run=run_server)


def run_server(options: argparse.Namespace) -> None:
    """Serve until told to stop.

    Raises:
        PerdureError: it cannot be done; the message says why.
    """
    try:
        import uvloop  # noqa: PLC0415  # an extra's: without it the other commands still work

        from perdure.server.serving import serve  # noqa: PLC0415
    except ImportError as error:
        raise InvalidRequest(
            f"the server needs {error.name}, which is not installed. Install it: pip install 'perdure[server]'"
        ) from None
    settings = read_settings(vars(options), os.environ)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    uvloop.run(serve(settings, ready=lambda url: _tell(settings, url)))
    print("Stopped; everything is written.", flush=True)


def read_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> ServerSettings:
    """Return the settings: flags first, then the environment, then the defaults.

    Raises:
        InvalidRequest: one of them is wrong.
    """
    from perdure.server.settings import ServerSettings  # noqa: PLC0415

    chosen: dict[str, Any] = {}
    for setting in SETTINGS:
        found = flags.get(setting.name)
        if found is None and (text := environment.get(setting.variable)):
            found = _read_variable(setting, text)
        if found is not None:
            chosen[setting.name] = tuple(found) if setting.is_list else found
    return ServerSettings(**chosen)


def _read_variable(setting: Setting, text: str) -> Any:
    try:
        return [setting.read(part) for part in text.split()] if setting.is_list else setting.read(text)
    except ValueError:
        raise InvalidRequest(f"{setting.variable} is {text!r}, expected {setting.metavar}: {setting.help}") from None


def _tell(settings: ServerSettings, url: str) -> None:
    print(
        f"Perdure serves iWF's protocol at {url}\n"
        f"  database  {Path(settings.db).absolute()}\n"
        f"  workers   may be at {', '.join(settings.worker_url_allow)}\n"
        "Stop it with Ctrl-C.",
        flush=True,
    )
