"""Pages of runs that match a query, in the usual order or the query's own.

The usual order is: open runs, the latest start first; then closed ones, the latest end first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perdure.model.attributes import SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.model.outcome import RunStatus, RunSummary, SearchPage
from perdure.store.page_token import AmongClosed, AmongOpen, InOrder, Position, read_token, write_token
from perdure.store.query import Clause, CompiledQuery, after, compile_query
from perdure.store.reader import Line, Reader
from perdure.store.statements import SQL

SHORTLIST_RUNS = 5_000
"""Up to so many runs are looked at one by one and sorted; more are met soon enough on a walk in order."""

_SHORTLISTS = 8  # looked at, of those a query has
_PAGE_RUNS = 1_000_000
_FROM_START = AmongOpen(2**63 - 1)
_LATEST = 2**63 - 1


def search(
    reader: Reader, query: str, types: Mapping[str, SearchAttributeType], *, page_size: int, page_token: str
) -> SearchPage:
    """See ``Store.search``."""
    if page_size < 1:
        raise InvalidRequest(f"pageSize is {page_size}, expected 1 or more")
    page_size = min(page_size, _PAGE_RUNS)
    compiled = compile_query(query, types)
    position = read_token(page_token) if page_token else None
    chosen = _Chosen.of(reader, compiled)
    if compiled.order_by:
        return _page_in_order(reader, chosen, position, page_size=page_size)
    return _page(reader, chosen, position or _FROM_START, page_size=page_size)


class _Chosen:
    """A query with its way to the runs: over a short list of candidates, or through all in order."""

    def __init__(self, compiled: CompiledQuery, shortlist: Clause | None) -> None:
        self.order_by = compiled.order_by
        self.access, self.where, self.parameters = "", compiled.where, compiled.parameters
        if shortlist is not None:
            # No index but the key: these are few, and whatever else the planner thinks of is not.
            self.access = "NOT INDEXED"
            self.where = f"run.key IN ({shortlist.sql}) AND ({compiled.where})"
            self.parameters = (*shortlist.parameters, *compiled.parameters)

    @classmethod
    def of(cls, reader: Reader, compiled: CompiledQuery) -> _Chosen:
        counted = [(_length(reader, shortlist), shortlist) for shortlist in compiled.shortlists[:_SHORTLISTS]]
        length, shortest = min(counted, key=lambda pair: pair[0], default=(SHORTLIST_RUNS + 1, None))
        return cls(compiled, shortest if length <= SHORTLIST_RUNS else None)

    def statement(self, name: str, **parts: str) -> str:
        return SQL[name].format(access=self.access, where=self.where, **parts)


def _length(reader: Reader, shortlist: Clause) -> int:
    statement = SQL["count_shortlist"].format(shortlist=shortlist.sql)
    [[length]] = reader.fetch([statement], (*shortlist.parameters, SHORTLIST_RUNS + 1))
    return int(length)


def _page(reader: Reader, chosen: _Chosen, position: Position, *, page_size: int) -> SearchPage:
    lines: list[Line] = []
    if isinstance(position, InOrder):
        raise InvalidRequest(
            "nextPageToken belongs to a query with ORDER BY: leave it out to begin with the first page"
        )
    if isinstance(position, AmongOpen):
        parameters = (position.key, *chosen.parameters, page_size)
        [lines] = reader.fetch([chosen.statement("search_open_runs")], parameters)
        position = AmongClosed(_LATEST, _LATEST)
    if len(lines) < page_size:
        parameters = (position.closed_ms, position.key, *chosen.parameters, page_size - len(lines))
        [closed] = reader.fetch([chosen.statement("search_closed_runs")], parameters)
        lines += closed
    return _page_of(lines, page_size, _position_of(lines[-1]) if lines else None)


def _position_of(line: Line) -> Position:
    key, closed_ms = line[0], line[6]
    return AmongOpen(key) if closed_ms is None else AmongClosed(closed_ms, key)


def _page_in_order(reader: Reader, chosen: _Chosen, position: Position | None, *, page_size: int) -> SearchPage:
    order_by = chosen.order_by
    beyond = Clause("1")
    if position is not None:
        if not isinstance(position, InOrder) or len(position.values) != len(order_by):
            raise InvalidRequest("nextPageToken belongs to another query: leave it out to begin with the first page")
        beyond = after(order_by, position.values)
    statement = chosen.statement(
        "search_runs_in_order",
        position=", ".join(term.expression.sql for term in order_by),
        after=beyond.sql,
        order=", ".join(f"{term.expression.sql}{' DESC' if term.descending else ''}" for term in order_by),
    )
    values: tuple[Any, ...] = tuple(value for term in order_by for value in term.expression.parameters)
    [lines] = reader.fetch([statement], (*values, *chosen.parameters, *beyond.parameters, *values, page_size))
    return _page_of(lines, page_size, InOrder(tuple(lines[-1][7])) if lines else None)


def _page_of(lines: list[Line], page_size: int, end: Position | None) -> SearchPage:
    full = len(lines) == page_size and end is not None
    return SearchPage(tuple(map(_summary_of, lines)), write_token(end) if full and end else "")


def _summary_of(line: Line) -> RunSummary:
    _, workflow_id, run_id, workflow_type, status, started_ms, closed_ms = line[:7]
    return RunSummary(workflow_id, run_id, workflow_type, RunStatus(status), started_ms, closed_ms)
