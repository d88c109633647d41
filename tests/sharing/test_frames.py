from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.sharing.frames import (
    Answer,
    FrameReader,
    Greeting,
    MalformedFrame,
    Request,
    decode_answer,
    decode_greeting,
    decode_request,
    encode_answer,
    encode_greeting,
    encode_request,
    framed,
)

NUMBERS = st.integers(1, 2**64 - 1)


@given(NUMBERS, st.text(max_size=50), st.binary())
def test_request_comes_as_it_went(number: int, path: str, body: bytes) -> None:
    assert decode_request(encode_request(Request(number, path, body))) == Request(number, path, body)


@given(NUMBERS, st.integers(0, 999), st.binary())
def test_answer_comes_as_it_went(number: int, status: int, body: bytes) -> None:
    assert decode_answer(encode_answer(Answer(number, status, body))) == Answer(number, status, body)


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
def test_frames_are_put_together_from_pieces_of_any_size(contents: list[bytes], size: int) -> None:
    sent = b"".join(map(framed, contents))
    reader = FrameReader()
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert [content for piece in pieces for content in reader.feed(piece)] == contents


def test_frame_that_is_too_long_is_known_before_it_has_come() -> None:
    reader = FrameReader(bytes_max=10)
    assert list(reader.feed(framed(bytes(10)))) == [bytes(10)]
    with pytest.raises(MalformedFrame, match="found a frame of 11 bytes, expected no more than 10"):
        list(reader.feed(framed(bytes(11))[:4]))


@pytest.mark.parametrize(
    "content", [b"", b"123456789", encode_request(Request(0, "/a")), encode_request(Request(1, "/abc"))[:12]]
)
def test_what_is_no_request_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_request(content)


def test_path_that_is_no_text_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="expected UTF-8"):
        decode_request(encode_request(Request(1, "aa")).replace(b"aa", b"\xff\xff"))


def test_greeting_of_a_later_release_may_say_more() -> None:
    greeting = Greeting(7, ("A", "B"))
    assert decode_greeting(encode_greeting(greeting)) == greeting
    assert decode_greeting(b'{"perdure": 2, "pid": 7, "workflows": [], "more": 1}').version == 2


@pytest.mark.parametrize("content", [b"", b"7", b"[]", b"{}", b'{"perdure": 1, "pid": 7}', b"\xff", b"[" * 9_000])
def test_what_is_no_greeting_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedFrame, match="expected the greeting"):
        decode_greeting(content)
