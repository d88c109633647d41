"""What an author raises to say more than that it went wrong."""

from __future__ import annotations

from perdure.authoring.duration import Duration, milliseconds


class NonRetryable(Exception):
    """Trying again is of no use: give up at once, recover if there is a way. Subclass it as you like."""


class RetryAfter(Exception):
    """Try again after this long, instead of the policy's next interval; its limits still hold.

    Any exception with an attribute ``retry_after`` says the same.
    """

    def __init__(self, retry_after: Duration, message: str = "") -> None:
        super().__init__(message or f"try again after {retry_after}")
        self.retry_after = retry_after


def retry_after_ms(error: BaseException) -> int | None:
    """Return what the exception asks for, if it asks for something that can be understood."""
    wanted: object = getattr(error, "retry_after", None)
    if wanted is None:
        return None
    try:
        return max(0, milliseconds(wanted))  # type: ignore[arg-type]  # whatever it is, milliseconds says so
    except (TypeError, ValueError):
        return None
