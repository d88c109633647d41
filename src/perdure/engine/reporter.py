"""Tells an observer, and the log, what the engine did. With no observer next to nothing is done here.

Rule 1: nothing is told before it is durable; what a failed commit took back never counts.
Rule 2: an observer is told once for each commit and each turn of the loop, however much there is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from perdure.engine.batch import PendingBatch
from perdure.engine.inputs import Reported
from perdure.model.calls import Failure, RpcRequest, StateRequest
from perdure.model.log_fields import fields_of_run
from perdure.model.outcome import RunStatus
from perdure.ports.observer import CallEnded, CallOutcome, Commit, Observer

logger = logging.getLogger(__name__)

_TROUBLE = frozenset((RunStatus.FAILED, RunStatus.TIMED_OUT))


class Reporter:
    """What one engine has to tell. Everything here happens on the engine's loop."""

    def __init__(self, observer: Observer | None = None, *, monotonic_ms: Callable[[], int] = lambda: 0) -> None:
        self.listening = observer is not None
        """Somebody wants to know. If not, nobody needs to call what is below *of the core*."""
        self._observer = observer
        self._monotonic_ms = monotonic_ms
        self._begun: dict[int, tuple[StateRequest | RpcRequest, int]] = {}
        self._ended: list[CallEnded] = []
        self._lateness_ms: list[int] = []
        self._writing_since = 0.0

    # Of the core

    def call_begins(self, token: int, request: StateRequest | RpcRequest) -> None:
        self._begun[token] = (request, self._monotonic_ms())

    def call_ended(self, report: Reported) -> None:
        """Count the end of an attempt. One that is reported again, after a failed commit, is known already."""
        begun = self._begun.pop(report.token, None)
        if begun is None:
            return
        request, since_ms = begun
        self._ended.append(
            CallEnded(
                request.run.workflow_type,
                "rpc" if isinstance(request, RpcRequest) else request.call.method.value,
                1 if isinstance(request, RpcRequest) else request.attempt,
                _outcome_of(report),
                self._monotonic_ms() - since_ms,
            )
        )

    def timer_passed(self, lateness_ms: int) -> None:
        self._lateness_ms.append(lateness_ms)

    # Of the driver

    def writing(self) -> None:
        """A batch goes to the writer."""
        # The machine is measured, not the engine's time: under a test's clock a commit would take none.
        self._writing_since = time.perf_counter()

    def written(self, batch: PendingBatch) -> None:
        """That batch is durable."""
        if batch.started or batch.closed:
            _log_runs(batch)
        if self._observer is not None:
            with _guarded():
                self._observer.committed(
                    Commit(
                        took_seconds=time.perf_counter() - self._writing_since,
                        events=len(batch.events),
                        runs=len(batch.runs),
                        started=[run.row.workflow_type for run in batch.started],
                        closed=[(run.row.workflow_type, run.status) for run in batch.closed],
                        quarantined=batch.quarantined,
                    )
                )

    def lost(self) -> None:
        """That batch was not written."""
        if self._observer is not None:
            with _guarded():
                self._observer.commit_failed()

    def turned(self) -> None:
        """A turn of the loop is over."""
        if self._observer is None:
            return
        if self._ended:
            ended, self._ended = self._ended, []
            with _guarded():
                self._observer.calls_ended(ended)
        if self._lateness_ms:
            lateness_ms, self._lateness_ms = self._lateness_ms, []
            with _guarded():
                self._observer.timers_passed(lateness_ms)

    def beat(self, lag_ms: int) -> None:
        if self._observer is not None:
            with _guarded():
                self._observer.loop_lagged(lag_ms)


@contextmanager
def _guarded() -> Iterator[None]:
    try:
        yield
    except Exception:  # counting is nobody's work: it must not stop any
        logger.exception("an observer raised")


def _outcome_of(report: Reported) -> CallOutcome:
    if not isinstance(report.result, Failure):
        return CallOutcome.SUCCESS
    return CallOutcome.TIMEOUT if report.result.timed_out else CallOutcome.FAILURE


def _log_runs(batch: PendingBatch) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    if logger.isEnabledFor(logging.DEBUG):
        for run in batch.started:
            logger.debug("a run of workflow %r began", run.row.workflow_id, extra=fields_of_run(run.row))
    for run in batch.closed:
        level = logging.INFO if run.status in _TROUBLE else logging.DEBUG
        if logger.isEnabledFor(level):
            fields = {**fields_of_run(run.row), "status": run.status.value}
            outcome = run.outcome
            if outcome is not None and outcome.error_type is not None:
                fields["error_type"] = outcome.error_type.value
            logger.log(level, "a run of workflow %r ended: %s", run.row.workflow_id, run.status.value, extra=fields)
