"""Which runs are in memory, by every name, and which of them may leave it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container

from perdure.engine.hot import HotRun
from perdure.model.ids import RunId, WorkflowId
from perdure.store.rows import RunKey

RESTING_MAX = 2_000
"""Runs kept although nothing is in progress, because they may be asked for again soon."""
ENDED_MAX = 250
"""Runs kept although they have ended: who waits for the end of one has it with the commit."""
QUEUING_MAX = 20_000
"""Runs kept although they only wait for a slot of their worker: a burst passes without a second load."""


WARM_MAX = 20_000
"""Runs loaded ahead because their moment is near. Some 8 KB each."""


class HotRuns:
    """The runs in memory. Everything that is not durable yet is in here; what rests is bounded.

    A run that is not in here is on disk, whole: it was parked.
    """

    def __init__(self, *, resting_max: int = RESTING_MAX) -> None:
        self._resting_max = resting_max
        self._ended_max = ENDED_MAX * resting_max // RESTING_MAX
        self._queuing_max = QUEUING_MAX * resting_max // RESTING_MAX
        self._by_key: dict[RunKey, HotRun] = {}
        self._by_id: dict[RunId, HotRun] = {}
        self._current: dict[WorkflowId, HotRun] = {}
        self._resting: OrderedDict[RunKey, HotRun] = OrderedDict()
        self._ended: OrderedDict[RunKey, HotRun] = OrderedDict()
        self._queuing: OrderedDict[RunKey, HotRun] = OrderedDict()
        self._warm: dict[RunKey, HotRun] = {}
        self.warm_max = WARM_MAX * resting_max // RESTING_MAX

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: RunKey) -> HotRun | None:
        return self._by_key.get(key)

    def by_id(self, run_id: RunId) -> HotRun | None:
        return self._by_id.get(run_id)

    def current(self, workflow_id: WorkflowId) -> HotRun | None:
        """Return the newest run of a workflow, if it is in memory and known to be that."""
        return self._current.get(workflow_id)

    def add(self, run: HotRun) -> None:
        self._by_key[run.key] = run
        self._by_id[run.row.run_id] = run
        self._resting[run.key] = run

    def set_current(self, run: HotRun) -> None:
        """Say that this is the newest run of its workflow."""
        before = self._current.get(run.row.workflow_id)
        if before is not None:
            before.current = False
        run.current = True
        self._current[run.row.workflow_id] = run

    def rest(self, run: HotRun) -> None:
        """Let a run leave memory when its turn comes, unless it works then. It was used just now.

        One that has left already stays away.
        """
        if self._by_key.get(run.key) is not run:
            return
        self._forget(run)
        kept = self._ended if run.status.closed else self._queuing if run.queued else self._resting
        kept[run.key] = run

    def keep_warm(self, run: HotRun) -> None:
        """Keep a run that was loaded ahead, until it is used or ``cool`` lets it go."""
        self._forget(run)
        self._warm[run.key] = run

    def cool(self, coming: Container[RunKey]) -> None:
        """Let runs that were loaded ahead leave memory as others do, but for those still *coming*."""
        for run in [run for key, run in self._warm.items() if key not in coming]:
            self.rest(run)

    def park(self) -> None:
        """Drop what has rested longest, down to the bounds."""
        self._trim(self._resting, self._resting_max)
        self._trim(self._ended, self._ended_max)
        self._trim(self._queuing, self._queuing_max)

    def _trim(self, kept: OrderedDict[RunKey, HotRun], most: int) -> None:
        while len(kept) > most:
            _, run = kept.popitem(last=False)
            if not run.working:
                self.drop(run)

    def drop(self, run: HotRun) -> None:
        """Forget a run here; what is stored of it stays."""
        del self._by_key[run.key]
        del self._by_id[run.row.run_id]
        self._forget(run)
        if run.current:
            del self._current[run.row.workflow_id]

    def _forget(self, run: HotRun) -> None:
        for kept in (self._resting, self._ended, self._queuing, self._warm):
            kept.pop(run.key, None)
