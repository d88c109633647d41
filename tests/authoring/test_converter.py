from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure import ConversionError, JsonConverter
from perdure.model.value import EMPTY_VALUE, ERASED, EncodedValue


@dataclass(frozen=True)
class Form:
    email: str


CONVERTER = JsonConverter()


def test_a_value_becomes_compact_json() -> None:
    assert CONVERTER.encode({"a": [1, None]}) == EncodedValue('{"a":[1,null]}', "json")
    assert CONVERTER.encode("ä") == EncodedValue('"ä"', "json")


def test_none_is_no_value_and_no_value_is_none() -> None:
    assert CONVERTER.encode(None, int | None) is None
    assert CONVERTER.decode(None, int | None) is None
    assert CONVERTER.decode(EMPTY_VALUE, int | None) is None


def test_no_value_where_one_is_needed_is_an_error() -> None:
    with pytest.raises(ConversionError, match=r"^form: found None, expected Form$"):
        CONVERTER.decode(None, Form, name="form")


@pytest.mark.parametrize("encoding", ["json", "json/plain", "builtinGolangJson", "", None])
def test_json_is_read_whatever_its_encoding_is_called(encoding: str | None) -> None:
    assert CONVERTER.decode(EncodedValue(' {"email": "a"}\n', encoding), Form) == Form("a")


def test_bytes_of_other_sdks_are_read() -> None:
    assert CONVERTER.decode(EncodedValue("AP8=", "binary/plain"), bytes) == b"\x00\xff"
    assert CONVERTER.decode(EncodedValue("x", "binary/null"), int | None) is None


@pytest.mark.parametrize("text", ["", "{", "nope", "1 2", "\x00"])
def test_what_is_not_json_is_told(text: str) -> None:
    with pytest.raises(ConversionError, match=r"form: found text that is not JSON .*, expected Form"):
        CONVERTER.decode(EncodedValue(text, "json"), Form, name="form")


def test_an_error_says_the_path() -> None:
    with pytest.raises(ConversionError, match=r"^form\.email: found int 3, expected str$"):
        CONVERTER.decode(EncodedValue('{"email":3}', "json"), Form, name="form")
    with pytest.raises(ConversionError, match=r"^value: found int 3, expected Form$"):
        CONVERTER.encode(3, Form)


def test_a_type_without_a_codec_is_told() -> None:
    assert CONVERTER.problem(Form) is None
    assert "complex" in (CONVERTER.problem(dict[str, complex]) or "")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values)
def test_every_json_value_comes_back(value: Any) -> None:
    assert CONVERTER.decode(CONVERTER.encode(value)) == value


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_stored_as_utf_8(text: str) -> None:
    sealed = CONVERTER.encode("\ud800" + text)
    assert sealed is not None
    assert sealed.data is not None
    sealed.data.encode()
    assert CONVERTER.decode(sealed, str) == "\ud800" + text


@pytest.mark.parametrize("declared", [str, str | None, Any])
def test_an_erased_value_is_said_to_be(declared: object) -> None:
    with pytest.raises(ConversionError, match=r"^form: the value was erased"):
        CONVERTER.decode(ERASED, declared, name="form")


@pytest.mark.parametrize("declared", [Any, int | None, Form])
def test_a_value_kept_apart_is_no_none_where_its_store_is_missing(declared: object) -> None:
    apart = EncodedValue(encoding="json", external_store_id="folder", external_path="a/b/c")
    with pytest.raises(ConversionError, match=r"^form: the value is kept apart, in the store 'folder'"):
        CONVERTER.decode(apart, declared, name="form")
