"""How often a failed handler is tried again, in an author's words."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.authoring.duration import Duration, milliseconds
from perdure.model.options import RetryPolicy


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after ``first``, then ``factor`` times as long each time, up to ``longest``.

    ``Retry()`` is what holds where nothing is said: for ever, after 1, 2, 4 … 100 seconds.
    """

    attempts: int | None = None
    """How often the handler is called at most, the first call included; ``None``: no limit."""
    first: Duration = 1.0
    factor: float = 2.0
    longest: Duration = 100.0
    within: Duration | None = None
    """From the first attempt on; an attempt that still runs then is cut. ``None``: no limit but
    the workflow's own timeout."""

    def policy(self) -> RetryPolicy:
        """Return the model's words for it.

        Raises:
            ValueError: no call can follow it; the message says why.
        """
        if self.attempts is not None and self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}, expected 1 or more, or None for no limit")
        first_ms, within_ms = milliseconds(self.first), 0 if self.within is None else milliseconds(self.within)
        if first_ms <= 0:
            raise ValueError(f"first is {self.first!r}, expected more than 0 seconds")
        if self.within is not None and within_ms <= 0:
            raise ValueError(f"within is {self.within!r}, expected more than 0 seconds")
        if self.factor < 1:
            raise ValueError(f"factor is {self.factor}, expected 1 or more")
        if milliseconds(self.longest) < first_ms:
            raise ValueError(f"longest is {self.longest!r}, expected no less than first, {self.first!r}")
        return RetryPolicy(
            initial_interval_ms=first_ms,
            backoff_coefficient=float(self.factor),
            maximum_interval_ms=milliseconds(self.longest),
            maximum_attempts=self.attempts or 0,
            maximum_duration_ms=within_ms,
        )
