"""Starts the whole sign-up service in one process, to be looked at, killed and started again.

    python -m signup.demo

Everything it knows is in one folder: the engine's database, the mails, the keys. A mail server of
its own takes every mail and shows it on a page, so no mail leaves the machine.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from perdure import PerdureError, connect
from signup.inbox import MailServer, MailStore, pages
from signup.settings import PREFIX, REMINDERS_MAX, Settings, SettingsError, duration
from signup.web import create_app
from signup.workflow import Signup

HOST = "127.0.0.1"
PORT = 8000
SMTP_PORT = 8025
FOLDER = Path("var/signup")

# Hours and days are for production; here one wants to see a reminder before the coffee is ready.
SECONDS_INSTEAD_OF_HOURS = {
    "SIGNUP_REMIND_EVERY": "30s",
    "SIGNUP_EXPIRE_AFTER": "10m",
    "SIGNUP_RESEND_EVERY": "10s",
    "SIGNUP_MAIL_RETRY_EVERY": "10s",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    port: int
    smtp_port: int
    folder: Path
    remind_every: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; return the exit code."""
    options = _options(arguments)
    try:
        settings = demo_settings(options, os.environ)
        with running(options, settings) as server:
            print(_told(options, settings), flush=True)
            server.run()  # returns when _stop is called in its middle
    except SettingsError as err:
        print(err, file=sys.stderr)
        return 2
    except (OSError, PerdureError) as err:
        print(f"the demo cannot start: {err}", file=sys.stderr)
        return 1
    print("stopped; start it again and it goes on where it was", flush=True)
    return 0


def demo_settings(options: Options, environ: Mapping[str, str]) -> Settings:
    """Return the settings: those of the environment win over the demo's own."""
    options.folder.mkdir(parents=True, exist_ok=True)
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    if options.remind_every is not None:
        given["SIGNUP_REMIND_EVERY"] = options.remind_every
    instead = {**SECONDS_INSTEAD_OF_HOURS, **_time_to_verify(given)}
    ours = {
        "SIGNUP_BASE_URL": f"http://{HOST}:{options.port}",
        "SIGNUP_SMTP_HOST": HOST,
        "SIGNUP_SMTP_PORT": str(options.smtp_port),
    }
    return Settings.from_environment({**instead, **ours, **_keys(options.folder / "keys.env"), **given})


def _time_to_verify(given: Mapping[str, str]) -> dict[str, str]:
    """Let the demo's links live longer than the reminders asked for: the last one must not bring a dead link."""
    try:
        remind_every = duration(given.get("SIGNUP_REMIND_EVERY", SECONDS_INSTEAD_OF_HOURS["SIGNUP_REMIND_EVERY"]))
        reminders_max = int(given.get("SIGNUP_REMINDERS_MAX", REMINDERS_MAX))
    except (ValueError, OverflowError):
        return {}  # told with all other problems, when the settings are read
    needed, usual = remind_every * (reminders_max + 1), duration(SECONDS_INSTEAD_OF_HOURS["SIGNUP_EXPIRE_AFTER"])
    return {"SIGNUP_EXPIRE_AFTER": f"{needed.total_seconds()}s"} if needed > usual else {}


@contextmanager
def running(options: Options, settings: Settings) -> Iterator[MultiSocketServer | BaseWSGIServer]:
    """Start the mail server, the engine and the web server, in this order; stop them in the other."""
    with ExitStack() as stack:
        stack.enter_context(_alone_in(options))
        store = MailStore(options.folder / "inbox")
        mail_server = MailServer(store, host=HOST, port=options.smtp_port)
        with _told_apart("smtp_port", options):
            mail_server.start()
        stack.callback(mail_server.stop)
        # From here on the engine goes on with all that was under way, so its mail server is there already.
        client = stack.enter_context(
            connect(f"sqlite:///{quote(str(options.folder / 'signup.db'))}", Signup(settings, now=utc_now))
        )
        app = create_app(settings, client)
        app.register_blueprint(pages(store))
        app.context_processor(lambda: {"inbox_here": True})
        with _told_apart("port", options):
            server = create_server(app, host=HOST, port=options.port, threads=8)
        stack.callback(server.close)
        previous = signal.signal(signal.SIGTERM, _stop)
        stack.callback(signal.signal, signal.SIGTERM, previous)
        yield server


@contextmanager
def _alone_in(options: Options) -> Iterator[None]:
    """Keep a folder to this demo: a second one could share its database, and would show another inbox."""
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(
                f"{folder} is in use by another demo; stop that one, or choose another folder: "
                + _command(options, folder=Path("var/another"))
            ) from None
        yield


@contextmanager
def _told_apart(option: str, options: Options) -> Iterator[None]:
    """Say which of the two ports cannot be had."""
    try:
        yield
    except OSError as err:
        port: int = getattr(options, option)
        taken = {options.port, options.smtp_port}
        free = next(each for each in (*range(port + 1, 65_536), *range(port, 0, -1)) if each not in taken)
        raise OSError(
            f"port {port} of {HOST} cannot be had ({err.strerror}); choose another one: "
            + _command(options, **{option: free})
        ) from err


def _command(options: Options, **changed: Any) -> str:
    """Return how to start the demo with something else: that first, and then whatever was asked for before."""
    wanted = replace(options, **changed)
    flags = {
        "port": ("--port", wanted.port, PORT),
        "smtp_port": ("--smtp-port", wanted.smtp_port, SMTP_PORT),
        "folder": ("--directory", wanted.folder, FOLDER.resolve()),
        "remind_every": ("--remind-every", wanted.remind_every, None),
    }
    said = [
        f"{flag} {shlex.quote(str(value))}"
        for _, (flag, value, usual) in sorted(flags.items(), key=lambda each: each[0] not in changed)
        if value != usual
    ]
    return f"make demo ARGS={shlex.quote(' '.join(said))}"


def utc_now() -> datetime:
    return datetime.now(UTC)  # the edge of this service: where its time comes in


def _stop(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


def _keys(file: Path) -> dict[str, str]:
    """Return the demo's own keys, drawn at its first start: links must work after the next one, too."""
    if not file.exists():
        drawn = f"SIGNUP_SECRET_KEY={secrets.token_hex(32)}\nSIGNUP_TOKEN_KEYS=1:{secrets.token_hex(32)}\n"
        unfinished = file.with_suffix(".unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_text(drawn)
        unfinished.replace(file)
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m signup.demo", description="The sign-up service, all of it in one process."
    )
    parser.add_argument("--port", type=_port, default=PORT, help=f"of the web pages ({PORT})")
    parser.add_argument(
        "--smtp-port", type=_port, default=SMTP_PORT, help=f"of the demo's own mail server ({SMTP_PORT})"
    )
    parser.add_argument("--directory", type=Path, default=FOLDER, help="where everything is kept (./var/signup)")
    parser.add_argument("--remind-every", help="such as 5s, 10m or 24h (30s)")
    given = parser.parse_args(arguments)
    return Options(given.port, given.smtp_port, given.directory.resolve(), given.remind_every)


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a port, 1 to 65535")
    return int(text)


def _told(options: Options, settings: Settings) -> str:
    return f"""
The sign-up service runs.

  sign up       {settings.base_url}/signup
  read mail     {settings.base_url}/inbox
  reminders     every {settings.remind_every.total_seconds():g} s, {settings.reminders_max} at most
  database      {options.folder / "signup.db"}
  mails         {options.folder / "inbox"}

Sign up, then kill it in the middle and start it again: it goes on where it was.

  kill -KILL {os.getpid()}

Stop it with Ctrl-C.
"""


if __name__ == "__main__":
    sys.exit(main())
