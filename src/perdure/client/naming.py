"""What a backend refuses, said of the workflow it was asked about.

A backend speaks in the words of iWF's server, which clients of iWF look for and which name nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perdure.model.errors import (
    LockConflict,
    RequestError,
    RpcFailed,
    TimerNotFound,
    WaitTimedOut,
    WorkflowClosed,
    WorkflowNotFound,
)
from perdure.model.ids import RunId, WorkflowId
from perdure.wire.worker_words import words_of_rpc

_SAID: dict[type[RequestError], str] = {
    WorkflowNotFound: "there is no {run}",
    WorkflowClosed: "{run} has ended, and takes no more messages, writes or stops",
    LockConflict: "{run}: attributes that {asked} locks are held by another call; nothing ran, try again",
    TimerNotFound: "{run} waits for no such timer: {asked}",
    WaitTimedOut: "{asked} of {run} has not come within the time given; nothing is lost by waiting again",
}


class HandlerTraceback(Exception):
    """Where a handler was when it failed: the cause of the error that its caller gets. Never raised by itself."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return "\n" + self.text.rstrip()


@contextmanager
def named(workflow_id: WorkflowId, asked: str = "", *, run_id: RunId | None = None) -> Iterator[None]:
    """Say of which workflow a refusal is, and what was asked of it."""
    try:
        yield
    except RequestError as error:
        said = _SAID.get(type(error))
        if said is None:
            raise
        run = f"workflow {workflow_id!r}" + (f" with a run {run_id!r}" if run_id else "")
        told = said.format(run=run, asked=asked)
        raise type(error)(told, workflow_id=workflow_id, run_id=error.run_id or run_id or "") from None
    except RpcFailed as error:
        words = words_of_rpc(str(error), error_type=error.error_type, detail=error.detail)
        raise RpcFailed(
            f"{asked} of workflow {workflow_id!r} failed: {words}",
            status=error.status,
            error_type=error.error_type,
            detail=error.detail,
        ) from (HandlerTraceback(error.detail) if error.detail else None)
