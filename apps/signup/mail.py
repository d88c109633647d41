"""Hands a mail to a mail server, and tells what became of it in one of three words."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum

from signup.settings import Settings, SmtpTls


class Outcome(StrEnum):
    """What became of a mail."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    """Not taken now, or not known: try again. It may then arrive twice, under one Message-ID."""
    PERMANENT = "permanent"
    """This address does not take this mail, however often one tries."""


@dataclass(frozen=True, slots=True)
class Delivery:
    outcome: Outcome
    code: int = 0
    """The mail server's; 0: it did not answer."""
    text: str = ""


class Mailer:
    """Sends mails by SMTP, one connection for each: a sign-up sends a handful in its life."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: EmailMessage, *, to: str) -> Delivery:
        """Hand *message* to the mail server for the address *to*. Blocks; never raises for what a server does."""
        settings = self._settings
        try:
            with self._connection() as smtp:
                # What the server refuses before it hears of the recipient is our fault or its own,
                # not the recipient's: never permanent.
                smtp.ehlo_or_helo_if_needed()
                refused = smtp.send_message(message, from_addr=settings.mail_from, to_addrs=[to])
                assert not refused, "one recipient: refused means raised"
                return Delivery(Outcome.ACCEPTED, 250)
        except smtplib.SMTPRecipientsRefused as err:
            code, text = err.recipients[to]
            return _by_code(code, text)
        except smtplib.SMTPDataError as err:
            return _by_code(err.smtp_code, err.smtp_error)
        except smtplib.SMTPResponseException as err:  # greeting, login, sender
            return Delivery(Outcome.TEMPORARY, err.smtp_code, _text(err.smtp_error))
        except (OSError, smtplib.SMTPException) as err:  # unreachable, no TLS, hung up, silent
            return Delivery(Outcome.TEMPORARY, 0, f"{type(err).__name__}: {err}")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        seconds = settings.smtp_timeout.total_seconds()
        context = None if settings.smtp_tls is SmtpTls.OFF else ssl.create_default_context()  # 10 ms
        if settings.smtp_tls is SmtpTls.SSL:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=seconds, context=context
            )
        else:
            smtp = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=seconds)
        try:
            if settings.smtp_tls is SmtpTls.STARTTLS:
                smtp.starttls(context=context)
            if settings.smtp_user:
                smtp.login(settings.smtp_user, settings.smtp_password)
            yield smtp
            # The mail is taken: how the server says goodbye changes nothing of it.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
        finally:
            smtp.close()


def _by_code(code: int, text: bytes | str) -> Delivery:
    outcome = Outcome.PERMANENT if 500 <= code < 600 else Outcome.TEMPORARY
    return Delivery(outcome, code, _text(text))


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
