"""Every error Perdure raises on purpose, one tree, a branch for each audience.

PerdureError
├── DefinitionError               the author's: a workflow class is wrong, found when it is registered
├── RequestError                  the caller's: this request cannot be fulfilled as it is
│   ├── InvalidRequest            an argument is wrong
│   ├── WorkflowNotFound          no such workflow, or no such run of it
│   ├── WorkflowClosed            the run has ended and takes no more of this
│   ├── WorkflowAlreadyStarted    the id is taken
│   ├── LockConflict              attributes the RPC wants to lock are held by another call
│   ├── TimerNotFound             no such timer waits
│   └── WaitTimedOut              what was waited for has not happened yet; wait again
├── WorkflowEnded                 a result was wanted and the run ended without one
│   ├── WorkflowFailed · WorkflowTimedOut · WorkflowTerminated · WorkflowCanceled
├── WorkerError                   an author's method raised, or a worker answered nonsense
│   └── RpcFailed                 … in an RPC, told to its caller
├── UnavailableError              the world's: the store cannot be written, a server not reached; try again
└── InternalError                 ours: please report it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perdure.model.outcome import Outcome


class PerdureError(Exception):
    """The root: catches everything Perdure raises on purpose."""


class DefinitionError(PerdureError):
    """A workflow class cannot be used as it is written; the message lists every problem found."""


class RequestError(PerdureError):
    """The caller's: this request cannot be fulfilled as it is."""

    def __init__(self, message: str, *, workflow_id: str = "", run_id: str = "") -> None:
        super().__init__(message)
        self.workflow_id = workflow_id
        self.run_id = run_id


class InvalidRequest(RequestError):
    """An argument is wrong; nothing was changed."""


class WorkflowNotFound(RequestError):
    """No workflow of this id exists, or it has no run of the given run id."""


class WorkflowClosed(RequestError):
    """The run has ended, and takes no messages, writes or stops any more."""


class WorkflowAlreadyStarted(RequestError):
    """The workflow id is taken, by a run that runs or one that its reuse policy still counts.

    ``run_id`` names the run that has it.
    """


class LockConflict(RequestError):
    """Attributes the RPC wants to lock are held by another call; nothing ran. Safe to try again."""


class TimerNotFound(RequestError):
    """The state execution waits for no such timer, or no longer."""


class WaitTimedOut(RequestError):
    """What was waited for has not happened yet. Nothing is lost by waiting again."""


class WorkflowEnded(PerdureError):
    """A result was wanted, and the run ended without one. ``outcome`` says how."""

    def __init__(self, message: str, *, workflow_id: str, run_id: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.workflow_id = workflow_id
        self.run_id = run_id
        self.outcome = outcome


class WorkflowFailed(WorkflowEnded):
    """The run failed: by its own decision, a client's, or because a call could not succeed."""


class WorkflowTimedOut(WorkflowEnded):
    """The run did not end within its timeout."""


class WorkflowTerminated(WorkflowEnded):
    """The run was terminated, or replaced by a new one."""


class WorkflowCanceled(WorkflowEnded):
    """The run was canceled."""


class WorkerError(PerdureError):
    """An author's method raised, or a worker answered what cannot be understood."""


class RpcFailed(WorkerError):
    """The RPC's method failed; nothing of it was written.

    The three fields are those of iWF's error answer: the worker's HTTP status (0: no answer), the
    name of the error and its text.
    """

    def __init__(self, message: str, *, status: int = 0, error_type: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.detail = detail


class UnavailableError(PerdureError):
    """The store cannot be written or a server cannot be reached. Trying again is safe unless the
    method says that it may repeat what was sent.
    """


class InternalError(PerdureError):
    """A belief of ours was wrong. This should never happen; please report it with the lines above."""
