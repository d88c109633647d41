"""Erasing a person: what authors and callers have put into the runs of one workflow id, and into the index.

Rule 1: only runs that have ended are erased, all of one id together, in one batch.
Rule 2: what is in memory of them is thrown away once that is durable; what was told before was told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial

from perdure.engine.hot import HotRun
from perdure.engine.inputs import Erase, Input
from perdure.engine.ledger import Ledger
from perdure.engine.parking import HotRuns
from perdure.interpreter.codec import EncodedEvent, decode_event, encode_event
from perdure.interpreter.erasure import ERASED_TEXT, erased, erased_reason
from perdure.interpreter.events import Erased
from perdure.model.errors import InternalError, InvalidRequest, WorkflowNotFound
from perdure.store.rows import EventRow, RunKey
from perdure.store.store import Store

logger = logging.getLogger(__name__)


class Erasing:
    """Empties the runs of a workflow id."""

    def __init__(
        self,
        *,
        store: Store,
        runs: HotRuns,
        ledger: Ledger,
        load: Callable[[list[RunKey]], None],
        submit: Callable[[Input], None],
        going: Callable[[RunKey], bool],
    ) -> None:
        """Begin with nothing to do.

        Args:
            going: whether a run is being removed: all of it is gone soon, and nothing of it may be written any more.
        """
        self._store = store
        self._runs = runs
        self._ledger = ledger
        self._load = load
        self._submit = submit
        self._going = going

    def erase(self, wanted: Erase, now_ms: int) -> None:
        current = self._runs.current(wanted.workflow_id)
        if current is not None and current.held is not None:
            self._after(current, wanted)  # the file does not know all its runs yet
            return
        rows = [row for row in self._store.runs_of(wanted.workflow_id) if not self._going(row.key)]
        if not rows:
            raise WorkflowNotFound(f"workflow not found for ID: {wanted.workflow_id}", workflow_id=wanted.workflow_id)
        keys = [row.key for row in rows]
        self._load([key for key in keys if self._runs.get(key) is None])
        runs = [run for key in keys if (run := self._runs.get(key)) is not None]
        for run in runs:
            if run.held is not None:
                self._after(run, wanted)
                return
        for run in runs:
            self._check(run)
        journals = [self._store.journal(run.key) for run in runs]  # all, before anything happens to one of them
        for run, journal in zip(runs, journals, strict=True):
            self._empty(run, journal, now_ms=now_ms, reason=wanted.reason)
        self._ledger.open.emptied_workflows.append(wanted.workflow_id)
        self._ledger.answer(runs[-1], wanted.reply, None)

    def _after(self, run: HotRun, wanted: Erase) -> None:
        self._ledger.after(run, partial(self._submit, wanted), reply=wanted.reply)

    def _check(self, run: HotRun) -> None:
        if not run.status.closed:
            raise InvalidRequest(
                f"run {run.row.run_id} of workflow {run.row.workflow_id!r} is open, expected all runs to have ended: "
                "cancel() or terminate() it, then erase it",
                workflow_id=run.row.workflow_id,
                run_id=run.row.run_id,
            )

    def _empty(self, run: HotRun, journal: Iterable[EventRow], *, now_ms: int, reason: str) -> None:
        batch = self._ledger.open
        batch.emptied.append(run.key)
        batch.rewritten += [_emptied(row) for row in journal]
        if run.quarantine is not None:
            run.quarantine = ERASED_TEXT  # it quotes what could not be applied
        if self._ledger.journal(run, Erased(), now_ms=now_ms, actor="client", reason=reason) is None:
            raise InternalError(f"run {run.row.run_id} of workflow {run.row.workflow_id!r} cannot be erased")
        self._ledger.after(run, partial(self._let_go, run))

    def _let_go(self, run: HotRun) -> None:
        if self._runs.get(run.key) is run:
            self._runs.drop(run)


def _emptied(row: EventRow) -> EventRow:
    return row._replace(event=_emptied_event(row.event), reason=erased_reason(row.reason), trace="")


def _emptied_event(encoded: EncodedEvent) -> EncodedEvent:
    try:
        return encode_event(erased(decode_event(encoded)))
    except Exception:  # noqa: BLE001 - what nobody can read is of no use to anybody, and is not kept for that
        logger.warning("an event %r that cannot be read is emptied wholly", encoded.kind)
        return EncodedEvent(encoded.kind, encoded.version, "{}")
