"""A mail server for development: takes every mail, keeps it in a folder, and shows it on a page.

It speaks SMTP as a real one does, and answers 250 once the mail is on the disk, so it forgets
nothing when the process is killed. It is for one machine: it delivers nothing, and asks nobody
for a password.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Blueprint, Response, abort, render_template

_MAIL_BYTES_MAX = 1_000_000
_URL = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived."""

    number: int
    """Counted from 1 in the order of arrival."""
    received_at: datetime
    message: EmailMessage
    repeat_of: int | None = None
    """The first mail of the same Message-ID: this one was sent again, it is not another one."""

    @property
    def subject(self) -> str:
        return str(self.message.get("Subject", "(no subject)"))

    @property
    def to(self) -> str:
        return str(self.message.get("To", ""))

    @property
    def message_id(self) -> str:
        return str(self.message.get("Message-ID", "")).strip()

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body is not None else ""

    @property
    def links(self) -> list[str]:
        """Every web address in it, once, in the order of appearance."""
        body = self.message.get_body(("html",))
        hrefs = _hrefs(str(body.get_content())) if body is not None else []
        return list(dict.fromkeys([*_URL.findall(self.text), *hrefs]))


class MailStore:
    """Keeps mails as files ``000001.eml`` … in a folder. One process at a time writes to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, content: bytes) -> int:
        """Write a mail to the disk and return its number. Afterwards no crash loses it, and half a mail is never seen."""
        with self._lock:
            number = max(self._numbers(), default=0) + 1
            unfinished = self._folder / "unfinished"
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path(number))
            _fsync_folder(self._folder)
            return number

    def mails(self) -> list[Mail]:
        """Return all mails, oldest first, each repeat marked as such."""
        first: dict[str, int] = {}
        mails = []
        for number in sorted(self._numbers()):
            mail = self._read(number, first)
            if mail.message_id:
                first.setdefault(mail.message_id, number)
            mails.append(mail)
        return mails

    def raw(self, number: int) -> bytes | None:
        """Return a mail as it arrived; ``None`` if there is none of that number."""
        path = self._path(number)
        return path.read_bytes() if path.exists() else None

    def _read(self, number: int, first: dict[str, int]) -> Mail:
        path = self._path(number)
        message = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage), "the default policy makes these"
        mail = Mail(number, datetime.fromtimestamp(path.stat().st_mtime, UTC), message)
        earlier = first.get(mail.message_id)
        return Mail(mail.number, mail.received_at, message, earlier) if earlier else mail

    def _numbers(self) -> Iterator[int]:
        return (int(path.stem) for path in self._folder.glob("*.eml") if path.stem.isdecimal())

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.eml"


class MailServer:
    """Listens for SMTP on this machine, in a thread of its own, and keeps what comes in a store."""

    def __init__(self, store: MailStore, *, host: str = "127.0.0.1", port: int) -> None:
        self._controller = Controller(
            _Handler(store), hostname=host, port=port, data_size_limit=_MAIL_BYTES_MAX, ident="development inbox"
        )

    def start(self) -> None:
        """Begin to listen; returns once mail can be sent.

        Raises:
            OSError: the port is taken.
        """
        # The controller tells of a port that is taken only after five seconds.
        socket.create_server((self._controller.hostname, self._controller.port)).close()
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop(no_assert=True)


class _Handler:
    """What the mail server asks about each mail."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # aiosmtpd's name
        content = envelope.original_content
        assert content is not None, "DATA comes with content"
        number = self._store.keep(content)  # blocks this server's own loop for one fsync: that is its pace
        return f"250 kept as {number}"


def pages(store: MailStore) -> Blueprint:
    """Return the pages that show the inbox: ``/inbox`` and one for each mail."""
    blueprint = Blueprint("inbox", __name__)

    @blueprint.get("/inbox")
    def inbox() -> str:
        return render_template("inbox.html", mails=store.mails()[::-1])

    @blueprint.get("/inbox/<int:number>")
    def mail(number: int) -> str:
        found = next((mail for mail in store.mails() if mail.number == number), None)
        if found is None:
            abort(404)
        return render_template("inbox_mail.html", mail=found)

    @blueprint.get("/inbox/<int:number>.eml")
    def source(number: int) -> Response:
        raw = store.raw(number)
        if raw is None:
            abort(404)
        return Response(raw, mimetype="text/plain")

    return blueprint


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value for name, value in attrs if tag == "a" and name == "href" and value and _URL.fullmatch(value)
        ]


def _hrefs(html: str) -> list[str]:
    parser = _Hrefs()
    parser.feed(html)
    return parser.found


def _fsync_folder(folder: Path) -> None:
    """Make a rename durable, not only the file it names."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
