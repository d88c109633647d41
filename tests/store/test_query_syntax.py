import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.model.errors import InvalidRequest
from perdure.model.limits import QUERY_CHARACTERS_MAX, QUERY_DEPTH_MAX, QUERY_ORDER_MAX
from perdure.store.query_syntax import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Literal,
    Negation,
    Operator,
    OrderKey,
    Query,
    parse_query,
)
from perdure.testing import rule


def shape(condition: Condition | None) -> object:
    """A condition without its positions, short enough to be compared with what a reader expects."""
    match condition:
        case None:
            return None
        case AllOf(parts):
            return ("and", *map(shape, parts))
        case AnyOf(parts):
            return ("or", *map(shape, parts))
        case Negation(part):
            return ("not", shape(part))
        case Comparison(field, operator, values):
            return (field, operator.value, *(literal.value for literal in values))


def refusal_of(text: str) -> str | None:
    try:
        parse_query(text)
    except InvalidRequest as refused:
        return str(refused)
    return None


def parsed(text: str) -> object:
    return shape(parse_query(text).condition)


@rule("10")
@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_query_has_no_condition(text: str) -> None:
    assert parse_query(text) == Query()


@rule("10")
@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a = 'x'", ("a", "=", "x")),
        ("a='x'", ("a", "=", "x")),
        ("a != 1", ("a", "!=", 1)),
        ("a <> 1", ("a", "!=", 1)),
        ("a>-1", ("a", ">", -1)),
        ("a >= 1.5", ("a", ">=", 1.5)),
        ("a < +2", ("a", "<", 2)),
        ("a <= 1e3", ("a", "<=", 1000.0)),
        ("a IN (1)", ("a", "IN", 1)),
        ("a in ('x', 'y')", ("a", "IN", "x", "y")),
        ("a NOT IN ('x')", ("a", "NOT IN", "x")),
        ("a BETWEEN 1 AND 2", ("a", "BETWEEN", 1, 2)),
        ("a not between 1 and 2", ("a", "NOT BETWEEN", 1, 2)),
        ("a STARTS_WITH 'x'", ("a", "STARTS_WITH", "x")),
        ("a NOT starts_with 'x'", ("a", "NOT STARTS_WITH", "x")),
        ("a IS NULL", ("a", "IS NULL")),
        ("a is not null", ("a", "IS NOT NULL")),
        ("a = true", ("a", "=", True)),
        ("a = FALSE", ("a", "=", False)),
        ("ExecutionStatus = Running", ("ExecutionStatus", "=", "Running")),
        ("größe = 1", ("größe", "=", 1)),
        ("a.b$c@d = 1", ("a.b$c@d", "=", 1)),
    ],
)
def test_each_operator_is_read(text: str, tree: object) -> None:
    assert parsed(text) == tree


@rule("10")
@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a=1 OR b=2 AND c=3", ("or", ("a", "=", 1), ("and", ("b", "=", 2), ("c", "=", 3)))),
        ("(a=1 OR b=2) AND c=3", ("and", ("or", ("a", "=", 1), ("b", "=", 2)), ("c", "=", 3))),
        ("NOT a=1 AND b=2", ("and", ("not", ("a", "=", 1)), ("b", "=", 2))),
        ("NOT (a=1 AND b=2)", ("not", ("and", ("a", "=", 1), ("b", "=", 2)))),
        ("NOT NOT a=1", ("a", "=", 1)),
        ("NOT NOT NOT a=1", ("not", ("a", "=", 1))),
        ("a BETWEEN 1 AND 2 AND b=3", ("and", ("a", "BETWEEN", 1, 2), ("b", "=", 3))),
        ("((a=1))", ("a", "=", 1)),
        ("a=1 AND b=2 AND c=3", ("and", ("a", "=", 1), ("b", "=", 2), ("c", "=", 3))),
    ],
)
def test_not_binds_before_and_and_before_or(text: str, tree: object) -> None:
    assert parsed(text) == tree


@rule("10")
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'it''s'", "it's"),
        ('"it\'s"', "it's"),
        ('"say ""hi"""', 'say "hi"'),
        ("'say \"\"hi'", 'say ""hi'),
        (r"'it\'s'", "it's"),
        (r"'a\\b'", "a\\b"),
        (r"'a\nb\tc'", "a\nb\tc"),
        (r"'100\%'", "100%"),
        ("''", ""),
        ("'a\nb'", "a\nb"),
        ("'-- no remark; DROP TABLE run'", "-- no remark; DROP TABLE run"),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", float(2**63)),
        ("007", 7),
        (".5", 0.5),
        ("5.", 5.0),
    ],
)
def test_a_value_is_read_as_it_was_meant(written: str, value: object) -> None:
    comparison = parse_query(f"a = {written}").condition
    assert isinstance(comparison, Comparison)
    [literal] = comparison.values
    assert literal.value == value
    assert type(literal.value) is type(value)


@rule("10")
def test_a_name_in_backquotes_may_be_any() -> None:
    assert parsed("`order` = 1 AND `with-hyphen and space` = 2") == (
        "and",
        ("order", "=", 1),
        ("with-hyphen and space", "=", 2),
    )


def test_what_is_read_remembers_where_it_stood() -> None:
    assert parse_query(" ab = Running ORDER BY c DESC") == Query(
        Comparison("ab", Operator.EQUAL, (Literal("Running", 7, bare=True),), 2),
        (OrderKey("c", True, 24),),
    )


def test_an_order_may_stand_alone_or_behind_a_condition() -> None:
    assert [(key.field, key.descending) for key in parse_query("order by a, b desc, `c d` ASC").order] == [
        ("a", False),
        ("b", True),
        ("c d", False),
    ]
    assert parse_query("a = 1 ORDER BY b").condition is not None


@rule("10")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = 'unfinished", "syntax error at position 5 near ''unfinished': the quote ' is not closed"),
        ("`a = 1", "syntax error at position 1 near '`a = 1': the quote ` is not closed"),
        ("`` = 1", "syntax error at position 1 near '`` = 1': the quote ` is not closed"),
        ("a ~ 'x'", "syntax error at position 3 near '~ 'x'': not part of the query language"),
        ("a = 1; DROP", "syntax error at position 6 near '; DROP': not part of the query language"),
        ("a = 5abc", "syntax error at position 5 near '5abc': not a number"),
        ("a = 1.2.3", "syntax error at position 5 near '1.2.3': not a number"),
        ("a = - 1", "syntax error at position 5 near '- 1': not a number"),
        ("a = 1e999", "syntax error at position 5 near '1e999': the number is too large"),
        ("a", "syntax error at position 2: expected an operator: = != > >= < <= IN BETWEEN STARTS_WITH IS"),
        ("a NOT = 1", "syntax error at position 7 near '=': expected an operator: = != > >= < <= IN BETWEEN"),
        ("a LIKE 'x%'", "syntax error at position 3 near 'LIKE': LIKE is not an operator here; STARTS_WITH finds"),
        ("a =", "syntax error at position 4: expected a value: a text in quotes, a number, true or false"),
        ("a = AND", "syntax error at position 5 near 'AND': expected a value"),
        ("a = NULL", "syntax error at position 5 near 'NULL': expected a value; IS NULL finds what is not set"),
        ("a = `b`", "syntax error at position 5 near 'b': expected a value"),
        ("a IN ()", "syntax error at position 7 near ')': expected a value"),
        ("a IN (1", "syntax error at position 8: expected )"),
        ("a IN 1", "syntax error at position 6 near '1': expected ("),
        ("a BETWEEN 1 OR 2", "syntax error at position 13 near 'OR': expected AND"),
        ("a IS 5", "syntax error at position 6 near '5': expected NULL"),
        ("(a = 1", "syntax error at position 7: expected )"),
        ("a = 1)", "syntax error at position 6 near ')': expected AND, OR, ORDER BY or the end of the query"),
        ("a = 1 b = 2", "syntax error at position 7 near 'b': expected AND, OR, ORDER BY or the end of the query"),
        ("a = 1 AND", "syntax error at position 10: expected the name of a field"),
        ("'a' = 1", "syntax error at position 1 near 'a': expected the name of a field"),
        ("in = 1", "syntax error at position 1 near 'in': expected the name of a field; one that is a word"),
        ("ORDER = 1", "syntax error at position 7 near '=': expected BY"),
        ("ORDER BY", "syntax error at position 9: expected the name of a field"),
        ("a = 1 ORDER BY b,", "syntax error at position 18: expected the name of a field"),
        ("a = '\ud800'", "it has half of a surrogate pair, which is no character"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, problem: str) -> None:
    refused = refusal_of(text)
    assert refused is not None
    assert refused.startswith(f"invalid query: {problem}")


def test_only_a_beginning_of_what_cannot_be_read_is_repeated() -> None:
    assert len(refusal_of("a = '" + "x" * 5_000) or "") in range(50, 120)


def test_a_query_may_have_so_many_characters_and_no_more() -> None:
    assert parse_query("a = 1".ljust(QUERY_CHARACTERS_MAX)).condition is not None
    refused = refusal_of("a = 1".ljust(QUERY_CHARACTERS_MAX + 1))
    assert refused == "invalid query: it has 10001 characters, expected no more than 10000"


def test_parentheses_may_go_so_deep_and_no_deeper() -> None:
    assert parsed("(" * QUERY_DEPTH_MAX + "a = 1" + ")" * QUERY_DEPTH_MAX) == ("a", "=", 1)
    refused = refusal_of("(" * (QUERY_DEPTH_MAX + 1) + "a = 1" + ")" * (QUERY_DEPTH_MAX + 1))
    assert refused == "invalid query: more than 100 levels of parentheses, at position 101"


def test_the_levels_of_parentheses_side_by_side_do_not_add_up() -> None:
    assert parse_query(" AND ".join(["(a = 1)"] * (QUERY_DEPTH_MAX + 1))).condition is not None


def test_many_nots_in_a_row_are_no_depth() -> None:
    assert parsed("NOT " * 2_000 + "a = 1") == ("a", "=", 1)


def test_no_more_than_a_few_fields_order_a_search() -> None:
    assert len(parse_query("ORDER BY " + ", ".join(["a"] * QUERY_ORDER_MAX)).order) == QUERY_ORDER_MAX
    refused = refusal_of("ORDER BY " + ", ".join(["a"] * (QUERY_ORDER_MAX + 1)))
    assert refused == "invalid query: more than 8 fields to order by, at position 34"


_PIECES = ["a", "`b`", "'x'", '"y"', "1", "-2.5", "true", "(", ")", ",", "=", "!=", ">", "AND", "OR", "NOT", "IN"]
_MORE_PIECES = ["BETWEEN", "IS", "NULL", "STARTS_WITH", "ORDER", "BY", "DESC", "'", "\\", "~", "\0", "é", "\ud800"]


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES + _MORE_PIECES)).map(" ".join)))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    refused = refusal_of(text)
    assert refused is None or refused.startswith("invalid query: ")
