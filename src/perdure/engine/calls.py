"""One call to a worker with all its attempts, and what becomes of it when one of them fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from perdure.engine.dispatcher import Lane
from perdure.interpreter.effects import Invoke
from perdure.interpreter.retry import attempt_timeout_ms, next_attempt_ms
from perdure.model.calls import ExecuteAnswer, Failure, StateMethod, StateRequest, WaitUntilAnswer
from perdure.model.ids import CallId
from perdure.store.rows import CallRow, RunKey
from perdure.wire.worker_words import words_of

ERRORS_KEPT = 3
CRASHES_ALONE = 2
"""A call found being made by this many boots in a row is made with no other beside it that was."""

ANSWER_OF = {StateMethod.WAIT_UNTIL: WaitUntilAnswer, StateMethod.EXECUTE: ExecuteAnswer}
_ACTIVITY_OF = {StateMethod.WAIT_UNTIL: "StateApiWaitUntil", StateMethod.EXECUTE: "StateApiExecute"}


CallRef = tuple[RunKey, CallId]


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt a worker has."""

    run: RunKey
    call_id: CallId
    lane: Lane | None
    """Whose slot it takes; ``None``: it was given back already."""


class Stage(Enum):
    """Where a call is on its way to its worker."""

    HELD = "held"
    """What caused it is not durable yet."""
    QUEUED = "queued"
    """Its worker has enough to do."""
    MADE = "made"
    """A worker has it."""
    BACKOFF = "backoff"
    """The next attempt waits for its moment."""


class OpenCall:
    """A call under way. Its row in the store is written only once there is more to say than that."""

    __slots__ = ("attempt", "crashes", "errors", "first_ms", "invoke", "kept", "key", "next_ms", "stage", "token")

    def __init__(self, key: RunKey, invoke: Invoke, *, first_ms: int, row: CallRow | None = None) -> None:
        self.key = key
        self.invoke = invoke
        self.first_ms = row.first_ms if row else first_ms
        self.next_ms = row.next_ms if row else None
        self.attempt = 1 if row is None else row.attempts if row.next_ms is not None else max(1, row.attempts)
        """The attempt that is being made, or in backoff the one that failed; 0: none has begun."""
        self.errors: tuple[str, ...] = row.errors if row else ()
        self.crashes = row.crashes if row else 0
        self.kept = row is not None
        """The store has a row of it, or will have with the open batch."""
        self.stage = Stage.HELD if self.next_ms is None else Stage.BACKOFF
        self.token = 0
        """Names the attempt a worker has; an answer under another is late."""

    def row(self) -> CallRow:
        return CallRow(
            self.key, self.invoke.call_id, self.attempt, self.first_ms, self.next_ms, self.errors, self.crashes
        )

    @property
    def on_its_last_attempt(self) -> bool:
        maximum = self.invoke.retry.maximum_attempts
        return bool(maximum) and self.attempt >= maximum

    @property
    def endless(self) -> bool:
        """It is tried again for ever."""
        return not (self.invoke.retry.maximum_attempts or self.invoke.limit_ms)

    def request(self) -> StateRequest:
        return StateRequest(self.invoke.run, self.invoke.call, self.attempt, self.first_ms)

    def timeout_ms(self, now_ms: int) -> int:
        return attempt_timeout_ms(
            self.invoke.timeout_ms, limit_ms=self.invoke.limit_ms, first_ms=self.first_ms, now_ms=now_ms
        )

    def beyond_limit(self, now_ms: int) -> bool:
        """No attempt may begin any more."""
        return bool(self.invoke.limit_ms) and now_ms >= self.first_ms + self.invoke.limit_ms

    def failed(self, failure: Failure, now_ms: int) -> Failure | None:
        """Note a failed attempt: go into backoff, or return what the call has failed with for good."""
        self.errors = (*self.errors, words_of(failure))[-ERRORS_KEPT:]
        self.crashes = 0
        if failure.retryable:
            self.next_ms = next_attempt_ms(
                self.invoke.retry,
                limit_ms=self.invoke.limit_ms,
                attempts=self.attempt,
                first_ms=self.first_ms,
                now_ms=now_ms,
                retry_after_ms=failure.retry_after_ms,
            )
            if self.next_ms is not None:
                self.stage = Stage.BACKOFF
                return None
        return self._final(failure, cut=not self.on_its_last_attempt)

    def out_of_time(self) -> Failure:
        """Return what a call has failed with whose limit passed while nobody made it."""
        return self._final(Failure("no attempt could begin within the limit", timed_out=True), cut=True)

    def crashed(self) -> Failure:
        """Return what a call has failed with whose last attempt was cut off by a crash of ours."""
        return Failure(
            f"the engine stopped while attempt {self.attempt} of {self.invoke.retry.maximum_attempts} was being made, "
            "and whether it did its work is not known",
            error_type="EngineStopped",
        )

    def next_attempt(self) -> None:
        self.attempt += 1
        self.next_ms = None
        self.stage = Stage.HELD

    def wait_again(self, now_ms: int) -> None:
        """Take ``next_attempt`` back: the attempt has not begun and may at once."""
        self.attempt -= 1
        self.next_ms = now_ms
        self.stage = Stage.BACKOFF

    def _final(self, failure: Failure, *, cut: bool) -> Failure:
        """iWF 3.5: a time that ran out is told in the words of its backend, clients look for them."""
        if not failure.timed_out:
            return failure
        activity = f"activity error (type: {_ACTIVITY_OF[self.invoke.call.method]})"
        timeout = "activity StartToClose timeout (type: StartToClose)"
        reason = timeout
        if cut:
            reason = (
                "Not enough time to schedule next retry before activity ScheduleToClose timeout, "
                "giving up retrying (type: ScheduleToClose)"
            )
        return replace(failure, message=f"{activity}: {reason}: {timeout}")
