from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.model.value import EncodedValue
from perdure.store.payload import LARGE_CHARACTERS, external_names_in, hashes_in, pack, unpack

# Any text that JSON can say: with line breaks, NUL, quotes, and halves of surrogate pairs.
texts = st.text(st.characters(), max_size=20) | st.sampled_from(["", "\n", '["x"]\n', "\0", "\ud800", "a" * 64])
values = st.builds(
    EncodedValue,
    data=st.none() | texts | texts.map(lambda text: text + "x" * (LARGE_CHARACTERS + 1)),
    encoding=st.none() | texts | st.just("json"),
    external_store_id=st.none() | texts,
    external_path=st.none() | texts,
)


@given(st.lists(values, max_size=5).map(tuple), st.booleans())
def test_every_value_comes_back_as_it_was(written: tuple[EncodedValue, ...], apart: bool) -> None:
    payload = pack(written, apart=apart)
    assert unpack(payload.text, dict(payload.large)) == written
    assert set(hashes_in(payload.text)) == {digest for digest, _ in payload.large}


@given(st.lists(values, max_size=5).map(tuple))
def test_every_payload_can_be_written_as_utf_8(written: tuple[EncodedValue, ...]) -> None:
    payload = pack(written)
    payload.text.encode()
    for _, data in payload.large:
        data.encode()


def test_small_data_is_read_as_it_is_in_the_file() -> None:
    assert pack((EncodedValue('{"name": "ada"}', "json"),)).text == 'json 15\n{"name": "ada"}'


def test_small_values_of_one_encoding_take_a_word_each() -> None:
    written = (EncodedValue("1", "json"), EncodedValue("id-7"), EncodedValue('"ä"', "json"))
    assert pack(written).text == 'json 1 4- 3\n1id-7"ä"'
    assert unpack(pack(written).text, {}) == written


@given(st.lists(st.builds(EncodedValue, texts, st.sampled_from(["json", None, ""])), max_size=5).map(tuple))
def test_values_as_they_mostly_are_come_back(written: tuple[EncodedValue, ...]) -> None:
    assert unpack(pack(written).text, {}) == written


def test_no_values_are_no_text() -> None:
    assert pack(()).text == ""
    assert unpack("", {}) == ()


@pytest.mark.parametrize(("length", "large"), [(LARGE_CHARACTERS, 0), (LARGE_CHARACTERS + 1, 1)])
def test_data_stands_apart_from_a_length_on(length: int, large: int) -> None:
    assert len(pack((EncodedValue("x" * length),)).large) == large


def test_equal_large_data_has_one_hash() -> None:
    first, second = (pack((EncodedValue("x" * 9_000, encoding),)) for encoding in ("json", "text"))
    assert first.large == second.large
    assert first.text != second.text


@given(st.lists(values, max_size=5).map(tuple), st.booleans())
def test_where_values_are_that_are_kept_outside_is_told_of_the_first_line_alone(
    written: tuple[EncodedValue, ...], apart: bool
) -> None:
    text = pack(written, apart=apart).text
    names = [
        (value.external_store_id or "", value.external_path) for value in written if value.external_path is not None
    ]
    assert external_names_in(text) == external_names_in(text.partition("\n")[0]) == names
