"""The fields a query may name, and what a value in a query means to each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from perdure.model.attributes import SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.model.outcome import RunStatus
from perdure.store.query_syntax import Comparison, Literal, Operator
from perdure.store.search_values import (
    INT64_MAX,
    INT64_MIN,
    NANOSECONDS_PER_MS,
    NANOSECONDS_PER_SECOND,
    TYPE_NAMES,
    IndexTerm,
    parse_moment,
    words,
)

Reading = Callable[[str, Literal], tuple[IndexTerm, ...]]
"""What a field, named first, makes of a value: one term, or for text one for each word."""


@dataclass(frozen=True, slots=True)
class RunField:
    """A field that every run has in its own row."""

    name: str
    type: SearchAttributeType
    expression: str
    """SQL over ``run``."""
    read: Reading
    operators: frozenset[Operator]
    indexed: bool = False
    """An index finds the few runs that have a value."""
    nullable: bool = False
    """Some runs have none, because they are open."""


@dataclass(frozen=True, slots=True)
class AttributeField:
    """A search attribute, found through the index of terms."""

    name: str
    type: SearchAttributeType
    read: Reading
    operators: frozenset[Operator]

    @property
    def has_many_terms(self) -> bool:
        return self.type in _MANY_TERMS


Field = RunField | AttributeField


def field_named(name: str, types: Mapping[str, SearchAttributeType]) -> Field:
    """Find a field; a system field hides a search attribute of its name.

    Raises:
        InvalidRequest: there is none.
    """
    if name in _RUN_FIELDS:
        return _RUN_FIELDS[name]
    kind = _INDEXED_SYSTEM_FIELDS.get(name) or types.get(name)
    if kind is None:
        raise InvalidRequest(f"invalid query: invalid search attribute: {name}")
    return AttributeField(name, kind, _READINGS[kind], _OPERATORS[kind])


def operands(field: Field, comparison: Comparison) -> tuple[IndexTerm, ...]:
    """Read a comparison's values as this field's terms.

    Raises:
        InvalidRequest: the field knows no such operator, or a value is not of its type.
    """
    if comparison.operator not in field.operators:
        raise InvalidRequest(
            f"invalid query: operation is not supported: operator '{comparison.operator}' on search attribute "
            f"{field.name} of type {TYPE_NAMES[field.type]} at position {comparison.position}"
        )
    return tuple(term for literal in comparison.values for term in field.read(field.name, literal))


def _invalid_expression(problem: str) -> InvalidRequest:
    return InvalidRequest(f"invalid query: invalid expression: {problem}")


def _wrong_type(name: str, kind: SearchAttributeType, literal: Literal) -> InvalidRequest:
    if literal.bare:
        return _invalid_expression(
            f"'{literal.value}' at position {literal.position} is no value of {name}: a text stands in quotes"
        )
    shown = _shown(literal.value)
    return _invalid_expression(f"invalid value type for search attribute {name} of type {TYPE_NAMES[kind]}: {shown}")


def _shown(value: str | int | float | bool) -> str:
    """Show a value as the reference's messages do, by Go's types."""
    if isinstance(value, bool):
        return f"{str(value).lower()} (type: bool)"
    if isinstance(value, str):
        return f'"{value}" (type: string)'
    return f"{value} (type: {'int64' if isinstance(value, int) else 'float64'})"


def _text_of(name: str, kind: SearchAttributeType, literal: Literal) -> str:
    if not isinstance(literal.value, str) or literal.bare:
        raise _wrong_type(name, kind, literal)
    return literal.value


def _read_keyword(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    return (_text_of(name, SearchAttributeType.KEYWORD, literal),)


def _read_keyword_array(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    return (_text_of(name, SearchAttributeType.KEYWORD_ARRAY, literal),)


def _read_text(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    return words(_text_of(name, SearchAttributeType.TEXT, literal))


def _read_int(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    return (_number_of(name, SearchAttributeType.INT, literal),)


def _read_double(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    return (_number_of(name, SearchAttributeType.DOUBLE, literal),)


def _number_of(name: str, kind: SearchAttributeType, literal: Literal) -> int | float:
    if isinstance(literal.value, str | bool):
        raise _wrong_type(name, kind, literal)
    return literal.value


def _read_bool(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    if not isinstance(literal.value, bool):
        raise _wrong_type(name, SearchAttributeType.BOOL, literal)
    return (int(literal.value),)


def _read_moment(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    return (_moment_of(name, literal),)


def _read_moment_in_ms(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    return (_in_ms(_moment_of(name, literal)),)


def _moment_of(name: str, literal: Literal) -> int:
    value = literal.value
    if isinstance(value, bool | float) or literal.bare:
        raise _wrong_type(name, SearchAttributeType.DATETIME, literal)
    if isinstance(value, int):
        return value
    try:
        return parse_moment(value)
    except ValueError as error:
        raise _invalid_expression(f"unable to parse datetime '{value}'") from error


def _in_ms(nanoseconds: int) -> int | float:
    """Give what compares with every whole millisecond as these nanoseconds do.

    A moment between two milliseconds is equal to none of them: half a millisecond stands for it.
    """
    whole, rest = divmod(nanoseconds, NANOSECONDS_PER_MS)
    return whole + 0.5 if rest else whole


def _read_status(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    if not isinstance(literal.value, str):
        raise _wrong_type(name, SearchAttributeType.KEYWORD, literal)
    status = _STATUSES.get(literal.value)
    if status is None:
        raise _invalid_expression(f"invalid {name} value '{literal.value}'")
    return (status,)


_CONTINUED_AS_NEW = "CONTINUED_AS_NEW"  # a status of iWF's that no run of ours ever has: asking for it finds none
_STATUSES: dict[str, str] = {
    "Running": RunStatus.RUNNING.value,
    "Completed": RunStatus.COMPLETED.value,
    "Failed": RunStatus.FAILED.value,
    "Canceled": RunStatus.CANCELED.value,
    "Terminated": RunStatus.TERMINATED.value,
    "TimedOut": RunStatus.TIMED_OUT.value,
    "ContinuedAsNew": _CONTINUED_AS_NEW,
    _CONTINUED_AS_NEW: _CONTINUED_AS_NEW,
    **{status.value: status.value for status in RunStatus},
}


def _read_duration_in_ms(name: str, literal: Literal) -> tuple[IndexTerm, ...]:
    value = literal.value
    if isinstance(value, bool | float) or literal.bare:
        raise _wrong_type(name, SearchAttributeType.INT, literal)
    nanoseconds = value if isinstance(value, int) else _nanoseconds_in(value)
    if nanoseconds is None:
        raise _invalid_expression(f"unable to parse duration '{value}'")
    return (_in_ms(nanoseconds),)


_UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # the micro sign
    "\u03bcs": 1_000,  # the Greek letter
    "ms": NANOSECONDS_PER_MS,
    "s": NANOSECONDS_PER_SECOND,
    "m": 60 * NANOSECONDS_PER_SECOND,
    "h": 3_600 * NANOSECONDS_PER_SECOND,
}
_DURATION_PART = rf"([0-9]{{1,20}}(?:\.[0-9]{{0,20}})?|\.[0-9]{{1,20}})({'|'.join(_UNITS)})"
_DURATION = re.compile(rf"([+-]?)((?:{_DURATION_PART})+)")
_WHOLE_NANOSECONDS = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


def _nanoseconds_in(text: str) -> int | None:
    """Read a duration as Go writes it, ``1h30m`` or ``-1.5s``, or whole nanoseconds."""
    if _WHOLE_NANOSECONDS.fullmatch(text):
        nanoseconds = int(text)
    else:
        written = _DURATION.fullmatch(text)
        if written is None:
            return None
        parts = re.findall(_DURATION_PART, written[2])
        total = int(
            sum(Fraction(f"0{number}" if number[0] == "." else number) * _UNITS[unit] for number, unit in parts)
        )
        nanoseconds = -total if written[1] == "-" else total
    return nanoseconds if INT64_MIN <= nanoseconds <= INT64_MAX else None


_READINGS: dict[SearchAttributeType, Reading] = {
    SearchAttributeType.KEYWORD: _read_keyword,
    SearchAttributeType.KEYWORD_ARRAY: _read_keyword_array,
    SearchAttributeType.TEXT: _read_text,
    SearchAttributeType.DATETIME: _read_moment,
    SearchAttributeType.INT: _read_int,
    SearchAttributeType.DOUBLE: _read_double,
    SearchAttributeType.BOOL: _read_bool,
}
_MANY_TERMS = frozenset({SearchAttributeType.KEYWORD_ARRAY, SearchAttributeType.TEXT})

_EQUALITY = frozenset(
    {Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN, Operator.NOT_IN, Operator.IS_NULL, Operator.IS_NOT_NULL}
)
_PREFIX = frozenset({Operator.STARTS_WITH, Operator.NOT_STARTS_WITH})
_RANGE = _EQUALITY | {
    Operator.GREATER,
    Operator.GREATER_EQUAL,
    Operator.LESS,
    Operator.LESS_EQUAL,
    Operator.BETWEEN,
    Operator.NOT_BETWEEN,
}
_OPERATORS: dict[SearchAttributeType, frozenset[Operator]] = {
    SearchAttributeType.KEYWORD: _RANGE | _PREFIX,
    SearchAttributeType.KEYWORD_ARRAY: _EQUALITY | _PREFIX,
    SearchAttributeType.TEXT: _EQUALITY | _PREFIX,
    SearchAttributeType.DATETIME: _RANGE,
    SearchAttributeType.INT: _RANGE,
    SearchAttributeType.DOUBLE: _RANGE,
    SearchAttributeType.BOOL: _EQUALITY,
}

_DURATION_MS = "(run.closed_ms - run.started_ms)"


def _keyword_field(name: str, expression: str, *, indexed: bool = False) -> RunField:
    kind = SearchAttributeType.KEYWORD
    return RunField(name, kind, expression, _read_keyword, _OPERATORS[kind], indexed)


def _time_field(name: str, expression: str, *, nullable: bool = False) -> RunField:
    kind = SearchAttributeType.DATETIME
    return RunField(name, kind, expression, _read_moment_in_ms, _OPERATORS[kind], nullable=nullable)


_RUN_FIELDS = {
    field.name: field
    for field in (
        _keyword_field("WorkflowId", "run.workflow_id", indexed=True),
        _keyword_field("RunId", "run.run_id", indexed=True),
        _keyword_field("IwfWorkflowType", "run.workflow_type"),
        # iWF: the type of the reference's own interpreter, the same for every run.
        _keyword_field("WorkflowType", "'Interpreter'"),
        RunField("ExecutionStatus", SearchAttributeType.KEYWORD, "run.status", _read_status, _EQUALITY),
        _time_field("StartTime", "run.started_ms"),
        _time_field("ExecutionTime", "run.started_ms"),
        _time_field("CloseTime", "run.closed_ms", nullable=True),
        RunField(
            "ExecutionDuration", SearchAttributeType.INT, _DURATION_MS, _read_duration_in_ms, _RANGE, nullable=True
        ),
        RunField("HistoryLength", SearchAttributeType.INT, "run.events", _read_int, _RANGE),
    )
}
_INDEXED_SYSTEM_FIELDS = {"IwfExecutingStateIds": SearchAttributeType.KEYWORD_ARRAY}
SYSTEM_FIELDS = frozenset(_RUN_FIELDS) | frozenset(_INDEXED_SYSTEM_FIELDS)
"""Names under which no search attribute of an author's is found."""
