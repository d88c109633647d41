"""Whom callers mean: the rows and runs that one round of inputs is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from perdure.engine.hot import HotRun
from perdure.engine.inputs import (
    CallRpc,
    Change,
    Describe,
    Erase,
    Input,
    ReadData,
    ReadSearch,
    Reported,
    Reset,
    Start,
    WaitForResult,
    WaitForState,
    Wake,
)
from perdure.engine.ledger import quarantined
from perdure.engine.parking import HotRuns
from perdure.model.errors import WorkflowNotFound
from perdure.model.ids import RunId, WorkflowId
from perdure.store.rows import RunKey, RunRow
from perdure.store.store import Store

_NEEDS_EXECUTION = (Change, ReadData, CallRpc)
_NEEDS_EXECUTION_IF_CLOSED = (Describe, WaitForResult)


class Lookup:
    """Finds runs by their names: in memory, else in what was read of the store for this round."""

    def __init__(
        self,
        *,
        store: Store,
        runs: HotRuns,
        run_of: Callable[[int], RunKey | None],
        going: Callable[[RunKey], bool],
    ) -> None:
        """Begin without a round.

        Args:
            run_of: which run waits for the report of a token.
            going: whether a run is being removed. It is not found any more, whether or not the file still has it.
        """
        self._store = store
        self._runs = runs
        self._run_of = run_of
        self._going = going
        self._rows: dict[WorkflowId, RunRow] = {}
        self._rows_by_id: dict[RunId, RunRow] = {}

    # What a round needs

    def end_round(self) -> None:
        """Forget what was read: the next round may find it changed."""
        self._rows.clear()
        self._rows_by_id.clear()

    def read_rows(self, inputs: Iterable[Input]) -> None:
        """Read the rows of all runs that these are about and that are not in memory: two statements at most."""
        workflows: dict[WorkflowId, None] = {}
        runs: dict[RunId, None] = {}
        for given in inputs:
            if isinstance(given, Reported):
                continue
            workflow_id, run_id = _names(given)
            if run_id is not None and self._runs.by_id(run_id) is None:
                runs[run_id] = None
            if workflow_id and (run_id is None or isinstance(given, Reset)) and self._runs.current(workflow_id) is None:
                workflows[workflow_id] = None
        if workflows:
            self._rows = self._store.current_runs(tuple(workflows))
        if runs:
            self._rows_by_id = self._store.runs(tuple(runs))

    def keys_to_load(self, inputs: Iterable[Input]) -> list[RunKey]:
        """Return the runs that must be in memory for these to be handled, and are not."""
        wanted: dict[RunKey, None] = {}
        for given in inputs:
            if isinstance(given, Reported):
                key = self._run_of(given.token)
                if key is not None:
                    wanted[key] = None
            elif isinstance(given, Wake):
                wanted[given.key] = None
            elif self._rows or self._rows_by_id:
                row = self._row_to_load(given)
                if row is not None and row.quarantine is None:
                    wanted[row.key] = None
        return [key for key in wanted if self._runs.get(key) is None]

    def _row_to_load(self, given: Input) -> RunRow | None:
        workflow_id, run_id = _names(given)
        if isinstance(given, Start | Reset):
            row = self._rows.get(workflow_id)
            return None if row is None or row.status.closed else row
        row = self._rows.get(workflow_id) if run_id is None else self._rows_by_id.get(run_id)
        if row is None or self._going(row.key):
            return None
        if isinstance(given, _NEEDS_EXECUTION):
            return row
        return row if isinstance(given, _NEEDS_EXECUTION_IF_CLOSED) and row.status.closed else None

    # Finding the run somebody means

    def hot(self, workflow_id: WorkflowId, run_id: RunId | None) -> HotRun | None:
        """Return the run if it is in memory."""
        if run_id is not None:
            run = self._runs.by_id(run_id)
            return run if run is not None and run.row.workflow_id == workflow_id else None
        run = self._runs.current(workflow_id)
        if run is None and (row := self._rows.get(workflow_id)) is not None:
            run = self._runs.get(row.key)
            if run is not None:
                self._runs.set_current(run)
        return run

    def named(self, given: Input) -> HotRun | None:
        """Return the run an input is about, if it is in memory."""
        workflow_id, run_id = _names(given)
        return self.hot(workflow_id, run_id) if workflow_id else None

    def row_or_none(self, workflow_id: WorkflowId, run_id: RunId | None = None) -> RunRow | None:
        """Return the row of a run: live if it is in memory, but for its deadline."""
        run = self.hot(workflow_id, run_id)
        if run is not None:
            return run.row
        row = self._rows.get(workflow_id) if run_id is None else self._rows_by_id.get(run_id)
        return row if row is not None and row.workflow_id == workflow_id and not self._going(row.key) else None

    def row(self, workflow_id: WorkflowId, run_id: RunId | None) -> RunRow:
        """Return the row of a run.

        Raises:
            WorkflowNotFound: there is none.
        """
        if not workflow_id:
            raise WorkflowNotFound("WorkflowId is not set on request.")
        row = self.row_or_none(workflow_id, run_id)
        if row is not None:
            return row
        if run_id is None:
            raise WorkflowNotFound(f"workflow not found for ID: {workflow_id}", workflow_id=workflow_id)
        text = f'workflow execution not found for workflow ID "{workflow_id}" and run ID "{run_id}"'
        raise WorkflowNotFound(text, workflow_id=workflow_id, run_id=run_id)

    def run(self, workflow_id: WorkflowId, run_id: RunId | None) -> HotRun:
        """Return a run that can be gone on with; it was loaded with the round."""
        row = self.row(workflow_id, run_id)
        run = self._runs.get(row.key)
        why = row.quarantine if run is None else run.quarantine
        if why is not None:
            raise quarantined(row.run_id, workflow_id, why)
        assert run is not None, f"the round of a request to run {row.run_id} has loaded it"
        return run


def _names(given: Input) -> tuple[WorkflowId, RunId | None]:
    """Return which workflow, and which run of it, an input is about."""
    match given:
        case Change() | ReadData() | ReadSearch() | Describe() | WaitForResult():
            return given.workflow_id, given.run_id
        case Start():
            return given.request.workflow_id, None
        case Erase():
            return given.workflow_id, None
        case CallRpc():
            return given.call.workflow_id, given.call.run_id
        case Reset():
            return given.request.workflow_id, given.request.run_id
        case WaitForState():
            return given.wait.workflow_id, None
        case _:
            return WorkflowId(""), None
