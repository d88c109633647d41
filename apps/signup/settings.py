"""What an operator may set, read from the environment and checked before anything starts.

Each setting is a variable ``SIGNUP_<FIELD>``. Durations are a number and a unit: ``500ms``, ``90s``,
``24h``, ``7d``. Keys are hexadecimal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from signup.tokens import KEY_BYTES_MIN

PREFIX = "SIGNUP_"
REMINDERS_MAX = 3
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class SettingsError(ValueError):
    """The settings cannot be used; the message lists every problem found."""


class SmtpTls(StrEnum):
    """How the connection to the mail server is protected."""

    OFF = "off"
    STARTTLS = "starttls"
    """Upgraded before anything is said; a server that cannot is not spoken to."""
    SSL = "ssl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of the service. Raises ``SettingsError`` when made with values that cannot work."""

    secret_key: bytes = field(repr=False)
    """Signs cookies and forms."""
    token_keys: Mapping[int, bytes] = field(repr=False)
    """Sign the links in mails. The first one signs, all verify; keep an old one for ``expire_after``."""
    base_url: str = "http://127.0.0.1:8000"
    """Where the pages are reached from outside; links are built from this, never from a request."""

    remind_every: timedelta = timedelta(hours=24)
    reminders_max: int = REMINDERS_MAX
    expire_after: timedelta = timedelta(days=7)
    """How long a link lives, and with it a sign-up that is never verified."""
    resend_every: timedelta = timedelta(seconds=60)
    """How long to wait before asking for the mail once more."""
    resends_max: int = 5
    mail_retry_every: timedelta = timedelta(minutes=5)
    """How long a mail server that cannot take a mail is left alone, after a few quick attempts."""

    mail_from: str = "signup@example.org"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 25
    smtp_tls: SmtpTls = SmtpTls.OFF
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    smtp_timeout: timedelta = timedelta(seconds=30)
    """For each answer of the mail server."""

    def __post_init__(self) -> None:
        if problems := self._problems():
            raise SettingsError(_listed(problems))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; what is not set keeps its default, the two keys have none."""
        values: dict[str, Any] = {}
        problems = [f"{name} is not a setting" for name in environ if name.startswith(PREFIX) and name not in NAMES]
        for name, (field_name, read) in NAMES.items():
            try:
                if name in environ:
                    values[field_name] = read(environ[name])
                elif field_name in {"secret_key", "token_keys"}:
                    problems.append(
                        f"{name} is not set; draw one: python -c 'import secrets; print(secrets.token_hex(32))'"
                    )
            except ValueError as err:
                problems.append(f"{name}: {err}")
        if problems:
            raise SettingsError(_listed(problems))
        return cls(**values)

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def on_loopback(self) -> bool:
        return self.host in _LOOPBACK

    @property
    def mail_domain(self) -> str:
        return self.mail_from.rpartition("@")[2]

    def _problems(self) -> list[str]:
        url = urlsplit(self.base_url)
        bare = not (url.path or url.query or url.fragment or url.username)
        rules = {
            f"base_url is {self.base_url!r}, expected scheme, host and perhaps port only": bool(url.hostname) and bare,
            f"base_url is {self.base_url!r}, expected https, as it is not on this machine": url.scheme == "https"
            or (url.scheme == "http" and self.on_loopback),
            f"secret_key has {len(self.secret_key)} bytes, expected at least {KEY_BYTES_MIN}": len(self.secret_key)
            >= KEY_BYTES_MIN,
            "token_keys is empty, expected at least one key": bool(self.token_keys),
            f"reminders_max is {self.reminders_max}, expected 0 or more": self.reminders_max >= 0,
            f"resends_max is {self.resends_max}, expected 0 or more": self.resends_max >= 0,
            f"smtp_port is {self.smtp_port}, expected 1 to 65535": 1 <= self.smtp_port <= 65535,
            f"mail_from is {self.mail_from!r}, expected an address": bool(
                re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", self.mail_from)
            ),
            "smtp_user is set and smtp_tls is off: a password would be sent in the clear": not self.smtp_user
            or self.smtp_tls is not SmtpTls.OFF
            or self.smtp_host in _LOOPBACK,
        }
        problems = [problem for problem, holds in rules.items() if not holds]
        problems += [
            f"{name} is {getattr(self, name)}, expected more than nothing"
            for name in ("remind_every", "expire_after", "resend_every", "mail_retry_every", "smtp_timeout")
            if getattr(self, name) <= timedelta()
        ]
        problems += [
            f"token key {kid} has {len(key)} bytes, expected a number from 0 to 255 and at least {KEY_BYTES_MIN} bytes"
            for kid, key in self.token_keys.items()
            if len(key) < KEY_BYTES_MIN or not 0 <= kid <= 255
        ]
        if self.expire_after <= self.remind_every * self.reminders_max:
            problems.append(
                f"expire_after is {self.expire_after}, expected more than {self.reminders_max} reminders every {self.remind_every}: "
                f"the last one would bring a dead link; set {PREFIX}EXPIRE_AFTER higher, or {PREFIX}REMIND_EVERY or "
                f"{PREFIX}REMINDERS_MAX lower"
            )
        return problems


def duration(text: str) -> timedelta:
    """Read ``500ms``, ``90s``, ``15m``, ``24h`` or ``7d``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration, expected a number and ms, s, m, h or d, such as 24h")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no whole number, expected one such as 3") from None


def _tls(text: str) -> SmtpTls:
    try:
        return SmtpTls(text)
    except ValueError:
        raise ValueError(f"{text!r} is unknown, expected one of {', '.join(SmtpTls)}") from None


def _key(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("this is no hexadecimal key") from None  # and never show it


def _keys(text: str) -> dict[int, bytes]:
    """Read ``2:<hex>,1:<hex>``; the first one signs."""
    keys: dict[int, bytes] = {}
    for part in text.split(","):
        kid, colon, key = part.strip().partition(":")
        if not colon or not kid.isdecimal():
            raise ValueError("expected a number, a colon and a hexadecimal key, such as 1:ab…, parted by commas")
        if int(kid) in keys:
            raise ValueError(f"key {kid} is there twice")
        keys[int(kid)] = _key(key)
    return keys


def _listed(problems: list[str]) -> str:
    return "the settings cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems)


_READERS: dict[str, Callable[[str], object]] = {
    "bytes": _key,
    "Mapping[int, bytes]": _keys,
    "str": str,
    "int": _whole,
    "timedelta": duration,
    "SmtpTls": _tls,
}
NAMES = {f"{PREFIX}{each.name.upper()}": (each.name, _READERS[str(each.type)]) for each in fields(Settings)}
"""Every variable that is read, with the field it sets and how it is read."""
