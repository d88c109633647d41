"""What callers ask that changes nothing: reads, searches and long polls.

A read of a run waits for the last event of that run to be durable; a long poll brings no run back
into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from perdure.engine.hot import HotRun
from perdure.engine.inputs import Describe, ReadData, ReadSearch, Search, WaitForResult, WaitForState
from perdure.engine.ledger import Ledger
from perdure.engine.lookup import Lookup
from perdure.engine.outputs import Refused
from perdure.engine.parking import HotRuns
from perdure.engine.waiters import RESULT_TIMED_OUT, STATE_TIMED_OUT, Waiters, ended_as
from perdure.interpreter.chain import decide_after_close
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import InvalidRequest, PerdureError, WaitTimedOut
from perdure.model.outcome import Outcome, RunInfo
from perdure.ports.clock import Clock
from perdure.store.query_fields import SYSTEM_FIELDS
from perdure.store.rows import RunKey, RunRow
from perdure.store.search_values import read_as
from perdure.store.store import Store


class Readings:
    """Answers what is asked of runs as they are."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        runs: HotRuns,
        lookup: Lookup,
        ledger: Ledger,
        waiters: Waiters,
        load: Callable[[list[RunKey]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._runs = runs
        self._lookup = lookup
        self._ledger = ledger
        self._waiters = waiters
        self._load = load

    def read_data(self, wanted: ReadData, now_ms: int) -> None:
        run = self._lookup.run(wanted.workflow_id, wanted.run_id)
        data = run.execution.data_attributes()
        keys = data if wanted.keys is None else [key for key in dict.fromkeys(wanted.keys) if key in data]
        self._ledger.answer(run, wanted.reply, tuple(data[key] for key in sorted(keys)))

    def read_search(self, wanted: ReadSearch, now_ms: int) -> None:
        row = self._lookup.row(wanted.workflow_id, wanted.run_id)
        self._ledger.after(self._runs.get(row.key), lambda: self._answer_search(wanted, row.key), reply=wanted.reply)

    def _answer_search(self, wanted: ReadSearch, key: RunKey) -> None:
        try:
            indexed = self._store.index_of(key)
            value = _own(indexed) if wanted.keys is None else tuple(_read_typed(indexed, wanted.keys))
        except PerdureError as error:
            self._ledger.say(Refused(wanted.reply, error))
        else:
            self._ledger.answer(None, wanted.reply, value)

    def describe(self, wanted: Describe, now_ms: int) -> None:
        row = self._lookup.row(wanted.workflow_id, wanted.run_id)
        run = self._runs.get(row.key)
        info = run.info() if run is not None else _info(row)
        self._ledger.answer(run, wanted.reply, info)

    def wait_for_result(self, wanted: WaitForResult, now_ms: int) -> None:
        row = self._lookup.row(wanted.workflow_id, wanted.run_id)
        asked_run = row.run_id
        run = self._runs.get(row.key)
        while row.status.closed and (again := self._retry_of(row, run)) is not None:
            row = again
            run = self._runs.get(row.key)
            if run is None and row.status.closed:
                self._load([row.key])
                run = self._runs.get(row.key)
        if row.status.closed:
            info = run.info() if run is not None else _info(row)
            self._ledger.answer(run, wanted.reply, ended_as(info, asked_run))
        elif wanted.wait_ms is not None and wanted.wait_ms <= 0:
            self._ledger.refuse(run, wanted.reply, WaitTimedOut(RESULT_TIMED_OUT))
        else:
            self._waiters.wait_for_result(
                wanted.reply, row.key, asked_run=asked_run, until_ms=self._until_ms(wanted.wait_ms)
            )

    def _retry_of(self, row: RunRow, run: HotRun | None) -> RunRow | None:
        """Return the run that retried this one that failed, if one did (iWF 8.4)."""
        if run is None or run.quarantine is not None or run.outcome is None or row.closed_ms is None:
            return None
        if run.followed_by is not None and (following := self._runs.get(run.followed_by)) is not None:
            return following.row
        started = run.execution.started
        again = decide_after_close(started, run.outcome, run_id=started.run_id, now_ms=row.closed_ms)
        if again is None or again.attempt == started.attempt:
            return None
        later = (other for other in self._store.runs_of(row.workflow_id) if other.key > row.key)
        return next((other for other in later if other.first_run_id == row.first_run_id), None)

    def wait_for_state(self, wanted: WaitForState, now_ms: int) -> None:
        wait = wanted.wait
        if wait.key and wait.state_id:
            key = f"{wait.state_id}_{wait.key}"
        elif wait.state_execution_id:
            key = wait.state_execution_id
        else:
            raise InvalidRequest(
                "found neither a state execution id, nor a state id and a wait-for key, expected one of the two"
            )
        row = self._lookup.row_or_none(wait.workflow_id)
        done = None if row is None else self._store.completion(wait.workflow_id, row.first_run_id, key)
        if done is not None:
            self._ledger.answer(None, wanted.reply, done.output)
        elif wanted.wait_ms is not None and wanted.wait_ms <= 0:
            self._ledger.say(Refused(wanted.reply, WaitTimedOut(STATE_TIMED_OUT)))
        else:
            self._waiters.wait_for_state(wanted.reply, wait.workflow_id, key, until_ms=self._until_ms(wanted.wait_ms))

    def _until_ms(self, wait_ms: int | None) -> int | None:
        return None if wait_ms is None else self._clock.monotonic_ms() + wait_ms

    def search(self, wanted: Search, now_ms: int) -> None:
        page = self._store.search(wanted.query, page_size=wanted.page_size, page_token=wanted.page_token)
        self._ledger.answer(None, wanted.reply, page)


def _info(row: RunRow) -> RunInfo:
    outcome = Outcome(row.status) if row.status.closed else None
    return RunInfo(row.workflow_id, row.run_id, row.workflow_type, row.status, row.started_ms, row.closed_ms, outcome)


def _own(indexed: dict[str, SearchAttribute]) -> tuple[SearchAttribute, ...]:
    return tuple(attribute for key, attribute in indexed.items() if key not in SYSTEM_FIELDS)


def _read_typed(
    indexed: dict[str, SearchAttribute], keys: Iterable[tuple[str, SearchAttributeType | None]]
) -> Iterable[SearchAttribute]:
    for key, kind in keys:
        attribute = indexed.get(key)
        if attribute is None:
            continue
        if kind is None:
            raise InvalidRequest("unsupported search attribute value type ")
        try:
            yield read_as(attribute, kind)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
