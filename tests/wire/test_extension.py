from __future__ import annotations

import json
from typing import Any

import pytest

from perdure.model.calls import Answer, ExecuteAnswer, Failure, RpcAnswer, StateMethod, WaitUntilAnswer
from perdure.model.conditions import Wait
from perdure.model.decisions import Closing, ClosingKind, Decision
from perdure.wire.extension import KEY, heard, said
from perdure.wire.worker_request import encode_worker_request
from perdure.wire.worker_side import encode_answer, encode_failure
from tests.authoring.onboarding import rpc_request, state_request


def test_what_is_said_is_heard() -> None:
    assert heard(said(waitMs=0, timeoutMs=None)) == {"version": 1, "waitMs": 0}


def test_nothing_is_heard_of_nothing_and_of_another_version() -> None:
    assert heard({}) is None
    assert heard({"perdure": {"waitMs": 0}}) is None
    assert heard({"perdure": {"version": 2, "waitMs": 0}}) is None


def everything_said_to_a_worker() -> list[dict[str, Any]]:
    values = {"form": '{"email": "a"}'}
    return [
        encode_worker_request(request)
        for request in (
            state_request("work", '"x"', data=values),
            state_request("work", '"x"', data=values, method=StateMethod.WAIT_UNTIL),
            rpc_request("look", data=values),
        )
    ]


def test_a_worker_is_told_nothing_beside_the_protocol() -> None:
    for said_to_it in everything_said_to_a_worker():
        assert f'"{KEY}"' not in json.dumps(said_to_it)


@pytest.mark.parametrize(
    "answer",
    [WaitUntilAnswer(Wait()), ExecuteAnswer(Decision((Closing(ClosingKind.GRACEFUL_COMPLETE),))), RpcAnswer(None)],
)
def test_a_worker_says_nothing_beside_the_protocol(answer: Answer) -> None:
    assert f'"{KEY}"' not in json.dumps(encode_answer(answer))


def test_a_workers_error_says_only_what_the_protocol_has_no_form_for() -> None:
    assert KEY not in encode_failure(Failure("no"))
    assert encode_failure(Failure("no", retryable=False))[KEY] == {"version": 1, "retryable": False}
    assert encode_failure(Failure("no", retry_after_ms=5))[KEY] == {"version": 1, "retryAfterMs": 5}
