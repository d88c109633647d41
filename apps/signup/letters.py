"""The mails we write: their words, and the headers that let a mailbox thread them and know a repeat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from enum import StrEnum
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from signup.form import Form
from signup.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"


class Kind(StrEnum):
    """What a mail is for."""

    VERIFY = "verify"
    REMINDER = "reminder"
    WELCOME = "welcome"


# No name in a subject: it would let a stranger write the subject of a mail to somebody else.
_SUBJECTS = {
    Kind.VERIFY: "Please confirm your e-mail address",
    Kind.REMINDER: "Reminder: please confirm your e-mail address",
    Kind.WELCOME: "Welcome",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """All that a mail is made of. Equal letters are one mail, sent once or, after a crash, twice."""

    kind: Kind
    number: int
    """Counted from 1 for each kind within one sign-up."""
    workflow_id: str
    run_id: str
    form: Form
    link: str
    expires_at: datetime


class Letters:
    """Writes mails from the templates: plain text first and complete, the same in HTML beside it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES / "mail"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(self, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["Message-ID"] = self.message_id(letter, letter.kind, letter.number)
        message["Date"] = formatdate()
        message["From"] = self._settings.mail_from
        message["To"] = Address(addr_spec=letter.form.email)
        message["Subject"] = _SUBJECTS[letter.kind]
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday reply comes back
        message["X-Signup-Ref"] = letter.workflow_id
        if letter.kind is Kind.REMINDER:
            first = self.message_id(letter, Kind.VERIFY, 1)
            message["In-Reply-To"] = first
            message["References"] = first
        message.set_content(self._render(letter, "txt"))
        message.add_alternative(self._render(letter, "html"), subtype="html")
        return message

    def message_id(self, letter: Letter, kind: Kind, number: int) -> str:
        """Name a mail by what it is, not by the attempt that sends it, so that a repeat bears the same name."""
        parts = "\n".join((letter.workflow_id, letter.run_id, kind, str(number)))
        return f"<{hashlib.sha256(parts.encode()).hexdigest()[:32]}@{self._settings.mail_domain}>"

    def _render(self, letter: Letter, suffix: str) -> str:
        return self._templates.get_template(f"{letter.kind}.{suffix}").render(
            letter=letter,
            form=letter.form,
            settings=self._settings,
            expires=f"{letter.expires_at:%-d %B %Y, %H:%M} UTC",
        )
