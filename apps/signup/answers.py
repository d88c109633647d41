"""What a sign-up answers to those who ask it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """Where a sign-up stands. Every decision looks here first."""

    PENDING = "pending"
    VERIFIED = "verified"
    EXPIRED = "expired"
    UNDELIVERABLE = "undeliverable"


class Answer(StrEnum):
    """What a click on the link has led to."""

    PENDING = "pending"
    """Nothing yet: it waits for a click."""
    VERIFIED = "verified"
    ALREADY = "already"
    EXPIRED = "expired"
    INVALID = "invalid"


class Resent(StrEnum):
    """What a request for another mail has led to."""

    OK = "ok"
    TOO_SOON = "too soon"
    LIMIT = "limit"
    NOT_PENDING = "not pending"


@dataclass(frozen=True, slots=True)
class Peek:
    """What the page behind a link shows, before anything is pressed."""

    answer: Answer
    email: str


@dataclass(frozen=True, slots=True)
class Described:
    """What a sign-up tells about itself to the person who made it."""

    signup: str
    """Tells this sign-up from an earlier or later one under the same name."""
    username: str
    email: str
    """Masked."""
    status: Status
    reminders: int
    resends: int
    expires_at: datetime
