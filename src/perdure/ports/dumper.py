"""Something that tells all that a run remembers: for iWF's ``internal/dump``, and whoever reads that.

A client of a server is none: in iWF's layout moments are whole seconds, a message taken alone looks like a
list of one, and a timer is a moment, no matter what it was asked as. ``Inspector`` tells the same question's
answer for people, over HTTP too.
"""

from __future__ import annotations

from typing import Protocol, cast

from perdure.model.dump import RunDump
from perdure.model.ids import RunId, WorkflowId


class Dumper(Protocol):
    """Reads runs, and never changes one; as an ``Inspector`` does, which tells more and shows no values."""

    async def dump(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunDump:
        """Return what a run remembers at one moment, an ended one too.

        It tells only what is durable, and all that was acknowledged before it was asked. Without a run
        id the workflow's current run is meant.

        Raises:
            WorkflowNotFound: there is no such workflow, or no such run of it.
            InternalError: the run's journal cannot be read.
        """
        ...


def dumper_of(backend: object) -> Dumper | None:
    """Return a backend as the dumper that it is too; ``None`` if it is none."""
    return cast("Dumper", backend) if callable(getattr(backend, "dump", None)) else None
