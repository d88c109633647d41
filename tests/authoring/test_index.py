from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest

from perdure.authoring.index import search_value
from perdure.model.attributes import SearchAttributeType, SearchValue


class Colour(Enum):
    RED = "r"


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("KEYWORD", "a", "a"),
        ("KEYWORD", Colour.RED, "r"),
        ("KEYWORD", UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        ("KEYWORD", None, None),
        ("TEXT", "a b", "a b"),
        ("INT", 3, 3),
        ("DOUBLE", Decimal("1.5"), 1.5),
        ("BOOL", False, False),
        ("DATETIME", datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        ("DATETIME", date(2026, 1, 1), "2026-01-01T00:00:00Z"),
        ("KEYWORD_ARRAY", ["b", "a"], ("b", "a")),
        ("KEYWORD_ARRAY", {"b", "a"}, ("a", "b")),
        ("KEYWORD_ARRAY", (Colour.RED,), ("r",)),
    ],
)
def test_a_value_is_indexed_as(kind: str, value: object, found: SearchValue | None) -> None:
    assert search_value(value, SearchAttributeType(kind), name="x") == found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INT", True),
        ("INT", "3"),
        ("KEYWORD", True),
        ("TEXT", 3),
        ("BOOL", 1),
        ("DOUBLE", "1"),
        ("DATETIME", datetime(2026, 1, 1)),  # noqa: DTZ001 - without a zone is the test
        ("KEYWORD_ARRAY", "a"),
    ],
)
def test_what_an_index_has_no_room_for_is_refused(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match="expected what an index of kind"):
        search_value(value, SearchAttributeType(kind), name="x")
