"""Something that tells what is inside of runs: to an operator, a console, a command line.

These docstrings are the contract; the conformance suite of backends holds whoever keeps it.
"""

from __future__ import annotations

from typing import Protocol, cast

from perdure.model.history import HistoryEntry
from perdure.model.ids import RunId, WorkflowId
from perdure.model.progress import RunProgress

HISTORY_LIMIT = 1_000


class Inspector(Protocol):
    """Reads runs, and never changes one.

    It tells only what is durable, and all that was acknowledged before it was asked. No run is
    brought back into memory by it, and none goes on or stands still for it. A backend may be an
    inspector too: see ``inspector_of``. Every method may raise ``UnavailableError``, and raises
    ``WorkflowNotFound`` if there is no such workflow or no such run of it. Without a run id the
    workflow's current run is meant, as in ``Backend``.
    """

    async def history(
        self,
        workflow_id: WorkflowId,
        *,
        run_id: RunId | None = None,
        after_seq: int = 0,
        limit: int = HISTORY_LIMIT,
    ) -> tuple[HistoryEntry, ...]:
        """Return what has happened to a run, oldest first; nothing, beyond its end.

        Args:
            after_seq: begin after the entry of this number; 0: at the beginning.
            limit: so many entries at most.

        Raises:
            InvalidRequest: *after_seq* is below 0 or *limit* below 1.
        """
        ...

    async def progress(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunProgress:
        """Return what a run is about at one moment: its open state executions, and why each does not go on."""
        ...


def inspector_of(backend: object) -> Inspector | None:
    """Return a backend as the inspector that it is too; ``None`` if it is none."""
    known = all(callable(getattr(backend, name, None)) for name in ("history", "progress"))
    return cast("Inspector", backend) if known else None
