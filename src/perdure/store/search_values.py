"""What a search attribute's value means to the index: whether it fits, how it reads, how it is found.

Rule 1: a moment is one whole number, nanoseconds since 1970 in UTC, between the years 1678 and 2262.
Rule 2: a missing value is its type's zero; only an empty list is no value at all.
Rule 3: what a query looks for goes through the same functions as what was written.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import assert_never

from perdure.model.attributes import SearchAttribute, SearchAttributeType, SearchValue

IndexTerm = str | int | float
"""What stands in the index: SQLite compares numbers with numbers and text by its code points."""

TYPE_NAMES = {
    SearchAttributeType.KEYWORD: "Keyword",
    SearchAttributeType.TEXT: "Text",
    SearchAttributeType.DATETIME: "Datetime",
    SearchAttributeType.INT: "Int",
    SearchAttributeType.DOUBLE: "Double",
    SearchAttributeType.BOOL: "Bool",
    SearchAttributeType.KEYWORD_ARRAY: "KeywordList",
}
"""How messages name a type: as iWF's servers do."""

NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_MS = 1_000_000
INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

_MULTIPLIER_LIMIT = 1_000_000  # iWF: a time ago is N units with 0 < N < 1,000,000
_AGO_SECONDS = {
    "s": 1, "second": 1,
    "m": 60, "minute": 60,
    "h": 3_600, "hour": 3_600,
    "d": 86_400, "day": 86_400,
    "w": 7 * 86_400, "week": 7 * 86_400,
    "M": 30 * 86_400, "month": 30 * 86_400,
    "y": 365 * 86_400, "year": 365 * 86_400,
}  # fmt: skip
_AGO = re.compile(r"([0-9]+)(?:([smhdwMy])|(second|minute|hour|day|week|month|year)s?)", re.ASCII)
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ASCII_WORDS = re.compile(r"\w+", re.ASCII)


def check(attribute: SearchAttribute) -> str | None:
    """Say why this attribute cannot be indexed as the type it names; ``None`` if it can."""
    if not attribute.key:
        return "a search attribute has no key"
    if attribute.type is None:
        return f"unsupported search attribute value type: search attribute {attribute.key} has none"
    if attribute.value is None:
        return None
    if not _fits(attribute.value, attribute.type):
        return f"invalid value for search attribute {attribute.key} of type {TYPE_NAMES[attribute.type]}: {attribute.value}"
    if attribute.type is SearchAttributeType.DATETIME:
        return _time_problem(attribute.key, str(attribute.value))
    return None


def normalise(attribute: SearchAttribute, *, now_ms: int) -> SearchAttribute:
    """Give the attribute as the index has it: a value in place of a missing one, a time in UTC.

    Args:
        attribute: one that ``check`` has nothing against.
        now_ms: what a time ago (``3d``) is counted from.
    """
    kind, value = _type_of(attribute), attribute.value
    match kind:
        case SearchAttributeType.KEYWORD | SearchAttributeType.TEXT:
            value = "" if value is None else value
        case SearchAttributeType.DATETIME:
            value = format_datetime(parse_datetime("" if value is None else str(value), now_ms=now_ms))
        case SearchAttributeType.INT:
            value = 0 if value is None else value
        case SearchAttributeType.DOUBLE:
            value = float(value) if isinstance(value, int | float) else 0.0
        case SearchAttributeType.BOOL:
            value = value is True
        case SearchAttributeType.KEYWORD_ARRAY:
            value = () if value is None else value
        case _:
            assert_never(kind)
    return SearchAttribute(attribute.key, kind, value)


def terms(attribute: SearchAttribute) -> tuple[IndexTerm, ...]:
    """Give what the attribute is found by, each once, in order; none means that it is not set.

    A text without a word is set all the same: its one term is empty, which no query looks for.

    Args:
        attribute: as ``normalise`` gives it.
    """
    value = attribute.value
    match _type_of(attribute):
        case SearchAttributeType.TEXT:
            return words(str(value)) or ("",)
        case SearchAttributeType.DATETIME:
            return (parse_moment(str(value)),)
        case SearchAttributeType.BOOL:
            return (int(value is True),)
        case _:
            pass
    assert value is not None, f"search attribute {attribute.key} has no value: normalise it first"
    return tuple(dict.fromkeys(value)) if isinstance(value, tuple) else (value,)


def read_as(attribute: SearchAttribute, wanted: SearchAttributeType) -> SearchAttribute:
    """Give the attribute as another type, where the two share a kind of value.

    INT and DOUBLE are read as each other (a fraction is cut off), and so are KEYWORD, TEXT and DATETIME.

    Raises:
        ValueError: its value cannot be read as that type; the text names all three.
    """
    value = _converted(attribute, wanted)
    if value is None:
        raise ValueError(f"unable to convert value {attribute.value} to type {wanted} for key {attribute.key}")
    return SearchAttribute(attribute.key, wanted, value)


def parse_datetime(text: str, *, now_ms: int) -> int:
    """Read a time as an attribute may state it, in nanoseconds; empty is 1970.

    Raises:
        ValueError: it is none of the three forms, or lies outside of what the index holds.
    """
    if not text:
        return 0
    ago = _AGO.fullmatch(text)
    return parse_moment(text) if ago is None else _parse_ago(ago, now_ms=now_ms)


def parse_moment(text: str) -> int:
    """Read RFC 3339 with an offset or ``Z``, or whole Unix nanoseconds. Digits beyond nanoseconds are dropped.

    Raises:
        ValueError: it is neither, or lies outside of what the index holds.
    """
    written = _RFC_3339.fullmatch(text)
    if written is not None:
        nanoseconds = _nanoseconds_of(written)
    elif _WHOLE_NUMBER.fullmatch(text):
        nanoseconds = int(text)
    else:
        raise ValueError(f"cannot parse time '{text}'")
    if not INT64_MIN <= nanoseconds <= INT64_MAX:
        raise ValueError(f"time '{text}' is not between the years 1678 and 2262")
    return nanoseconds


def format_datetime(nanoseconds: int) -> str:
    """Write a moment in UTC by RFC 3339, with the shortest fraction that says it exactly."""
    seconds, rest = divmod(nanoseconds, NANOSECONDS_PER_SECOND)
    whole = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{whole}{fraction}Z"


def words(text: str) -> tuple[str, ...]:
    """Split a text into its words: runs of letters, digits, marks and underscores, in lower case, each once."""
    if text.isascii():
        return tuple(dict.fromkeys(_ASCII_WORDS.findall(text.lower())))
    # `\w` knows no marks, and would cut Hindi or Arabic words at their vowels.
    normal = unicodedata.normalize("NFKC", text)
    spaced = "".join(c if c.isalnum() or c == "_" or unicodedata.category(c)[0] == "M" else " " for c in normal)
    return tuple(dict.fromkeys(word.lower() for word in spaced.split()))


def is_storable(text: str) -> bool:
    """Say whether a text can be written to the file at all: half a surrogate pair cannot."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _type_of(attribute: SearchAttribute) -> SearchAttributeType:
    assert attribute.type is not None, f"search attribute {attribute.key} has no type: check it first"
    return attribute.type


def _fits(value: SearchValue, kind: SearchAttributeType) -> bool:
    match kind:
        case SearchAttributeType.KEYWORD | SearchAttributeType.TEXT | SearchAttributeType.DATETIME:
            return _is_text(value)
        case SearchAttributeType.INT:
            return isinstance(value, int) and not isinstance(value, bool) and INT64_MIN <= value <= INT64_MAX
        case SearchAttributeType.DOUBLE:
            return _is_double(value)
        case SearchAttributeType.BOOL:
            return isinstance(value, bool)
        case SearchAttributeType.KEYWORD_ARRAY:
            return isinstance(value, tuple) and all(map(_is_text, value))
        case _:
            assert_never(kind)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_storable(value)


def _is_double(value: SearchValue) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))  # SQLite keeps "not a number" as no value
    except OverflowError:
        return False


def _time_problem(key: str, text: str) -> str | None:
    try:
        parse_datetime(text, now_ms=0)
    except ValueError as error:
        return (
            f"{error} of search attribute {key}: expected RFC 3339 (2024-01-31T09:00:00Z), "
            "Unix nanoseconds, or a time ago (30m, 3d)"
        )
    return None


def _parse_ago(ago: re.Match[str], *, now_ms: int) -> int:
    count, short, long = ago.groups()
    if len(count) > 6 or not 0 < int(count) < _MULTIPLIER_LIMIT:
        raise ValueError(f"time '{ago[0]}' has the number {count[:20]}, expected 1 to {_MULTIPLIER_LIMIT - 1}")
    seconds = int(count) * _AGO_SECONDS[short or long]
    return max(0, now_ms * NANOSECONDS_PER_MS - seconds * NANOSECONDS_PER_SECOND)


def _nanoseconds_of(written: re.Match[str]) -> int:
    *date, fraction, sign, offset_hours, offset_minutes = written.groups()
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    try:
        if offset_minutes and int(offset_minutes) > 59:
            raise ValueError("an hour has 60 minutes")
        zone = timezone(-offset if sign == "-" else offset)
        year, month, day, hour, minute, second = map(int, date)
        since = datetime(year, month, day, hour, minute, second, tzinfo=zone) - _EPOCH
    except (ValueError, OverflowError) as error:
        raise ValueError(f"cannot parse time '{written[0]}'") from error
    seconds = since.days * 86_400 + since.seconds
    return seconds * NANOSECONDS_PER_SECOND + int((fraction or "")[:9].ljust(9, "0"))


_TEXTUAL = frozenset({SearchAttributeType.KEYWORD, SearchAttributeType.TEXT, SearchAttributeType.DATETIME})


def _converted(attribute: SearchAttribute, wanted: SearchAttributeType) -> SearchValue | None:
    kind, value = attribute.type, attribute.value
    if kind is wanted or {kind, wanted} <= _TEXTUAL:
        return value
    if kind is SearchAttributeType.INT and wanted is SearchAttributeType.DOUBLE and isinstance(value, int):
        return float(value)
    if kind is SearchAttributeType.DOUBLE and wanted is SearchAttributeType.INT and isinstance(value, float):
        cut = int(value)
        return cut if INT64_MIN <= cut <= INT64_MAX else None
    return None
