from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.wire import document
from perdure.wire.document import Malformed


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b' \n\t{"a": 1} and more', {"a": 1}),
        (b"null", None),
        (b'"\xff"', "\ufffd"),
        (b'["\\ud83d\\ude00", "\\ud800x", {"\\udc00": 1}]', ["\U0001f600", "\ufffdx", {"\ufffd": 1}]),
    ],
)
def test_what_can_be_read_of_a_body_is_read(body: bytes, value: object) -> None:
    assert document.read(body) == value


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"not json", b'{"a": 1', b"NaN", b'{"a": Infinity}', b"\xef\xbb\xbf{}", b"[" * 100_000, b"1" * 5_000],
)
def test_a_body_without_a_json_value_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="the body is not JSON"):
        document.read(body)


def test_json_is_written_compact_and_in_utf_8() -> None:
    assert document.write({"b": ["é"], "a": None}) == '{"b":["é"],"a":null}'.encode()


Write = Callable[[object], bytes]
_numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_texts = st.text(st.characters(codec="utf-8"))
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner) | st.dictionaries(_texts, inner),
)


@given(_values)
def test_both_writers_write_what_is_read_as_what_it_was(value: object) -> None:
    """One comes with the extra ``server``; without it the standard library writes."""
    assert document.read(document.write(value)) == document.read(document._write_in_python(value)) == value


@given(_texts)
def test_both_writers_write_texts_to_the_byte_alike(text: str) -> None:
    assert document.write(text) == document._write_in_python(text)


@pytest.mark.parametrize("write", [document.write, document._write_in_python])
def test_half_a_character_is_not_written(write: Write) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        write(["\ud800"])


def test_json_of_error_texts_is_sorted_by_name() -> None:
    assert document.write_sorted({"b": {"d": 1, "c": 2}, "a": "é"}) == '{"a":"é","b":{"c":2,"d":1}}'


def test_ascii_json_has_one_byte_a_character() -> None:
    assert document.write_ascii(["é"]) == '["\\u00e9"]'


def test_a_problem_tells_its_place_from_the_outside_in() -> None:
    error = Malformed("is null", place="[2]").under("keys").under("request")

    assert str(error) == "request.keys[2] is null"
