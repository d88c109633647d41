import pytest

from perdure.model.errors import InvalidRequest
from perdure.model.limits import QUERY_COMPARISONS_MAX
from perdure.store.query_normal_form import normal_form
from perdure.store.query_syntax import AllOf, AnyOf, Comparison, Condition, Negation, parse_query


def written(condition: Condition) -> str:
    match condition:
        case AllOf(parts):
            return "(" + " AND ".join(map(written, parts)) + ")"
        case AnyOf(parts):
            return "(" + " OR ".join(map(written, parts)) + ")"
        case Negation(part):
            return f"NOT {written(part)}"
        case Comparison(field, operator, values):
            return f"{field} {operator} {', '.join(str(literal.value) for literal in values)}".strip()


def normal(text: str) -> str:
    condition = parse_query(text).condition
    assert condition is not None
    return written(normal_form(condition))


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("NOT a = 1", "a != 1"),
        ("NOT a != 1", "a = 1"),
        ("NOT a > 1", "a <= 1"),
        ("NOT a >= 1", "a < 1"),
        ("NOT a < 1", "a >= 1"),
        ("NOT a <= 1", "a > 1"),
        ("NOT a IN (1, 2)", "a NOT IN 1, 2"),
        ("NOT a BETWEEN 1 AND 2", "a NOT BETWEEN 1, 2"),
        ("NOT a NOT STARTS_WITH 'x'", "a STARTS_WITH x"),
        ("NOT a IS NULL", "a IS NOT NULL"),
        ("NOT (a = 1 AND b = 2)", "(a != 1 OR b != 2)"),
        ("NOT (a = 1 OR b > 2)", "(a != 1 AND b <= 2)"),
        ("NOT (a = 1 OR NOT (b = 2 AND c = 3))", "(a != 1 AND b = 2 AND c = 3)"),
    ],
)
def test_a_negation_moves_into_the_comparisons(text: str, without: str) -> None:
    assert normal(text) == without


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("a = 1 OR a = 2", "a IN 1, 2"),
        ("a = 1 OR b = 3 OR a IN (2, 4)", "(a IN 1, 2, 4 OR b = 3)"),
        ("a = 1 OR (b = 3 OR (a = 2))", "(a IN 1, 2 OR b = 3)"),
        ("a != 1 AND a NOT IN (2, 3)", "a NOT IN 1, 2, 3"),
        ("NOT (a = 1 OR a = 2)", "a NOT IN 1, 2"),
        ("a = 1 OR a > 2", "(a = 1 OR a > 2)"),
        ("a = 1 AND a = 2", "(a = 1 AND a = 2)"),
        ("a != 1 OR a != 2", "(a != 1 OR a != 2)"),
        ("a = 1 OR (a = 2 AND b = 3)", "(a = 1 OR (a = 2 AND b = 3))"),
    ],
)
def test_a_choice_among_values_of_one_field_becomes_a_list(text: str, listed: str) -> None:
    assert normal(text) == listed


def test_comparisons_are_counted_after_they_were_listed() -> None:
    assert normal(" OR ".join(["a = 1"] * (QUERY_COMPARISONS_MAX + 1))).startswith("a IN 1, 1")
    assert normal(" OR ".join(["a > 1"] * QUERY_COMPARISONS_MAX)).count("a > 1") == QUERY_COMPARISONS_MAX
    with pytest.raises(InvalidRequest) as refused:
        normal(" OR ".join(["a > 1"] * (QUERY_COMPARISONS_MAX + 1)))
    assert str(refused.value) == (
        "invalid query: it has 101 comparisons, expected no more than 100: IN and NOT IN take lists of values"
    )
