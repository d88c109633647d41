"""Where the last failures of this process were: for a caller who gets an error made of one of them."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from perdure.model.calls import Failure
from perdure.model.ids import WorkflowId

KEPT = 256
"""Workflows whose last failure is remembered. Text only: an exception would keep what its frames hold."""


class Tracebacks:
    """The last failed attempt of each workflow that failed lately. For every thread."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._kept = kept
        self._last: OrderedDict[WorkflowId, Failure] = OrderedDict()
        self._lock = Lock()

    def note(self, workflow_id: WorkflowId, failure: Failure) -> None:
        with self._lock:
            self._last[workflow_id] = failure
            self._last.move_to_end(workflow_id)
            if len(self._last) > self._kept:
                self._last.popitem(last=False)

    def of(self, workflow_id: WorkflowId, message: str) -> str:
        """Return the stack of the failure with this message, if it was this workflow's last here; else nothing."""
        with self._lock:
            failure = self._last.get(workflow_id)
        return failure.detail if failure is not None and failure.message == message else ""
