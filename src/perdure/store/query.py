"""From a search query to SQL. The query's values are bound, never part of the SQL.

Rule 1: a comparison holds only of a field that is set, also below a NOT: ``NOT a = 1`` is ``a != 1``.
Rule 2: a test for one term probes the index for each run; any other one reads its stretch of the
        index once. (A probe for a range would read that stretch again for each run.)
Rule 3: SQLite limits how deep an expression and how long a UNION may be: lists are joined as balanced
        trees, and a query has no more comparisons than a UNION may have parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perdure.model.attributes import SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.store.query_fields import AttributeField, Field, RunField, field_named, operands
from perdure.store.query_normal_form import normal_form
from perdure.store.query_syntax import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Negation,
    Operator,
    OrderKey,
    parse_query,
)
from perdure.store.search_values import TYPE_NAMES, IndexTerm


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL and what its question marks stand for, in order."""

    sql: str
    parameters: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One of the values by which runs are put in order: never NULL, so it can be compared by ``<`` and ``>``."""

    expression: Clause
    """SQL over ``run``."""
    descending: bool = False


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """A query as SQL over the table ``run``, which must be called that and no other name."""

    where: str
    """A condition; ``1`` where every run is meant."""
    parameters: tuple[object, ...] = ()
    order_by: tuple[OrderTerm, ...] = ()
    """The order asked for, made total by the run's key; empty: the usual one."""
    shortlists: tuple[Clause, ...] = ()
    """Statements that select keys of runs from an index, each with all that match, and maybe others.
    One that selects few runs (count them up to a limit) is the way to take: ``run.key IN (…)``
    beside ``where``. Without such a one, walk through all runs in their order."""


def compile_query(text: str, types: Mapping[str, SearchAttributeType]) -> CompiledQuery:
    """Make SQL of a query.

    Args:
        text: iWF's query language; empty: every run.
        types: the search attributes there are.

    Raises:
        InvalidRequest: the query cannot be read, names an unknown field, or has a value that does
            not fit its field. The message begins with ``invalid query:`` and says where.
    """
    query = parse_query(text)
    order_by = _order_by(query.order, types)
    if query.condition is None:
        return CompiledQuery("1", order_by=order_by)
    condition = normal_form(query.condition)
    where = _compiled(condition, types)
    return CompiledQuery(where.sql, where.parameters, order_by, _shortlists(condition, types))


def after(order_by: Sequence[OrderTerm], values: Sequence[object]) -> Clause:
    """Say which runs come after the one that has these *values* of the *order_by* terms."""
    assert len(order_by) == len(values), f"{len(values)} values for {len(order_by)} terms"
    equal: list[Clause] = []
    ways = []
    for term, value in zip(order_by, values, strict=True):
        beyond = _compared(term.expression, "<" if term.descending else ">", value)
        ways.append(_joined("AND", [*equal, beyond]))
        equal.append(_compared(term.expression, "=", value))
    return _joined("OR", ways)


def _compared(expression: Clause, operator: str, value: object) -> Clause:
    return Clause(f"{expression.sql} {operator} ?", (*expression.parameters, value))


def _compiled(condition: Condition, types: Mapping[str, SearchAttributeType]) -> Clause:
    match condition:
        case AllOf(parts):
            return _joined("AND", [_compiled(part, types) for part in parts])
        case AnyOf(parts):
            return _joined("OR", [_compiled(part, types) for part in parts])
        case Comparison():
            return _comparison(condition, field_named(condition.field, types))
        case Negation():
            raise AssertionError("a normal form has no negation")


def _joined(word: str, clauses: Sequence[Clause]) -> Clause:
    """Join as a balanced tree: a plain chain of a thousand ORs is deeper than SQLite takes."""
    if len(clauses) == 1:
        return clauses[0]
    middle = len(clauses) // 2
    left, right = _joined(word, clauses[:middle]), _joined(word, clauses[middle:])
    return Clause(f"({left.sql} {word} {right.sql})", left.parameters + right.parameters)


def _comparison(comparison: Comparison, of: Field) -> Clause:
    terms = operands(of, comparison)
    if isinstance(of, RunField):
        return _holds(of.expression, comparison.operator, terms)
    return _attribute_comparison(comparison.operator, of, terms)


def _attribute_comparison(operator: Operator, of: AttributeField, terms: tuple[IndexTerm, ...]) -> Clause:
    match operator:
        case Operator.IS_NOT_NULL:
            return _is_set(of)
        case Operator.IS_NULL:
            return _negated(_is_set(of))
        case Operator.NOT_EQUAL | Operator.NOT_IN | Operator.NOT_STARTS_WITH if of.has_many_terms:
            return _joined("AND", [_is_set(of), _negated(_attribute_comparison(operator.opposite, of, terms))])
        case Operator.EQUAL | Operator.IN:
            test = _holds("search_term.term", operator, terms)
            return _wrapped("EXISTS (", _terms_of(of, "1", test), " AND search_term.run = run.key)")
        case _:
            return _wrapped("run.key IN (", _runs_where(of, _holds("search_term.term", operator, terms)), ")")


_ATTRIBUTE = "search_term.attribute = (SELECT attribute_type.id FROM attribute_type WHERE attribute_type.key = ?)"


def _is_set(of: AttributeField) -> Clause:
    return _wrapped("run.key IN (", _runs_where(of, None), ")")


def _runs_where(of: AttributeField, test: Clause | None) -> Clause:
    return _terms_of(of, "search_term.run", test)


def _terms_of(of: AttributeField, result: str, test: Clause | None) -> Clause:
    found = Clause(f"SELECT {result} FROM search_term WHERE {_ATTRIBUTE}", (of.name,))  # noqa: S608  no value in it
    return found if test is None else Clause(f"{found.sql} AND {test.sql}", found.parameters + test.parameters)


def _wrapped(before: str, clause: Clause, behind: str) -> Clause:
    return Clause(f"{before}{clause.sql}{behind}", clause.parameters)


def _negated(clause: Clause) -> Clause:
    return _wrapped("NOT ", clause, "")


def _holds(column: str, operator: Operator, terms: tuple[IndexTerm, ...]) -> Clause:
    """Test a column. A text gives any number of terms; each of the others gives one for each value."""
    match operator:
        case Operator.IS_NULL | Operator.IS_NOT_NULL:
            return Clause(f"{column} {operator}")
        case Operator.BETWEEN | Operator.NOT_BETWEEN:
            return Clause(f"({column} {operator} ? AND ?)", terms)
        case Operator.STARTS_WITH | Operator.NOT_STARTS_WITH:
            begins = _joined("OR", [_begins(column, str(term)) for term in terms] or [_NEVER])
            return begins if operator is Operator.STARTS_WITH else _negated(begins)
        case Operator.EQUAL | Operator.IN if len(terms) != 1:
            return Clause(f"{column} IN ({_marks(terms)})", terms)
        case Operator.NOT_EQUAL | Operator.NOT_IN if len(terms) != 1:
            return Clause(f"{column} NOT IN ({_marks(terms)})", terms)
        case Operator.IN:
            return Clause(f"{column} = ?", terms)
        case Operator.NOT_IN:
            return Clause(f"{column} != ?", terms)
        case _:
            return Clause(f"{column} {operator} ?", terms)


_NEVER = Clause("0")


def _marks(terms: tuple[IndexTerm, ...]) -> str:
    return ", ".join("?" * len(terms))


def _begins(column: str, prefix: str) -> Clause:
    """Test for a beginning as a range, which an index answers and no sign in the prefix can change."""
    above = _first_text_beyond(prefix)
    if above is None:
        return Clause(f"{column} >= ?", (prefix,))
    return Clause(f"({column} >= ? AND {column} < ?)", (prefix, above))


def _first_text_beyond(prefix: str) -> str | None:
    """Give the least text above all that begin with *prefix*, by code points; ``None``: there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # half surrogates are no characters


_FINDS = frozenset(
    {
        Operator.EQUAL,
        Operator.IN,
        Operator.GREATER,
        Operator.GREATER_EQUAL,
        Operator.LESS,
        Operator.LESS_EQUAL,
        Operator.BETWEEN,
        Operator.STARTS_WITH,
    }
)


def _shortlists(condition: Condition, types: Mapping[str, SearchAttributeType]) -> tuple[Clause, ...]:
    match condition:
        case AllOf(parts):
            return tuple(shortlist for part in parts for shortlist in _shortlists(part, types))
        case AnyOf(parts):
            return _united([_shortlists(part, types) for part in parts])
        case Comparison():
            return _found_by_index(condition, field_named(condition.field, types))
        case Negation():
            raise AssertionError("a normal form has no negation")


def _united(choices: Sequence[tuple[Clause, ...]]) -> tuple[Clause, ...]:
    """Unite one shortlist of each part, if each has one."""
    chosen = [shortlists[0] for shortlists in choices if shortlists]
    if len(chosen) < len(choices):
        return ()
    sql = " UNION ALL ".join(clause.sql for clause in chosen)
    parameters = tuple(parameter for clause in chosen for parameter in clause.parameters)
    return (Clause(sql, parameters),)


def _found_by_index(comparison: Comparison, of: Field) -> tuple[Clause, ...]:
    if comparison.operator not in _FINDS:
        return ()
    terms = operands(of, comparison)
    if isinstance(of, AttributeField):
        return (_runs_where(of, _holds("search_term.term", comparison.operator, terms)),)
    if not of.indexed:
        return ()
    return (_wrapped("SELECT run.key FROM run WHERE ", _holds(of.expression, comparison.operator, terms), ""),)


_ON_CARD = """(SELECT search_card.terms ->> ('$."' || attribute_type.id || '"') FROM search_card, attribute_type
WHERE search_card.run = run.key AND attribute_type.key = ?)"""
_ORDERED_TYPES = frozenset(SearchAttributeType) - {SearchAttributeType.TEXT, SearchAttributeType.KEYWORD_ARRAY}


def _order_by(keys: Sequence[OrderKey], types: Mapping[str, SearchAttributeType]) -> tuple[OrderTerm, ...]:
    if not keys:
        return ()
    terms = [term for key in keys for term in _order_terms(key, field_named(key.field, types))]
    return (*terms, OrderTerm(Clause("run.key"), descending=True))


def _order_terms(key: OrderKey, by: Field) -> tuple[OrderTerm, ...]:
    """Order by one field's value; where some have none, those come last in both directions."""
    if by.type not in _ORDERED_TYPES:
        raise InvalidRequest(
            f"invalid query: operation is not supported: ORDER BY {by.name} of type {TYPE_NAMES[by.type]} "
            f"at position {key.position}"
        )
    value = Clause(by.expression) if isinstance(by, RunField) else Clause(_ON_CARD, (by.name,))
    if isinstance(by, RunField) and not by.nullable:
        return (OrderTerm(value, key.descending),)
    missing = _wrapped("(", value, " IS NULL)")
    return OrderTerm(missing), OrderTerm(_wrapped("coalesce(", value, ", 0)"), key.descending)
