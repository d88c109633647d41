"""What a person fills in, and what of it we take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from email_validator import EmailNotValidError, validate_email

_USERNAME = re.compile(r"[a-z0-9][a-z0-9_-]{1,30}[a-z0-9]")
_RESERVED = frozenset(
    {"admin", "administrator", "root", "support", "help", "postmaster", "abuse", "webmaster", "hostmaster", "signup"}
)
_NAME_LENGTH_MAX = 100
_WEB_ADDRESS = re.compile(r"[/:@<>\\]|\w\.\w{2}")  # our mails greet by name: nobody's advertisement travels in it
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # control characters, and marks that turn the line around


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was found to be in order."""

    username: str
    email: str
    """As mail is sent to it: its domain lower-cased and in ASCII, the part before the @ as it was typed."""
    first_name: str
    last_name: str

    @property
    def workflow_id(self) -> str:
        """The sign-up's own id: one at a time for each name, and the engine sees to that."""
        return f"signup:{self.username}"

    @property
    def same_mailbox(self) -> str:
        """The address in one spelling, to compare it with another."""
        return self.email.casefold()

    @property
    def masked_email(self) -> str:
        """Enough of the address to be known by its owner."""
        local, _, domain = self.email.rpartition("@")
        return f"{local[:1]}***@{domain}"


@dataclass(slots=True)
class Reading:
    """What was read from a submitted form: a form, or what is wrong with it, field by field."""

    form: Form | None
    errors: dict[str, str] = field(default_factory=dict)


def read_form(fields: Mapping[str, str]) -> Reading:
    """Check a submitted form; all of its errors at once, each with what to do."""
    errors: dict[str, str] = {}
    username = unicodedata.normalize("NFKC", fields.get("username", "")).strip().casefold()
    if not username:
        errors["username"] = "Choose a user name."
    elif not _USERNAME.fullmatch(username):
        errors["username"] = "Use 3 to 32 letters from a to z, digits, - or _, with a letter or digit at both ends."
    elif username in _RESERVED:
        errors["username"] = "This user name is not available. Choose another one."

    email = _email(fields.get("email", "").strip(), errors)
    first_name = _name(fields, "first_name", "Enter your first name.", errors)
    last_name = _name(fields, "last_name", "Enter your last name.", errors)
    return Reading(None if errors else Form(username, email, first_name, last_name), errors)


def _email(typed: str, errors: dict[str, str]) -> str:
    if not typed:
        errors["email"] = "Enter your e-mail address."
        return ""
    try:
        found = validate_email(typed, check_deliverability=False, strict=True, allow_smtputf8=False)
    except EmailNotValidError as err:
        errors["email"] = f"Enter an e-mail address such as ada@example.org. {err}"
        return ""
    assert found.ascii_email is not None, "without SMTPUTF8 every address has an ASCII form"
    return found.ascii_email


def _name(fields: Mapping[str, str], name: str, missing: str, errors: dict[str, str]) -> str:
    text = unicodedata.normalize("NFC", fields.get(name, "")).strip()
    if not text:
        errors[name] = missing
    elif len(text) > _NAME_LENGTH_MAX:
        errors[name] = f"Use at most {_NAME_LENGTH_MAX} characters; these are {len(text)}."
    elif any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        errors[name] = "Leave out characters that cannot be printed."
    elif _WEB_ADDRESS.search(text):
        errors[name] = "Leave out web and mail addresses."
    return text
