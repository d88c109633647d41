"""How a state's methods are called, and how a run is started."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from perdure.model.attributes import LOAD_ALL, LoadingPolicy
from perdure.model.ids import StateId


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed call is tried again: after ``initial × coefficient^(n-1)``, no jitter.

    The defaults are iWF's.
    """

    initial_interval_ms: int = 1_000
    backoff_coefficient: float = 2.0
    maximum_interval_ms: int = 100_000
    """A longer ``initial_interval_ms`` is cut to this."""
    maximum_attempts: int = 0
    """0: no limit."""
    maximum_duration_ms: int = 0
    """From the first attempt over all attempts, cutting one that runs; 0: no limit but the
    workflow's own timeout."""

    def problem(self) -> str | None:
        """Say why no call can follow this policy; ``None`` if one can."""
        if self.maximum_attempts < 0:
            return "MaximumAttempts cannot be negative on retry policy."
        if self.backoff_coefficient < 1:
            return "BackoffCoefficient cannot be less than 1 on retry policy."
        if self.maximum_interval_ms < self.initial_interval_ms:
            return "MaximumInterval cannot be less than InitialInterval on retry policy."
        return None


DEFAULT_CALL_TIMEOUT_MS = 30_000  # iWF: 30 s for each attempt of wait_until and execute


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How one of a state's two methods is called."""

    timeout_ms: int = DEFAULT_CALL_TIMEOUT_MS
    """For one attempt, by monotonic time."""
    retry: RetryPolicy = RetryPolicy()
    data_loading: LoadingPolicy = LOAD_ALL
    search_loading: LoadingPolicy = LOAD_ALL


@dataclass(frozen=True, slots=True)
class StateOptions:
    """How a state is run; travels with the movement that starts it."""

    skip_wait_until: bool = False
    wait_until: CallOptions = CallOptions()
    execute: CallOptions = CallOptions()
    proceed_on_wait_until_failure: bool = False
    """After the last failed attempt of ``wait_until``, execute all the same (told so)."""
    recover_state_id: StateId | None = None
    """After the last failed attempt of ``execute``, go on with this state and the same input."""
    recover_options: StateOptions | None = None


class IdReusePolicy(StrEnum):
    """Whether a workflow id that was used before may be started again."""

    ALLOW_IF_NO_RUNNING = "ALLOW_IF_NO_RUNNING"
    ALLOW_IF_PREVIOUS_FAILED = "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY"
    DISALLOW = "DISALLOW_REUSE"
    TERMINATE_IF_RUNNING = "ALLOW_TERMINATE_IF_RUNNING"


class ExecutingStatesMode(StrEnum):
    """Which states the search attribute ``IwfExecutingStateIds`` lists while they execute."""

    ALL = "ENABLED_FOR_ALL"
    WITH_WAIT_UNTIL = "ENABLED_FOR_STATES_WITH_WAIT_UNTIL"
    NONE = "DISABLED"


@dataclass(frozen=True, slots=True)
class WorkflowConfig:
    """Settings of one run that can be changed while it runs. ``None``: the default."""

    executing_states: ExecutingStatesMode | None = None
    continue_as_new_threshold: int | None = None
    """Accepted and kept for iWF's clients. A journal needs no continue-as-new."""
    continue_as_new_page_bytes: int | None = None
    optimize_activity: bool | None = None
    optimize_timer: bool | None = None
    disable_system_search_attribute: bool | None = None

    def overridden_by(self, other: WorkflowConfig) -> WorkflowConfig:
        """Return *other*, and this where it leaves a setting open."""
        given = {each.name: getattr(other, each.name) for each in fields(other)}
        return replace(self, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How a run starts, and what becomes of its workflow id before and after."""

    id_reuse: IdReusePolicy = IdReusePolicy.ALLOW_IF_NO_RUNNING
    timeout_ms: int = 0
    """From the start over all retries, the delay included; a reset starts it anew. 0: none."""
    delay_ms: int = 0
    """The first state runs this much later; the run exists at once."""
    retry: RetryPolicy | None = None
    """Start the workflow again when a run of it failed; ``None``: do not."""
    cron: str | None = None
    """Run again and again by this schedule (five fields, UTC), until stopped."""
    ignore_already_started: bool = False
    """Answer a start of an id that is taken with the run that has it, if the request id agrees."""
    request_id: str | None = None
    wait_for_states: frozenset[StateId] = field(default=frozenset())
    """States whose completions can be waited for, whatever their number or key."""
    wait_for_state_executions: frozenset[str] = field(default=frozenset())
    config: WorkflowConfig = WorkflowConfig()
    use_memo: bool = False
    """Accepted and kept for iWF's clients; it changes nothing here."""
