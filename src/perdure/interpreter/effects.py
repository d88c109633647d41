"""What an execution asks of its engine. Plain values, so that a test can compare them.

An engine does them in their order, and only once the event that caused them is durable.
"""

from __future__ import annotations

from dataclasses import dataclass

from perdure.model.attributes import SearchAttribute
from perdure.model.calls import RunContext, StateCall
from perdure.model.ids import CallId, StateExecutionId, StateId
from perdure.model.options import RetryPolicy
from perdure.model.outcome import Outcome
from perdure.model.value import EncodedValue


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call a worker, again and again by *retry*; answer with ``CallSucceeded`` or ``CallExhausted``.

    ``retry.next_attempt`` says when to try again and when to give up. May be done twice: a crash
    repeats an attempt.
    """

    call_id: CallId
    run: RunContext
    call: StateCall
    timeout_ms: int
    """For each attempt."""
    retry: RetryPolicy
    limit_ms: int
    """For all attempts, from the first; 0: none. Already clamped to the workflow's timeout."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """The answer of this call is of no use any more: make no further attempt, drop what comes."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class CompleteState:
    """A state that may be waited for has completed: keep the record, wake who waits.

    Under one key the first record counts.
    """

    state_id: StateId
    state_execution_id: StateExecutionId
    wait_for_key: str | None
    output: EncodedValue | None


@dataclass(frozen=True, slots=True)
class Index:
    """Bring the search index up to date: these attributes now have these values."""

    attributes: tuple[SearchAttribute, ...]


@dataclass(frozen=True, slots=True)
class Close:
    """The run has ended. Nothing but reads is accepted from here on."""

    outcome: Outcome


Effect = Invoke | Abandon | CompleteState | Index | Close
