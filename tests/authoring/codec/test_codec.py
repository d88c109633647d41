from __future__ import annotations

import pytest

from perdure.authoring.codec.codec import MISSING, SHOWN_MAX, Kind, Mismatch, kind_of, shown


@pytest.mark.parametrize(
    ("raw", "kind"),
    [(None, "null"), (True, "bool"), (1, "int"), (1.0, "float"), ("", "str"), ([], "list"), ({}, "dict")],
)
def test_every_json_value_has_one_kind(raw: object, kind: str) -> None:
    assert kind_of(raw) == Kind(kind)


def test_a_mismatch_tells_the_place_from_the_outside_in() -> None:
    mismatch = Mismatch(3, "str").below(".email").below("[0]")
    assert mismatch.told("forms") == "forms[0].email: found int 3, expected str"


def test_a_mismatch_tells_its_reason() -> None:
    assert Mismatch("x", "UUID", because="too short").told("id") == "id: found str 'x', expected UUID (too short)"


def test_a_large_value_is_shown_cut() -> None:
    text = shown("x" * 1_000)
    assert text.endswith("…")
    assert len(text) < SHOWN_MAX + 10


def test_nothing_is_shown_as_nothing() -> None:
    assert (shown(MISSING), shown(None)) == ("nothing", "None")
