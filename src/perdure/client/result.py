"""What a run ended with: its outputs, or the error that says how it ended without."""

from __future__ import annotations

import json
from collections.abc import Callable

from perdure.client.naming import HandlerTraceback
from perdure.model.errors import (
    InternalError,
    RequestError,
    WorkflowCanceled,
    WorkflowEnded,
    WorkflowFailed,
    WorkflowTerminated,
    WorkflowTimedOut,
)
from perdure.model.ids import WorkflowId
from perdure.model.outcome import RunInfo, RunStatus
from perdure.model.value import EncodedValue
from perdure.wire.worker_words import words_in

ENDED: dict[RunStatus, tuple[type[WorkflowEnded], str]] = {
    RunStatus.FAILED: (WorkflowFailed, "failed"),
    RunStatus.TIMED_OUT: (WorkflowTimedOut, "did not end within its timeout"),
    RunStatus.TERMINATED: (WorkflowTerminated, "was terminated"),
    RunStatus.CANCELED: (WorkflowCanceled, "was canceled"),
}


TracebackOf = Callable[[WorkflowId, str], str]
"""Returns the stack of a workflow's failure, told apart by its message; nothing if it is not known."""


def unknown(workflow_id: WorkflowId, message: str) -> str:
    """Know of no failure."""
    return ""


class MissingValue(RequestError, LookupError):
    """An attribute was asked for that has neither a value nor a default."""


def outputs_of(info: RunInfo, *, traceback_of: TracebackOf = unknown) -> tuple[EncodedValue, ...]:
    """Return what an ended run's states left as its results, in the order of their answers.

    Args:
        traceback_of: knows where the handler was that failed, for the error's cause.

    Raises:
        WorkflowEnded: it did not complete; the subclass and ``outcome`` say how it ended.
    """
    if info.outcome is None:
        raise InternalError(f"run {info.run_id} of workflow {info.workflow_id!r} was waited for and has no outcome")
    if info.status is RunStatus.COMPLETED:
        return tuple(result.output for result in info.outcome.results or ())
    kind, how = ENDED[info.status]
    message = f"workflow {info.workflow_id!r} {how}"
    why = words_in(info.outcome.error_message or "") or ", ".join(
        _said(result.output) for result in info.outcome.results or ()
    )
    stack = traceback_of(info.workflow_id, info.outcome.error_message) if info.outcome.error_message else ""
    raise kind(
        f"{message}: {why}" if why else message,
        workflow_id=info.workflow_id,
        run_id=info.run_id,
        outcome=info.outcome,
    ) from (HandlerTraceback(stack) if stack else None)


def _said(output: EncodedValue) -> str:
    """Return what a state failed with as an author wrote it, if that is a text."""
    data = output.data or ""
    try:
        said = json.loads(data)
    except ValueError:
        return data
    return said if isinstance(said, str) else data
