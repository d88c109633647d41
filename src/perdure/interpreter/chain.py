"""All runs of one workflow id, one after the other: who may start, and what follows an end.

Pure, like the execution: a chain is small enough to be a few functions over what the store knows
of the current run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from perdure.interpreter.cron import CronSchedule
from perdure.interpreter.events import Started
from perdure.interpreter.retry import backoff_ms
from perdure.interpreter.rules import RULES_VERSION
from perdure.model.errors import InvalidRequest
from perdure.model.ids import RunId
from perdure.model.options import IdReusePolicy, StartOptions
from perdure.model.outcome import Outcome, RunStatus
from perdure.model.requests import StartRequest


@dataclass(frozen=True, slots=True)
class CurrentRun:
    """What decides whether a workflow id is free."""

    run_id: RunId
    status: RunStatus
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a run, after terminating the current one if it is open and *terminate* names it."""

    started: Started
    terminate: RunId | None = None


@dataclass(frozen=True, slots=True)
class Existing:
    """Answer with the run that has the id."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class Taken:
    """Refuse: the id is taken."""

    run_id: RunId
    message: str


def check_start(request: StartRequest) -> None:
    """Refuse a start that could never be followed.

    Raises:
        InvalidRequest: an option is impossible; the message says which.
    """
    if not request.workflow_id:
        raise InvalidRequest("WorkflowId is not set on request.")
    options = request.options
    if options.timeout_ms < 0:
        raise InvalidRequest("An invalid WorkflowExecutionTimeoutSeconds is set on request. cause: negative duration")
    if options.delay_ms < 0:
        raise InvalidRequest("An invalid WorkflowStartDelaySeconds is set on request. cause: negative duration")
    if options.retry is not None and (problem := options.retry.problem()):
        raise InvalidRequest(problem)
    if options.cron:
        try:
            CronSchedule.parse(options.cron)
        except ValueError as error:
            raise InvalidRequest(f"Invalid schedule spec: {error}") from None


def decide_start(
    request: StartRequest, current: CurrentRun | None, *, run_id: RunId, now_ms: int
) -> Begin | Existing | Taken:
    """Decide what becomes of a start request, given the id's current run (iWF 8.5, 8.6).

    Args:
        run_id: the id of the new run, should there be one.
    """
    if current is None:
        return Begin(_first_run(request, run_id, now_ms))
    taken = _taken(request, current)
    if taken is None:
        open_run = None if current.status.closed else current.run_id
        return Begin(_first_run(request, run_id, now_ms), terminate=open_run)
    options = request.options
    if options.ignore_already_started and options.request_id in (None, current.request_id):
        return Existing(current.run_id)
    return taken


def decide_after_close(started: Started, outcome: Outcome, *, run_id: RunId, now_ms: int) -> Started | None:
    """Decide whether another run follows one that has ended: a retry, or the schedule's next.

    Args:
        started: the ended run's own start; after a reset, the start it was reset from.
        run_id: the id of the new run, should there be one.
    """
    if outcome.status is RunStatus.FAILED and (again := _retry(started, run_id, now_ms)):
        return again
    options = started.request.options
    if not options.cron or outcome.status in (RunStatus.CANCELED, RunStatus.TERMINATED):
        return None
    return _first_run(_without_delay(started.request), run_id, now_ms)


def _taken(request: StartRequest, current: CurrentRun) -> Taken | None:
    policy = request.options.id_reuse
    who = f"WorkflowId: {request.workflow_id}, RunId: {current.run_id}."
    if not current.status.closed:
        if policy is IdReusePolicy.TERMINATE_IF_RUNNING:
            return None
        return Taken(current.run_id, f"Workflow execution is already running. {who}")
    if policy is IdReusePolicy.DISALLOW:
        return Taken(
            current.run_id,
            f"Workflow execution already finished. {who} Workflow Id reuse policy: reject duplicate workflow Id.",
        )
    if policy is IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED and current.status is RunStatus.COMPLETED:
        return Taken(
            current.run_id,
            f"Workflow execution already finished successfully. {who} "
            "Workflow Id reuse policy: allow duplicate workflow Id if last run failed.",
        )
    return None


def _first_run(request: StartRequest, run_id: RunId, now_ms: int) -> Started:
    delay_ms = _delay_ms(request.options, now_ms)
    timeout_ms = request.options.timeout_ms
    # Each run of a schedule has its whole timeout, from its own moment on.
    begins_ms = now_ms + delay_ms if request.options.cron else now_ms
    return Started(
        request=request,
        run_id=run_id,
        first_run_id=run_id,
        delay_ms=delay_ms,
        expires_at_ms=begins_ms + timeout_ms if timeout_ms else None,
        rules=RULES_VERSION,
    )


def _delay_ms(options: StartOptions, now_ms: int) -> int:
    if not options.cron:
        return options.delay_ms
    return CronSchedule.parse(options.cron).next_ms(now_ms + options.delay_ms) - now_ms


def _without_delay(request: StartRequest) -> StartRequest:
    return replace(request, options=replace(request.options, delay_ms=0))


def _retry(started: Started, run_id: RunId, now_ms: int) -> Started | None:
    """iWF 8.4: restart from the failed run's own start; not beyond the workflow's timeout."""
    policy = started.request.options.retry
    if policy is None or (policy.maximum_attempts and started.attempt >= policy.maximum_attempts):
        return None
    delay_ms = backoff_ms(policy, started.attempt)
    if started.expires_at_ms is not None and now_ms + delay_ms >= started.expires_at_ms:
        return None
    return Started(
        request=_without_delay(started.request),
        run_id=run_id,
        first_run_id=started.first_run_id,
        attempt=started.attempt + 1,
        delay_ms=delay_ms,
        expires_at_ms=started.expires_at_ms,
        rules=RULES_VERSION,
    )
