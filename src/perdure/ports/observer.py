"""Who hears what an engine does, to count it: a few figures at a time, never once for every event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from perdure.model.ids import WorkflowType
from perdure.model.outcome import RunStatus


class CallOutcome(StrEnum):
    """How one attempt at a worker ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class CallEnded:
    """One attempt a worker had: of a state's method, or of an RPC."""

    workflow_type: WorkflowType
    method: str
    """``wait_until``, ``execute`` or ``rpc``."""
    attempt: int
    """Counted from 1; more is a retry. An RPC is tried once."""
    outcome: CallOutcome
    took_ms: int
    """From the moment it was handed to the invoker, so with what it waited there for a thread."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction made durable."""

    took_seconds: float
    """From handing the batch to its writer until the engine heard of its end."""
    events: int
    """Rows added to journals."""
    runs: int
    """Runs it wrote something of."""
    started: Sequence[WorkflowType]
    """One for each run that began; runs begun by cron, by a retry and by a reset too."""
    closed: Sequence[tuple[WorkflowType, RunStatus]]
    """One for each run that ended."""
    quarantined: int
    """Runs that the engine cannot go on with."""


class Observer(Protocol):
    """Counts what an engine does.

    It is called on the engine's loop, in the middle of the work: it returns at once, waits for nothing
    and calls the engine back for nothing. What it raises is logged and stops no run. Starts and ends
    count when they are durable, so none counts twice and none that a failed commit took back; calls
    count when they end, whether or not their run still wants the answer.
    """

    def committed(self, commit: Commit) -> None:
        """One batch is durable."""
        ...

    def commit_failed(self) -> None:
        """One batch was not written, and all of it was taken back."""
        ...

    def calls_ended(self, calls: Sequence[CallEnded]) -> None:
        """These attempts ended since the last turn of the loop; never empty."""
        ...

    def timers_passed(self, lateness_ms: Sequence[int]) -> None:
        """The engine has come to these runs so much after a moment they waited for; never empty."""
        ...

    def loop_lagged(self, lag_ms: int) -> None:
        """The engine's loop came so much too late to something it had planned; told about once a second."""
        ...


class Levels(Protocol):
    """How much of what an engine has now. An ``Engine`` is one; read on its loop."""

    @property
    def hot_runs(self) -> int:
        """How many runs are in memory."""
        ...

    @property
    def attempts_under_way(self) -> int:
        """How many attempts workers have that were not reported."""
        ...

    @property
    def callers_waiting(self) -> int:
        """How many callers wait for a run to end or a state to complete."""
        ...
