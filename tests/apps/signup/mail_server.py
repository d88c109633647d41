"""A mail server that answers as a test tells it, and remembers what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.ports import quiet_port


@dataclass(frozen=True)
class Taken:
    """A mail that was taken, and the moment by the clock that the test gave."""

    message: EmailMessage
    at: object = None

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def link(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return next(line for line in str(body.get_content()).splitlines() if line.startswith("http"))


class ScriptedMailServer:
    """Gives *answers*, one after the other, to the command *at*; everything else is fine with it."""

    def __init__(self, *answers: str, at: str = "DATA") -> None:
        self.answers, self.at = list(answers), at
        self.taken: list[Taken] = []
        self.clock: Callable[[], object] = lambda: None
        self.before_answer: Callable[[Taken], None] = lambda _: None
        """Called when a mail is on the disk, so to speak, and its sender does not know it yet."""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer("MAIL") or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._answer("RCPT") or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if refused := self._answer("DATA"):
            return refused
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken.append(Taken(message, self.clock()))
        self.before_answer(self.taken[-1])
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self._answer("QUIT") or "221 Bye"

    def _answer(self, command: str) -> str | None:
        return self.answers.pop(0) if command == self.at and self.answers else None

    @contextmanager
    def listening(self, port: int | None = None) -> Iterator[int]:
        controller = Controller(
            self, hostname="127.0.0.1", port=port or quiet_port(), server_hostname="localhost", ready_timeout=60
        )
        controller.start()
        try:
            yield int(controller.port)
        finally:
            # A connection whose end it has not seen yet would be left open, and the warning of it fails whichever test runs.
            asyncio.run_coroutine_threadsafe(_until_left(), controller.loop).result(60)
            controller.stop()


async def _until_left() -> None:
    async with asyncio.timeout(30):
        while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - it is told to nobody
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.001)  # the last one's transport is closed a turn later
