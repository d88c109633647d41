"""What people are told of a worker's failure."""

from __future__ import annotations

import pytest

from perdure.model.calls import Failure
from perdure.wire import document
from perdure.wire.worker_answer import WorkerReply, no_reply, read_reply
from perdure.wire.worker_side import encode_failure
from perdure.wire.worker_words import words_in, words_of, words_of_rpc
from perdure.worker.runner import failure_of
from tests.wire.test_worker_answer import EXECUTE


def raised(error: Exception) -> Failure:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - what an author raises
        return failure_of(caught)


def over_http(failure: Failure) -> Failure:
    reply = WorkerReply(500, document.write_ascii(encode_failure(failure)).encode())
    answered = read_reply(EXECUTE, reply)
    assert isinstance(answered, Failure)
    return answered


@pytest.mark.parametrize(
    "error",
    [
        ValueError('the "card" of ada was refused\nby the b\u00e4nk'),
        KeyError("no such order"),
        RuntimeError(),
        ExceptionGroup("two", [ValueError("one"), KeyError("other")]),
    ],
)
def test_a_failure_over_http_reads_as_in_process(error: Exception) -> None:
    here = raised(error)
    there = over_http(here)
    assert there.message.startswith('statusCode: 500, responseBody: {"detail":')
    assert words_of(here) == here.message
    assert words_of(there) == here.message
    assert words_in(there.message) == here.message


def test_of_a_long_text_a_run_s_error_message_has_the_beginning() -> None:
    there = over_http(raised(ValueError("\u00e4" * 600)))
    assert words_of(there) == "ValueError: " + "\u00e4" * 600
    assert words_in(there.message).startswith("ValueError: \u00e4\u00e4\u00e4")


def test_a_worker_that_does_not_answer_is_told_with_its_address() -> None:
    message = no_reply(EXECUTE, "connection refused").message
    failure = Failure(message, detail="connection refused")
    assert words_of(failure) == "no answer from the worker at http://worker:1: connection refused"
    assert words_in(message) == "no answer from the worker at http://worker:1; the log of the server says why"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("ValueError: no", "ValueError: no"),
        (
            "statusCode: 500, responseBody: refused, errMsg: 500 Internal Server Error",
            "the worker answered 500 Internal Server Error: refused",
        ),
        ("statusCode: 599, responseBody: , errMsg: 599", "the worker answered 599"),
        (
            'statusCode: 502, responseBody: {"detail": "the db is down", "errorType": "OperationalError"}, errMsg: 502 Bad Gateway',
            "OperationalError: the db is down",
        ),
        (
            "statusCode: 500, responseBody: WorkerExecutionError: broken for good; StackTrace:Traceback (most recent call "
            "last):\n  File..., errMsg: 500 Internal Server Error",
            "the worker answered 500 Internal Server Error: WorkerExecutionError: broken for good",
        ),
        (
            'statusCode: 500, responseBody: {"detail":"E: cut in \\u00..., errMsg: 500 Internal Server Error',
            "E: cut in",
        ),
        (
            "statusCode: 200, responseBody: [1], errMsg: is a list, expected an object",
            "statusCode: 200, responseBody: [1], errMsg: is a list, expected an object",
        ),
    ],
)
def test_what_workers_of_others_say_is_found_too(message: str, words: str) -> None:
    assert words_in(message) == words


def test_an_rpc_says_what_its_author_said() -> None:
    detail = "KeyError: 'no such order'\nTraceback (most recent call last):\n  File"
    told = "worker API error, status:500, errorType:KeyError"
    assert words_of_rpc(told, error_type="KeyError", detail=detail) == "KeyError: 'no such order'"
    assert words_of_rpc(told, error_type="", detail="") == told
    assert words_of_rpc("KeyError: 'x'", error_type="KeyError", detail="Traceback …") == "KeyError: 'x'"
