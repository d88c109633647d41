from __future__ import annotations

import json
import operator as python
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.model.attributes import SearchAttribute, SearchAttributeType, SearchValue
from perdure.model.errors import InvalidRequest
from perdure.model.outcome import RunStatus
from perdure.store.query import Clause, CompiledQuery, after, compile_query
from perdure.store.query_syntax import AllOf, AnyOf, Comparison, Condition, Literal, Negation, Operator, parse_query
from perdure.store.search_card import entry_of
from perdure.store.search_values import normalise
from perdure.store.statements import SQL
from perdure.testing import rule

TYPES = {
    "CustomKeywordField": SearchAttributeType.KEYWORD,
    "CustomTextField": SearchAttributeType.TEXT,
    "CustomDatetimeField": SearchAttributeType.DATETIME,
    "CustomIntField": SearchAttributeType.INT,
    "CustomDoubleField": SearchAttributeType.DOUBLE,
    "CustomBoolField": SearchAttributeType.BOOL,
    "CustomKeywordArrayField": SearchAttributeType.KEYWORD_ARRAY,
    'it\'s "odd"': SearchAttributeType.INT,
}
ALL_TYPES = TYPES | {"IwfExecutingStateIds": SearchAttributeType.KEYWORD_ARRAY}
NUMBERS = {"IwfExecutingStateIds": 2} | {name: number for number, name in enumerate(TYPES, start=11)}
"""How the attributes are numbered: the system's own one by the schema, the others here."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """A run as a query sees it. Moments are milliseconds."""

    workflow_id: str = "w"
    workflow_type: str = "Signup"
    status: RunStatus = RunStatus.RUNNING
    started_ms: int = 0
    closed_ms: int | None = None
    events: int = 1
    attributes: dict[str, SearchValue] = field(default_factory=dict)


class Index:
    """Runs in the store's own tables, the first of them under key 1."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.connection = apsw.Connection(":memory:")
        self.connection.execute(SQL["schema"])
        for name, kind in TYPES.items():
            self._insert("attribute_type", NUMBERS[name], name, kind.value)
        for key, run in enumerate(runs, start=1):
            self._add(key, run)

    def _add(self, key: int, run: Run) -> None:
        whole = (run.status.value, run.started_ms, run.closed_ms, run.events, None, 0, None)
        self._insert("run", key, run.workflow_id, f"run-{key}", run.workflow_type, None, None, *whole)
        card = {}
        for name, value in run.attributes.items():
            entry, found_by = entry_of(normalise(SearchAttribute(name, ALL_TYPES[name], value), now_ms=0))
            if entry is not None:
                card[str(NUMBERS[name])] = entry
            for term in found_by:
                self._insert("search_term", NUMBERS[name], term, key)
        self._insert("search_card", key, json.dumps(card))

    def _insert(self, table: str, *values: Any) -> None:
        self.connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exc: object) -> None:
        self.connection.close()

    def select(self, sql: str, *clauses: Clause) -> list[Any]:
        parameters: Any = tuple(parameter for clause in clauses for parameter in clause.parameters)
        rows: list[Any] = self.connection.execute(
            sql.format(*(clause.sql for clause in clauses)), parameters
        ).fetchall()
        return [row[0] for row in rows]

    def find(self, text: str) -> list[int]:
        where = where_of(compile_query(text, TYPES))
        return self.select("SELECT run.key FROM run WHERE {} ORDER BY run.key", where)

    def plan(self, sql: str, clause: Clause) -> str:
        parameters: Any = clause.parameters
        rows: list[Any] = self.connection.execute(f"EXPLAIN QUERY PLAN {sql.format(clause.sql)}", parameters).fetchall()
        return "\n".join(row[3] for row in rows)


def where_of(query: CompiledQuery) -> Clause:
    return Clause(query.where, query.parameters)


def matches(run: Run, text: str) -> bool:
    with Index([run]) as index:
        return index.find(text) == [1]


# What a query means, told a second time: over plain values, with SQL's third truth (None) for what is not set.

Truth = bool | None


def holds(condition: Condition, run: Run, key: int) -> Truth:
    match condition:
        case AllOf(parts):
            return conjunction([holds(part, run, key) for part in parts])
        case AnyOf(parts):
            return opposite(conjunction([opposite(holds(part, run, key)) for part in parts]))
        case Negation(part):
            return opposite(holds(part, run, key))
        case Comparison():
            return compared(condition, values_of(condition.field, run, key))


def conjunction(truths: list[Truth]) -> Truth:
    if False in truths:
        return False
    return None if None in truths else True


def opposite(truth: Truth) -> Truth:
    return None if truth is None else not truth


def values_of(name: str, run: Run, key: int) -> set[Any]:
    """What a field of a run can be found by; nothing, if it is not set."""
    duration = None if run.closed_ms is None else (run.closed_ms - run.started_ms) * 1_000_000
    of_the_run = {
        "WorkflowId": run.workflow_id,
        "RunId": f"run-{key}",
        "WorkflowType": "Interpreter",
        "IwfWorkflowType": run.workflow_type,
        "ExecutionStatus": run.status,
        "StartTime": run.started_ms * 1_000_000,
        "ExecutionTime": run.started_ms * 1_000_000,
        "CloseTime": None if run.closed_ms is None else run.closed_ms * 1_000_000,
        "ExecutionDuration": duration,
        "HistoryLength": run.events,
    }
    if name in of_the_run:
        return {of_the_run[name]} - {None}
    if name not in run.attributes:
        return set()
    value = run.attributes[name]
    match ALL_TYPES[name]:
        case SearchAttributeType.TEXT:
            return set(str(value).lower().split()) | {""}
        case SearchAttributeType.DATETIME:
            return {nanoseconds(str(value))}
        case _:
            return set(value) if isinstance(value, tuple) else {value}


def nanoseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1) * 1_000


def meant(name: str, literal: Literal) -> list[Any]:
    kind = ALL_TYPES.get(name)
    if kind is SearchAttributeType.TEXT:
        return str(literal.value).lower().split()
    if isinstance(literal.value, str) and (kind is SearchAttributeType.DATETIME or name.endswith("Time")):
        return [nanoseconds(literal.value)]
    return [literal.value]


ORDERINGS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GREATER: python.gt,
    Operator.GREATER_EQUAL: python.ge,
    Operator.LESS: python.lt,
    Operator.LESS_EQUAL: python.le,
}


def compared(comparison: Comparison, found: set[Any]) -> Truth:
    if comparison.operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return bool(found) == (comparison.operator is Operator.IS_NOT_NULL)
    if not found:
        return None
    wanted = [value for literal in comparison.values for value in meant(comparison.field, literal)]
    positive = comparison.operator.opposite if "NOT" in comparison.operator else comparison.operator
    match positive:
        case Operator.EQUAL | Operator.IN:
            truth = not found.isdisjoint(wanted)
        case Operator.NOT_EQUAL:
            truth = found.isdisjoint(wanted)
        case Operator.STARTS_WITH:
            truth = any(value.startswith(start) for value in found for start in wanted)
        case Operator.BETWEEN:
            truth = any(wanted[0] <= value <= wanted[1] for value in found)
        case _:
            truth = any(ORDERINGS[positive](value, wanted[0]) for value in found)
    return truth if positive is comparison.operator else not truth


KEYWORDS = ["", "a", "ab", "abc", "b", "A", "é", "a'b", "a\\b", "%", "a\U0010ffff", "\U0010ffff", "\ud7ff", "\ue000"]
TEXTS = ["", "red apple", "Red", "apple pie", "apples", "long name"]
INTS = [-(2**63), -1, 0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1]
DOUBLES = [-2.5, -0.0, 0.0, 0.1, 1.0, 2.5, 9007199254740992.0, 1e300]
MOMENTS = ["1970-01-01T00:00:00+00:00", "1970-01-01T00:00:00.001+00:00", "1970-01-01T01:00:00.001500+01:00"]
MOMENTS += ["1970-01-01T00:00:00.002000+00:00", "1969-12-31T23:59:59.999000+00:00"]
NANOSECONDS = [-1, 0, 1, 999_999, 1_000_000, 1_000_001, 2_000_000]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "CustomKeywordField": st.sampled_from(KEYWORDS),
    "CustomTextField": st.sampled_from(TEXTS),
    "CustomDatetimeField": st.sampled_from(MOMENTS),
    "CustomIntField": st.sampled_from(INTS),
    "CustomDoubleField": st.sampled_from(DOUBLES),
    "CustomBoolField": st.booleans(),
    "CustomKeywordArrayField": st.lists(st.sampled_from(KEYWORDS), max_size=3).map(tuple),
    'it\'s "odd"': st.sampled_from(INTS),
    "IwfExecutingStateIds": st.lists(st.sampled_from(["a", "ab", "b"]), max_size=2).map(tuple),
}
RUNS = st.builds(
    Run,
    workflow_id=st.sampled_from(KEYWORDS),
    workflow_type=st.sampled_from(["a", "ab", "b"]),
    status=st.sampled_from(RunStatus),
    started_ms=st.integers(-1, 2),
    closed_ms=st.none() | st.integers(0, 3),
    events=st.integers(1, 3),
    attributes=st.fixed_dictionaries({}, optional=VALUES),
)

_keywords = st.sampled_from(KEYWORDS)
_numbers = st.sampled_from([*INTS, *DOUBLES, 0.5, -1e300])
_moments = st.sampled_from(MOMENTS) | st.sampled_from(NANOSECONDS)
_EQUALITY = [Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN, Operator.NOT_IN, Operator.IS_NULL, Operator.IS_NOT_NULL]
_PREFIX = [Operator.STARTS_WITH, Operator.NOT_STARTS_WITH]
_RANGE = [*_EQUALITY, *ORDERINGS, Operator.BETWEEN, Operator.NOT_BETWEEN]
ASKED: dict[str, tuple[st.SearchStrategy[Any], list[Operator]]] = {
    "CustomKeywordField": (_keywords, _RANGE + _PREFIX),
    "CustomTextField": (st.sampled_from(TEXTS), _EQUALITY + _PREFIX),
    "CustomDatetimeField": (_moments, _RANGE),
    "CustomIntField": (_numbers, _RANGE),
    "CustomDoubleField": (_numbers, _RANGE),
    "CustomBoolField": (st.booleans(), _EQUALITY),
    "CustomKeywordArrayField": (_keywords, _EQUALITY + _PREFIX),
    'it\'s "odd"': (_numbers, _RANGE),
    "IwfExecutingStateIds": (_keywords, _EQUALITY + _PREFIX),
    "WorkflowId": (_keywords, _RANGE + _PREFIX),
    "RunId": (st.sampled_from(["run-1", "run-2", "run"]), _RANGE + _PREFIX),
    "WorkflowType": (st.sampled_from(["Interpreter", "Inter", "x"]), _RANGE + _PREFIX),
    "IwfWorkflowType": (_keywords, _RANGE + _PREFIX),
    "ExecutionStatus": (st.sampled_from(RunStatus).map(str), _EQUALITY),
    "StartTime": (_moments, _RANGE),
    "ExecutionTime": (_moments, _RANGE),
    "CloseTime": (_moments, _RANGE),
    "ExecutionDuration": (st.sampled_from(NANOSECONDS), _RANGE),
    "HistoryLength": (_numbers, _RANGE),
}


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    name = draw(st.sampled_from(sorted(ASKED)))
    values, operators = ASKED[name]
    operator = draw(st.sampled_from(operators))
    counts = {Operator.IS_NULL: 0, Operator.IS_NOT_NULL: 0, Operator.BETWEEN: 2, Operator.NOT_BETWEEN: 2}
    several = operator in (Operator.IN, Operator.NOT_IN)
    count = draw(st.integers(1, 3)) if several else counts.get(operator, 1)
    return Comparison(name, operator, tuple(Literal(draw(values), 0) for _ in range(count)), 0)


def _combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    parts = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return parts.map(AllOf) | parts.map(AnyOf) | inner.map(Negation)


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(comparisons(), _combined, max_leaves=8)


def written(condition: Condition) -> str:
    """Write a condition as a query that means the same."""
    match condition:
        case AllOf(parts):
            return "(" + " AND ".join(map(written, parts)) + ")"
        case AnyOf(parts):
            return "(" + " OR ".join(map(written, parts)) + ")"
        case Negation(part):
            return f"NOT ({written(part)})"
        case Comparison(name, operator, literals):
            values = [written_value(literal.value) for literal in literals]
            return f"`{name}` {operator} {_written_values(operator, values)}"


def _written_values(operator: Operator, values: list[str]) -> str:
    if operator in (Operator.IN, Operator.NOT_IN):
        return f"({', '.join(values)})"
    return " AND ".join(values)


def written_value(value: str | float) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


@rule("10")
@settings(max_examples=400, deadline=None)
@given(st.lists(RUNS, max_size=5), CONDITIONS)
def test_sqlite_finds_what_the_query_means(runs: list[Run], condition: Condition) -> None:
    text = written(condition)
    parsed = parse_query(text).condition
    assert parsed is not None
    expected = [key for key, run in enumerate(runs, start=1) if holds(parsed, run, key)]
    with Index(runs) as index:
        query = compile_query(text, TYPES)
        assert index.find(text) == expected, (text, query)
        for shortlist in query.shortlists:
            assert set(expected) <= set(index.select("{}", shortlist)), (text, shortlist)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(RUNS, max_size=6),
    st.lists(
        st.tuples(st.sampled_from(sorted(set(ASKED) - {"CustomTextField", "CustomKeywordArrayField"})), st.booleans()),
        min_size=1,
        max_size=3,
    ).filter(lambda keys: all(name != "IwfExecutingStateIds" for name, _ in keys)),
)
def test_paging_by_key_gives_each_run_once_in_the_order_asked_for(
    runs: list[Run], keys: list[tuple[str, bool]]
) -> None:
    text = "ORDER BY " + ", ".join(f"`{name}` {'DESC' if descending else 'ASC'}" for name, descending in keys)
    with Index(runs) as index:
        assert list(pages_of_one(index, compile_query(text, TYPES))) == in_order(runs, keys), text


def pages_of_one(index: Index, query: CompiledQuery) -> Iterator[int]:
    """Page as a store does, one run at a time; each row is the values of the order, the last of them the key."""
    columns = ", ".join(term.expression.sql for term in query.order_by)
    order = ", ".join(f"{term.expression.sql}{' DESC' if term.descending else ''}" for term in query.order_by)
    values = tuple(parameter for term in query.order_by for parameter in term.expression.parameters)
    beyond = Clause("1")
    while True:
        sql = f"SELECT {columns} FROM run WHERE {query.where} AND {beyond.sql} ORDER BY {order} LIMIT 1"
        parameters: Any = (*values, *query.parameters, *beyond.parameters, *values)
        rows: list[Any] = index.connection.execute(sql, parameters).fetchall()
        if not rows:
            return
        yield rows[0][-1]
        beyond = after(query.order_by, rows[0])


def in_order(runs: list[Run], keys: list[tuple[str, bool]]) -> list[int]:
    found = list(range(len(runs), 0, -1))
    for name, descending in reversed(keys):
        values: dict[int, Any] = {key: next(iter(values_of(name, runs[key - 1], key)), None) for key in found}
        known = [key for key in found if values[key] is not None]
        # Python sorts stably, also in reverse: what is equal stays in the order of the lesser fields.
        known.sort(key=values.__getitem__, reverse=descending)
        found = known + [key for key in found if values[key] is None]
    return found


RECORDED = Run(
    workflow_id="id",
    started_ms=1_700_000_000_000,
    attributes={
        "CustomKeywordField": "red apple",
        "CustomTextField": "My name is Long Quan",
        "CustomIntField": 12,
        "CustomBoolField": True,
        "CustomDoubleField": 1.5,
        "CustomDatetimeField": "2023-04-17T21:17:49-00:00",
        "CustomKeywordArrayField": ("x", "y"),
    },
)


@rule("10")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("CustomKeywordField = 'red apple'", True),
        ("CustomKeywordField = 'red'", False),
        ("CustomKeywordField = 'Red Apple'", False),
        ("CustomTextField = 'quan'", True),
        ("CustomTextField = 'Qua'", False),
        ("CustomTextField = 'Long Nobody'", True),
        ("CustomTextField != 'Long Nobody'", False),
        ("CustomTextField = '…'", False),
        ("CustomTextField != '…'", True),
        ("CustomTextField STARTS_WITH 'Qua'", True),
        ("CustomKeywordArrayField = 'y'", True),
        ("CustomKeywordArrayField = 'z'", False),
        ("CustomKeywordArrayField != 'z'", True),
        ("CustomKeywordArrayField != 'y'", False),
        ("CustomIntField > 11 AND CustomIntField <= 12", True),
        ("CustomDoubleField < 1.5", False),
        ("CustomBoolField = true", True),
        ("CustomBoolField = false", False),
        ("CustomDatetimeField > '2023-04-17T23:17:48+02:00'", True),
        ("CustomDatetimeField < '2023-04-17T23:17:48+02:00'", False),
        ("CustomIntField NOT BETWEEN 5 AND 6", True),
        ("CustomKeywordField NOT STARTS_WITH 'ab'", True),
        ("(CustomIntField = 1 OR CustomKeywordField = 'red apple')", True),
        ('`WorkflowId` = "id"', True),
        ("RunId = 'run-1' AND WorkflowType = 'Interpreter'", True),
        ("CloseTime IS NULL AND StartTime > '2020-01-01T00:00:00Z'", True),
        ("IwfWorkflowType='Signup' AND ExecutionStatus='Completed'", False),
        ("ExecutionStatus = Running", True),
        ("ExecutionDuration > '1h'", False),
    ],
)
def test_the_recorded_queries_find_what_they_found(text: str, *, found: bool) -> None:
    assert matches(RECORDED, text) is found


@rule("10")
@pytest.mark.parametrize("name", ["CustomDatetimeField", "StartTime", "CloseTime"])
def test_the_exact_second_is_that_second(name: str) -> None:
    moment = "2023-04-17T21:17:49+00:00"
    moment_ms = nanoseconds(moment) // 1_000_000
    run = Run(started_ms=moment_ms, closed_ms=moment_ms, attributes={"CustomDatetimeField": moment})
    truths = {"=": True, "<=": True, ">=": True, "<": False, ">": False, "!=": False}
    assert {sign: matches(run, f"{name} {sign} '{moment}'") for sign in truths} == truths


@rule("10")
@pytest.mark.parametrize(
    "text",
    [
        "CustomIntField != 5",
        "NOT CustomIntField = 5",
        "NOT (CustomIntField IN (5, 6))",
        "CustomKeywordArrayField != 'x'",
        "NOT CustomTextField = 'x'",
        "CustomKeywordField NOT STARTS_WITH 'x'",
        "CloseTime != '2024-01-01T00:00:00Z'",
        "IwfExecutingStateIds != 'x'",
    ],
)
def test_a_field_that_is_not_set_is_not_different_from_a_value(text: str) -> None:
    assert not matches(Run(attributes={"IwfExecutingStateIds": ()}), text)


@rule("4.3", "10")
def test_no_executing_state_is_no_value() -> None:
    assert matches(Run(attributes={"IwfExecutingStateIds": ()}), "IwfExecutingStateIds IS NULL")


def test_a_text_without_words_is_set() -> None:
    assert matches(Run(attributes={"CustomTextField": "…"}), "CustomTextField IS NOT NULL AND CustomTextField != 'x'")


@pytest.mark.parametrize(
    "value",
    [
        "' OR '1'='1",
        "'; DROP TABLE run; --",
        '" OR ""="',
        "x') OR 1=1 --",
        "?1",
        ":name",
        "{0}",
        "\\",
        "%",
        "nul\0byte",
        "`run`.key",
    ],
)
def test_a_value_is_never_part_of_the_sql(value: str) -> None:
    harmless = compile_query("WorkflowId = 'x' AND CustomKeywordField IN ('x', 'y')", TYPES)
    text = f"WorkflowId = {written_value(value)} AND CustomKeywordField IN ({written_value(value)}, 'y')"
    assert compile_query(text, TYPES).where == harmless.where
    assert matches(Run(workflow_id=value, attributes={"CustomKeywordField": value}), text)
    assert not matches(Run(workflow_id="other", attributes={"CustomKeywordField": value}), text)


def sql_of_order(query: CompiledQuery) -> list[str]:
    return [term.expression.sql for term in query.order_by]


@pytest.mark.parametrize("name", ["x'; DROP TABLE run; --", "run.key", "1=1 OR x", '"run"'])
def test_a_fields_name_is_never_part_of_the_sql(name: str) -> None:
    query = compile_query(f"`{name}` = 1 ORDER BY `{name}`", {name: SearchAttributeType.INT})
    harmless = compile_query("x = 1 ORDER BY x", {"x": SearchAttributeType.INT})
    assert (query.where, sql_of_order(query)) == (harmless.where, sql_of_order(harmless))
    with pytest.raises(InvalidRequest, match=r"^invalid query: invalid search attribute: "):
        compile_query(f"`{name}` = 1", {})


@rule("10")
@pytest.mark.parametrize("name", ["CustomTextField", "CustomKeywordArrayField", "IwfExecutingStateIds"])
def test_what_has_many_values_gives_no_order(name: str) -> None:
    with pytest.raises(
        InvalidRequest, match=rf"^invalid query: operation is not supported: ORDER BY {name} of type .* at position 10$"
    ):
        compile_query(f"ORDER BY {name}", TYPES)


def test_the_usual_order_is_left_to_the_store() -> None:
    assert compile_query("CustomIntField = 1", TYPES).order_by == ()


def test_a_query_has_so_many_comparisons_and_no_more() -> None:
    with pytest.raises(InvalidRequest, match=r"^invalid query: it has 101 comparisons, expected no more than 100"):
        compile_query(" AND ".join(["CustomIntField>0"] * 101), TYPES)


def nested(levels: int) -> str:
    text = "CustomIntField = 1"
    for level in range(levels):
        text = f"({text} {'AND' if level % 2 else 'OR'} CloseTime IS NULL)"
    return text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(" AND ".join(["HistoryLength>0"] * 100), id="a long chain"),
        pytest.param(" AND ".join(["CustomIntField=1"] * 100), id="a long chain of probes"),
        pytest.param(" OR ".join(["CustomIntField=1"] * 450), id="a long choice of values"),
        pytest.param(" AND ".join(["CustomIntField>0"] * 100), id="a long chain of ranges"),
        pytest.param(" OR ".join(["CustomIntField>0"] * 100), id="a long choice of ranges"),
        pytest.param(" OR ".join(["(CustomIntField=1 AND i=1)"] * 50), id="a long choice of chains"),
        pytest.param("NOT (" + " OR ".join(["CustomIntField=2"] * 450) + ")", id="a long denial"),
        pytest.param("CustomIntField IN (" + ",".join(["1"] * 4_000) + ")", id="a long list"),
        pytest.param(nested(99), id="the deepest nesting"),
        pytest.param("NOT (" * 100 + "CustomIntField = 1" + ")" * 100, id="the deepest denial"),
        pytest.param("CustomTextField STARTS_WITH '" + " ".join(f"w{n}" for n in range(1_600)) + "'", id="many words"),
        pytest.param("CustomIntField = 1 AND CustomTextField = '" + "w " * 4_900 + "'", id="many words, one term"),
    ],
)
def test_sqlite_takes_the_largest_queries(text: str) -> None:
    query = compile_query(text, TYPES | {"i": SearchAttributeType.INT})
    run = Run(attributes={"CustomIntField": 1, "CustomTextField": "w"})
    with Index([run]) as index:
        index.connection.execute("INSERT INTO attribute_type VALUES (99, 'i', 'INT')")
        index.connection.execute("INSERT INTO search_term VALUES (99, 1, 1)")
        expected = [] if "STARTS_WITH" in text else [1]
        assert index.select("SELECT run.key FROM run WHERE {}", where_of(query)) == expected
        for shortlist in query.shortlists:
            assert set(index.select("{}", shortlist)) == set(expected)


def test_the_largest_order_is_taken() -> None:
    keys = ", ".join(f"`{name}`" for name in ['it\'s "odd"', "CustomIntField"] * 4)
    with Index([RECORDED, RECORDED]) as index:
        assert list(pages_of_one(index, compile_query(f"ORDER BY {keys}", TYPES))) == [2, 1]


@pytest.mark.parametrize(
    ("text", "stretch"),
    [
        ("CustomIntField = 5", "(attribute=? AND term=?)"),
        ("CustomKeywordField IN ('a', 'b')", "(attribute=? AND term=?)"),
        ("CustomTextField = 'two words'", "(attribute=? AND term=?)"),
        ("CustomKeywordArrayField = 'a'", "(attribute=? AND term=?)"),
        ("CustomIntField > 5", "(attribute=? AND term>?)"),
        ("CustomDoubleField <= 5", "(attribute=? AND term<?)"),
        ("CustomDatetimeField BETWEEN 5 AND 6", "(attribute=? AND term>? AND term<?)"),
        ("CustomKeywordField STARTS_WITH 'ab'", "(attribute=? AND term>? AND term<?)"),
    ],
)
def test_a_few_runs_are_found_by_the_index_alone(text: str, stretch: str) -> None:
    with Index([]) as index:
        [shortlist] = compile_query(text, TYPES).shortlists
        assert f"SEARCH search_term USING PRIMARY KEY {stretch}" in index.plan("{}", shortlist)


@pytest.mark.parametrize(
    ("text", "stretch"),
    [
        ("CustomIntField = 5", "(attribute=? AND term=? AND run=?)"),
        ("CustomKeywordField NOT IN ('a', 'b')", "(attribute=?)"),
        ("CustomKeywordArrayField != 'a'", "(attribute=? AND term=? AND run=?)"),
        ("CustomIntField > 5", "(attribute=? AND term>?)"),
        ("CustomKeywordField STARTS_WITH 'ab'", "(attribute=? AND term>? AND term<?)"),
        ("CustomKeywordField IS NULL", "(attribute=?)"),
    ],
)
def test_no_test_reads_the_whole_index_of_terms(text: str, stretch: str) -> None:
    with Index([]) as index:
        plan = index.plan(
            "SELECT run.key FROM run WHERE {} ORDER BY run.key DESC", where_of(compile_query(text, TYPES))
        )
    assert "SCAN search_term" not in plan
    assert f"USING PRIMARY KEY {stretch}" in plan


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("WorkflowId = 'a'", "run_by_workflow (workflow_id=?)"),
        ("WorkflowId STARTS_WITH 'a'", "run_by_workflow (workflow_id>? AND workflow_id<?)"),
        ("RunId = 'a'", "run_by_run_id (run_id=?)"),
        ("IwfWorkflowType = 'a'", "run_by_type (workflow_type=?)"),
    ],
)
def test_ids_and_types_are_found_by_their_own_indexes(text: str, way: str) -> None:
    with Index([]) as index:
        assert way in index.plan("SELECT run.key FROM run WHERE {}", where_of(compile_query(text, TYPES)))


def test_a_choice_is_shortlisted_only_if_each_part_of_it_is() -> None:
    assert len(compile_query("WorkflowId = 'a' OR CustomIntField = 5", TYPES).shortlists) == 1
    assert compile_query("WorkflowId = 'a' OR CustomIntField != 5", TYPES).shortlists == ()
    assert len(compile_query("WorkflowId = 'a' AND CustomIntField = 5 AND CloseTime IS NULL", TYPES).shortlists) == 2
