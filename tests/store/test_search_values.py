import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.model.attributes import SearchAttribute, SearchAttributeType, SearchValue
from perdure.store.search_values import (
    INT64_MAX,
    INT64_MIN,
    check,
    format_datetime,
    normalise,
    parse_datetime,
    parse_moment,
    read_as,
    terms,
    words,
)
from perdure.testing import rule

KEYWORD = SearchAttributeType.KEYWORD
TEXT = SearchAttributeType.TEXT
DATETIME = SearchAttributeType.DATETIME
INT = SearchAttributeType.INT
DOUBLE = SearchAttributeType.DOUBLE
BOOL = SearchAttributeType.BOOL
KEYWORD_ARRAY = SearchAttributeType.KEYWORD_ARRAY

NOW_MS = 1_700_000_000_000
SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def attribute(kind: SearchAttributeType | None, value: SearchValue | None) -> SearchAttribute:
    return SearchAttribute("X", kind, value)


def indexed(kind: SearchAttributeType, value: SearchValue | None) -> tuple[object, ...]:
    return terms(normalise(attribute(kind, value), now_ms=NOW_MS))


@rule("4.2")
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (KEYWORD, "word"),
        (TEXT, "some words"),
        (DATETIME, "2024-01-01T00:00:00+02:00"),
        (DATETIME, ""),
        (INT, INT64_MAX),
        (INT, INT64_MIN),
        (DOUBLE, -2.5),
        (DOUBLE, 3),
        (BOOL, False),
        (KEYWORD_ARRAY, ("b", "a", "b")),
        (KEYWORD_ARRAY, ()),
        *[(kind, None) for kind in SearchAttributeType],
    ],
)
def test_a_value_of_its_type_is_taken(kind: SearchAttributeType, value: SearchValue | None) -> None:
    assert check(attribute(kind, value)) is None


@rule("4.2")
@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (INT, "one", "invalid value for search attribute X of type Int: one"),
        (INT, True, "invalid value for search attribute X of type Int: True"),
        (INT, 1.0, "invalid value for search attribute X of type Int: 1.0"),
        (INT, 2**63, f"invalid value for search attribute X of type Int: {2**63}"),
        (DOUBLE, math.nan, "invalid value for search attribute X of type Double: nan"),
        (DOUBLE, math.inf, "invalid value for search attribute X of type Double: inf"),
        (DOUBLE, True, "invalid value for search attribute X of type Double: True"),
        (DOUBLE, 10**400, f"invalid value for search attribute X of type Double: {10**400}"),
        (BOOL, 1, "invalid value for search attribute X of type Bool: 1"),
        (KEYWORD, 1, "invalid value for search attribute X of type Keyword: 1"),
        (KEYWORD, "\ud800", "invalid value for search attribute X of type Keyword: \ud800"),
        (TEXT, ("a",), "invalid value for search attribute X of type Text: ('a',)"),
        (KEYWORD_ARRAY, "a", "invalid value for search attribute X of type KeywordList: a"),
        (DATETIME, 5, "invalid value for search attribute X of type Datetime: 5"),
        (None, 5, "unsupported search attribute value type: search attribute X has none"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_attribute_and_type(
    kind: SearchAttributeType | None, value: SearchValue, problem: str
) -> None:
    assert check(attribute(kind, value)) == problem


def test_an_attribute_without_a_key_is_refused() -> None:
    assert check(SearchAttribute("", INT, 1)) == "a search attribute has no key"


@rule("4.2")
@pytest.mark.parametrize("text", ["tomorrow", "0d", "1000000s", "2024-01-01", "3 d", "2262-04-12T00:00:00Z", "9" * 19])
def test_a_time_that_cannot_be_read_is_refused_with_what_could_be(text: str) -> None:
    problem = check(attribute(DATETIME, text))
    assert problem is not None
    assert text in problem
    assert problem.endswith(
        " of search attribute X: expected RFC 3339 (2024-01-31T09:00:00Z), Unix nanoseconds, or a time ago (30m, 3d)"
    )


@rule("4.2", "14.1")
@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("", 0),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T23:30:00-00:30", 0),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T00:00:00.5Z", SECOND // 2),
        ("1970-01-01T00:00:00.0000000019Z", 1),
        ("2024-02-29T12:34:56.789+02:00", 1_709_202_896_789_000_000),
        ("1677-09-21T00:12:43.145224192Z", INT64_MIN),
        ("2262-04-11T23:47:16.854775807Z", INT64_MAX),
        ("1500000000000000001", 1_500_000_000_000_000_001),
        ("-5", -5),
        ("+5", 5),
    ],
)
def test_a_moment_is_read_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    assert parse_datetime(text, now_ms=NOW_MS) == nanoseconds


@rule("4.2")
@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("1s", SECOND),
        ("90second", 90 * SECOND),
        ("30m", 1_800 * SECOND),
        ("2hours", 7_200 * SECOND),
        ("3d", 3 * DAY),
        ("1week", 7 * DAY),
        ("2M", 60 * DAY),
        ("1month", 30 * DAY),
        ("1y", 365 * DAY),
        ("1year", 365 * DAY),
        ("999999s", 999_999 * SECOND),
    ],
)
def test_a_time_ago_is_counted_from_now(text: str, ago: int) -> None:
    assert parse_datetime(text, now_ms=NOW_MS) == NOW_MS * 1_000_000 - ago


@rule("4.2")
def test_a_time_ago_does_not_go_back_before_1970() -> None:
    assert parse_datetime("999999y", now_ms=NOW_MS) == 0


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01t00:00:00z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+00:60",
        "0000-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
        "1" * 30,
        "٣d",
        "1970-01-01T00:00:0٣Z",
        "1.5",
        " 5",
        "5\n",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time '"):
        parse_datetime(text, now_ms=NOW_MS)


@rule("4.2")
@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_709_202_896_789_000_000, "2024-02-29T10:34:56.789Z"),
        (10, "1970-01-01T00:00:00.00000001Z"),
        (INT64_MIN, "1677-09-21T00:12:43.145224192Z"),
        (INT64_MAX, "2262-04-11T23:47:16.854775807Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_the_shortest_fraction(nanoseconds: int, text: str) -> None:
    assert format_datetime(nanoseconds) == text


@given(st.integers(INT64_MIN, INT64_MAX))
def test_a_written_moment_reads_back_exactly(nanoseconds: int) -> None:
    assert parse_moment(format_datetime(nanoseconds)) == nanoseconds


@given(
    st.datetimes(datetime(1680, 1, 1), datetime(2260, 1, 1)),  # noqa: DTZ001  the zone is drawn beside it
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_rfc_3339_reads_as_pythons_own_reader_has_it(naive: datetime, offset_minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_moment(moment.isoformat()) == since // timedelta(microseconds=1) * 1_000


@rule("4.2")
@pytest.mark.parametrize(
    ("kind", "value", "term"),
    [
        (KEYWORD, "", ""),
        (TEXT, "", ""),
        (DATETIME, "1970-01-01T00:00:00Z", 0),
        (INT, 0, 0),
        (DOUBLE, 0.0, 0.0),
        (BOOL, False, 0),
    ],
)
def test_a_missing_value_is_its_types_zero(kind: SearchAttributeType, value: SearchValue, term: object) -> None:
    assert normalise(attribute(kind, None), now_ms=NOW_MS) == attribute(kind, value)
    assert indexed(kind, None) == (term,)


@rule("4.2")
@pytest.mark.parametrize("value", [None, ()])
def test_an_empty_list_is_no_value(value: SearchValue | None) -> None:
    assert normalise(attribute(KEYWORD_ARRAY, value), now_ms=NOW_MS) == attribute(KEYWORD_ARRAY, ())
    assert indexed(KEYWORD_ARRAY, value) == ()


@rule("4.2")
@pytest.mark.parametrize(
    ("kind", "value", "found_by"),
    [
        (KEYWORD, "Red Apple", ("Red Apple",)),
        (KEYWORD_ARRAY, ("b", "a", "b"), ("b", "a")),
        (TEXT, "My name, my Name", ("my", "name")),
        (TEXT, "…", ("",)),
        (DATETIME, "1d", (NOW_MS * 1_000_000 - DAY,)),
        (INT, -42, (-42,)),
        (DOUBLE, 2, (2.0,)),
        (BOOL, True, (1,)),
    ],
)
def test_an_attribute_is_found_by_each_of_its_terms(
    kind: SearchAttributeType, value: SearchValue, found_by: tuple[object, ...]
) -> None:
    assert indexed(kind, value) == found_by
    assert [type(term) for term in indexed(kind, value)] == [type(term) for term in found_by]


@rule("4.2")
def test_a_time_is_kept_in_utc() -> None:
    kept = normalise(attribute(DATETIME, "2024-02-29T12:34:56.789+02:00"), now_ms=NOW_MS)
    assert kept == attribute(DATETIME, "2024-02-29T10:34:56.789Z")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(attribute(TEXT, text), now_ms=NOW_MS)
    assert normalise(once, now_ms=0) == once


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My name is Quanzheng Long", ("my", "name", "is", "quanzheng", "long")),
        ("snake_case and-hyphen", ("snake_case", "and", "hyphen")),
        ("ÉTÉ Straße", ("été", "straße")),
        ("cafe\u0301", ("café",)),
        ("हिन्दी भाषा", ("हिन्दी", "भाषा")),
        ("a\u00a0b", ("a", "b")),
        ("", ()),
    ],
)
def test_a_text_is_split_into_lower_case_words(text: str, found: tuple[str, ...]) -> None:
    assert words(text) == found


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_words_of_a_text_are_words_themselves(text: str) -> None:
    for word in words(text):
        assert words(word.upper()) != ()
        assert " " not in word


@rule("4.2", "1.11")
@pytest.mark.parametrize(
    ("kind", "value", "wanted", "read"),
    [
        (INT, 12, DOUBLE, 12.0),
        (DOUBLE, -2.7, INT, -2),
        (DOUBLE, 2.7, INT, 2),
        (INT, 9_007_199_254_740_993, INT, 9_007_199_254_740_993),
        (KEYWORD, "word", DATETIME, "word"),
        (KEYWORD, "word", TEXT, "word"),
        (DATETIME, "2024-01-01T00:00:00Z", KEYWORD, "2024-01-01T00:00:00Z"),
        (KEYWORD_ARRAY, ("b", "a", "b"), KEYWORD_ARRAY, ("b", "a", "b")),
        (BOOL, False, BOOL, False),
    ],
)
def test_types_that_share_a_kind_of_value_are_read_as_each_other(
    kind: SearchAttributeType, value: SearchValue, wanted: SearchAttributeType, read: SearchValue
) -> None:
    result = read_as(attribute(kind, value), wanted)
    assert result == attribute(wanted, read)
    assert type(result.value) is type(read)


@rule("4.2", "1.11")
@pytest.mark.parametrize(
    ("kind", "value", "wanted", "problem"),
    [
        (INT, 5, KEYWORD, "unable to convert value 5 to type KEYWORD for key X"),
        (KEYWORD, "x", INT, "unable to convert value x to type INT for key X"),
        (KEYWORD, "x", KEYWORD_ARRAY, "unable to convert value x to type KEYWORD_ARRAY for key X"),
        (BOOL, True, INT, "unable to convert value True to type INT for key X"),
        (DOUBLE, 1e300, INT, "unable to convert value 1e\\+300 to type INT for key X"),
    ],
)
def test_other_types_are_not_read_as_each_other(
    kind: SearchAttributeType, value: SearchValue, wanted: SearchAttributeType, problem: str
) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        read_as(attribute(kind, value), wanted)
