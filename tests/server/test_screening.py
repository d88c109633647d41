import json
import tracemalloc

import pytest

from perdure.model.limits import DEPTH_MAX
from perdure.server.screening import screen
from perdure.wire.document import Malformed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"not json",
        b'{"workflowId": "w", "stateInput": {"data": "\\"a\\\\u0000b\\""}}',
        '{"workflowId": "\u00e9\u4e2d\U0001f600"}'.encode(),
        b'{"a": "\\ud800"}',
        json.dumps({"keys": [{"key": str(n)} for n in range(1_000)]}).encode(),
        b"[" * DEPTH_MAX + b"]" * DEPTH_MAX,
        b'["\\udcff", ' + b",".join([b"{}"] * DEPTH_MAX) + b"]",
    ],
)
def test_what_a_call_may_be_able_to_read_passes(body: bytes) -> None:
    screen(body)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"workflowId": "a\\u0000b"}', "workflowId has a NUL character, which no text here may have"),
        (b'{"keys": ["a", "b\\u0000"]}', "keys[1] has a NUL character, which no text here may have"),
        (b'{"a": {"b\\u0000": 1}}', "a has a NUL character, which no text here may have"),
        (b'{"a": {"b": "\xff"}}', "a.b has bytes that are not UTF-8"),
        (b'{"a": "\xc3"}', "a has bytes that are not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "a has bytes that are not UTF-8"),
        (b"\xff", "the body is not UTF-8"),
        (b"{} \xff", "the body is not UTF-8"),
        (
            b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}",
            "a[0][0][0][0][0][0][0]... has lists and objects more than 100 deep inside each other. Encode a deep value as the text in a value's data",
        ),
        (
            b"[" * 100_000,
            "the body has lists and objects more than 100 deep inside each other. Encode a deep value as the text in a value's data",
        ),
        (
            b'{"a":' * 100_000,
            "the body has lists and objects more than 100 deep inside each other. Encode a deep value as the text in a value's data",
        ),
    ],
)
def test_what_nobody_may_send_is_refused_and_named(body: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as refused:
        screen(body)

    assert str(refused.value) == problem


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b",".join([b"[]"] * 100_000) + b"]",
        b"[" + b",".join([b'{"": 0}'] * 50_000) + b"]",
        b'["\\\\u0000",' + b",".join([b"0"] * 200_000) + b"]",
    ],
)
def test_a_wide_body_takes_little_more_memory_than_reading_it(body: bytes) -> None:
    tracemalloc.start()
    try:
        json.loads(body)
        _, reading = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        screen(body)
        _, screening = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert screening < 5 * reading
