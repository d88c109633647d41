import pytest

from perdure.model.attributes import SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.model.outcome import RunStatus
from perdure.store.query_fields import SYSTEM_FIELDS, field_named, operands
from perdure.store.query_syntax import Comparison, parse_query
from perdure.testing import rule

TYPES = {
    "CustomKeywordField": SearchAttributeType.KEYWORD,
    "CustomTextField": SearchAttributeType.TEXT,
    "CustomDatetimeField": SearchAttributeType.DATETIME,
    "CustomIntField": SearchAttributeType.INT,
    "CustomDoubleField": SearchAttributeType.DOUBLE,
    "CustomBoolField": SearchAttributeType.BOOL,
    "CustomKeywordArrayField": SearchAttributeType.KEYWORD_ARRAY,
    "StartTime": SearchAttributeType.KEYWORD,
}


def terms_in(text: str) -> tuple[object, ...]:
    comparison = parse_query(text).condition
    assert isinstance(comparison, Comparison)
    return operands(field_named(comparison.field, TYPES), comparison)


def refusal_of(text: str) -> str:
    with pytest.raises(InvalidRequest) as refused:
        terms_in(text)
    return str(refused.value)


@rule("10")
@pytest.mark.parametrize("name", ["NoSuchField", "workflowid", "customintfield", ""])
def test_an_unknown_field_is_named(name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^invalid query: invalid search attribute: {name}$"):
        field_named(name, TYPES)


@rule("10")
def test_a_system_field_hides_an_attribute_of_its_name() -> None:
    assert field_named("StartTime", TYPES).type is SearchAttributeType.DATETIME
    assert {field_named(name, {}).name for name in SYSTEM_FIELDS} == SYSTEM_FIELDS


@rule("10")
@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("CustomKeywordField = 'Red Apple'", ("Red Apple",)),
        ("CustomKeywordArrayField IN ('a', 'B')", ("a", "B")),
        ("CustomTextField = 'Long Nobody'", ("long", "nobody")),
        ("CustomTextField = '…'", ()),
        ("CustomIntField BETWEEN 1 AND 2.5", (1, 2.5)),
        ("CustomDoubleField = 1", (1,)),
        ("CustomBoolField = true", (1,)),
        ("CustomDatetimeField = '1970-01-01T00:00:01+00:00'", (1_000_000_000,)),
        ("CustomDatetimeField = '1970-01-01T00:00:01Z'", (1_000_000_000,)),
        ("CustomDatetimeField = '1000000001'", (1_000_000_001,)),
        ("CustomDatetimeField = 1000000001", (1_000_000_001,)),
        ("StartTime > '1970-01-01T00:00:01Z'", (1_000,)),
        ("StartTime > '1970-01-01T00:00:00.0001Z'", (0.5,)),
        ("CloseTime > -1", (-0.5,)),
        ("HistoryLength > 10", (10,)),
        ("IwfExecutingStateIds = 'verify'", ("verify",)),
        ("WorkflowId IS NULL", ()),
    ],
)
def test_a_value_is_read_as_its_fields_term(text: str, terms: tuple[object, ...]) -> None:
    assert terms_in(text) == terms


@rule("10")
@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("'Running'", RunStatus.RUNNING),
        ("Running", RunStatus.RUNNING),
        ('"Completed"', RunStatus.COMPLETED),
        ("'Failed'", RunStatus.FAILED),
        ("'Canceled'", RunStatus.CANCELED),
        ("'Terminated'", RunStatus.TERMINATED),
        ("'TimedOut'", RunStatus.TIMED_OUT),
        ("TIMEOUT", RunStatus.TIMED_OUT),
        ("'ContinuedAsNew'", "CONTINUED_AS_NEW"),
        ("CONTINUED_AS_NEW", "CONTINUED_AS_NEW"),
        *[(status.value, status) for status in RunStatus],
    ],
)
def test_a_status_has_its_name_in_iwf_and_in_temporal(written: str, status: str) -> None:
    assert terms_in(f"ExecutionStatus = {written}") == (status,)


@rule("10")
@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("'1h30m'", 5_400_000),
        ("'1.5s'", 1_500),
        ("'.5s'", 500),
        ("'2m0.25s'", 120_250),
        ("'-3ms'", -3),
        ("'1µs'", 0.5),
        ("'1μs'", 0.5),
        ("'1000us'", 1),
        ("'1000000ns'", 1),
        ("'0'", 0),
        ("5000000", 5),
        ("'5000001'", 5.5),
    ],
)
def test_a_duration_is_written_as_go_does_or_in_nanoseconds(written: str, milliseconds: float) -> None:
    assert terms_in(f"ExecutionDuration > {written}") == (milliseconds,)


@rule("10")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "CustomIntField = 'x'",
            'invalid value type for search attribute CustomIntField of type Int: "x" (type: string)',
        ),
        (
            "CustomIntField = true",
            "invalid value type for search attribute CustomIntField of type Int: true (type: bool)",
        ),
        (
            "CustomKeywordField IN ('a', 5)",
            "invalid value type for search attribute CustomKeywordField of type Keyword: 5 (type: int64)",
        ),
        (
            "CustomTextField = 1.5",
            "invalid value type for search attribute CustomTextField of type Text: 1.5 (type: float64)",
        ),
        (
            "CustomKeywordArrayField = false",
            "invalid value type for search attribute CustomKeywordArrayField of type KeywordList: false (type: bool)",
        ),
        (
            "CustomBoolField = 1",
            "invalid value type for search attribute CustomBoolField of type Bool: 1 (type: int64)",
        ),
        (
            "CustomDatetimeField > 1.5",
            "invalid value type for search attribute CustomDatetimeField of type Datetime: 1.5 (type: float64)",
        ),
        (
            "ExecutionStatus = 1",
            "invalid value type for search attribute ExecutionStatus of type Keyword: 1 (type: int64)",
        ),
        ("ExecutionStatus = 'Sleeping'", "invalid ExecutionStatus value 'Sleeping'"),
        ("ExecutionStatus = running", "invalid ExecutionStatus value 'running'"),
        ("StartTime > 'yesterday'", "unable to parse datetime 'yesterday'"),
        ("StartTime > '2024-01-01'", "unable to parse datetime '2024-01-01'"),
        ("StartTime > '3d'", "unable to parse datetime '3d'"),
        ("ExecutionDuration > '1 hour'", "unable to parse duration '1 hour'"),
        ("ExecutionDuration > ''", "unable to parse duration ''"),
        ("ExecutionDuration > '99999999999h'", "unable to parse duration '99999999999h'"),
        (
            "CustomKeywordField = word",
            "'word' at position 22 is no value of CustomKeywordField: a text stands in quotes",
        ),
        ("CloseTime = missing", "'missing' at position 13 is no value of CloseTime: a text stands in quotes"),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_refused(text: str, problem: str) -> None:
    assert refusal_of(text) == f"invalid query: invalid expression: {problem}"


@rule("10")
@pytest.mark.parametrize(
    ("text", "operator", "field"),
    [
        ("CustomBoolField > true", ">", "CustomBoolField of type Bool"),
        ("CustomIntField STARTS_WITH 'x'", "STARTS_WITH", "CustomIntField of type Int"),
        ("CustomDatetimeField NOT STARTS_WITH '2024'", "NOT STARTS_WITH", "CustomDatetimeField of type Datetime"),
        ("CustomTextField < 'x'", "<", "CustomTextField of type Text"),
        ("CustomKeywordArrayField BETWEEN 'a' AND 'b'", "BETWEEN", "CustomKeywordArrayField of type KeywordList"),
        ("ExecutionStatus >= 'Running'", ">=", "ExecutionStatus of type Keyword"),
        ("ExecutionStatus STARTS_WITH 'Run'", "STARTS_WITH", "ExecutionStatus of type Keyword"),
    ],
)
def test_an_operator_that_means_nothing_to_a_field_is_refused(text: str, operator: str, field: str) -> None:
    assert refusal_of(text) == (
        f"invalid query: operation is not supported: operator '{operator}' on search attribute {field} at position 1"
    )
