from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import cast

import pytest

from perdure import ConversionError, LostWrite, Registry
from perdure.authoring.registry import Registered
from perdure.model.attributes import DataAttribute
from perdure.model.calls import Answer, ExecuteAnswer, RpcAnswer, RpcRequest, StateMethod, StateRequest, WaitUntilAnswer
from perdure.model.conditions import ChannelCondition, TimerCondition, Wait
from perdure.model.decisions import Closing, ClosingKind
from perdure.model.value import Message
from perdure.worker.runner import NotRegistered, ReadOnlyWrote, failure_of, method_of, task_of, timed_out
from tests.authoring.onboarding import rpc_request, sealed, state_request
from tests.worker.service import Declined, Service


def registered() -> Registered:
    found = Registry(Service(act=lambda: "act")).get("Service")
    assert found is not None
    return found


def run(request: StateRequest | RpcRequest) -> Answer:
    task = task_of(registered(), request)
    result = task.call()
    if task.is_async:
        result = asyncio.run(_awaited(cast("Awaitable[object]", result)))
    return task.answer(result)


async def _awaited(awaitable: Awaitable[object]) -> object:
    return await awaitable


@pytest.mark.parametrize("name", ["work", "work_on_loop"])
def test_a_handler_is_given_its_input_and_answers_with_what_it_did(name: str) -> None:
    answer = run(state_request(name, '"hello"', data={"count": "2"}))
    assert isinstance(answer, ExecuteAnswer)
    assert answer.decision.next == (Closing(ClosingKind.GRACEFUL_COMPLETE, sealed('"hello act"')),)
    assert answer.writes.data == (DataAttribute("count", sealed("3")),)


def test_a_wait_is_asked_for() -> None:
    answer = run(state_request("work_on_loop", '"x"', method=StateMethod.WAIT_UNTIL))
    assert isinstance(answer, WaitUntilAnswer)
    assert answer.wait.conditions == (ChannelCondition("mail", id="mail"), TimerCondition("timer", duration_ms=1_000))


def test_a_wait_that_is_always_the_same_calls_nothing() -> None:
    request = state_request("sleep_on_loop", method=StateMethod.WAIT_UNTIL)
    assert method_of(registered().definition, request) is None
    answer = run(request)
    assert isinstance(answer, WaitUntilAnswer)
    assert [condition.id for condition in answer.wait.conditions] == ["mail", "timer"]


def test_a_wait_that_was_taken_away_since_is_met_at_once() -> None:
    assert run(state_request("work", '"x"', method=StateMethod.WAIT_UNTIL)) == WaitUntilAnswer(Wait())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("hang", r"wait of Service\.hang: channel 'verified' is waited for and not declared in Service"),
        ("stall", r"wait of Service\.stall: any_of\(\) is empty"),
    ],
)
def test_a_wait_that_would_never_be_met_fails_the_attempt(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        run(state_request(name, method=StateMethod.WAIT_UNTIL))


def test_an_rpc_answers_with_its_output_writes_and_states() -> None:
    answer = run(rpc_request("add", '{"amount":2}', data={"count": "1"}))
    assert isinstance(answer, RpcAnswer)
    assert answer.output == sealed("3")
    assert answer.writes.messages == (Message("mail", sealed('"none"')),)
    assert [movement.state_id for movement in answer.movements] == ["decline"]


def test_a_read_only_rpc_may_only_read() -> None:
    answer = run(rpc_request("look", data={"count": "7"}))
    assert answer == RpcAnswer(sealed("7"))
    with pytest.raises(ReadOnlyWrote, match=r"Service\.look_and_touch is declared read_only and has written"):
        run(rpc_request("look_and_touch"))


def test_calls_share_nothing_but_the_services() -> None:
    service = Service()
    found = Registry(service).get("Service")
    assert found is not None
    first, second = (task_of(found, state_request("work", '"x"', data={"count": count})) for count in ("1", "5"))
    first.call()
    second.call()
    assert set(vars(service)) == {"act"}


def test_what_would_be_lost_fails_the_attempt() -> None:
    with pytest.raises(LostWrite, match="'items' was changed in place"):
        run(state_request("lose"))


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (
            state_request("nothing"),
            r"workflow type 'Service' has no state 'nothing'; it has: work, .*stall\. A run that earlier code started stands in it: "
            r"keep the name, @state\(name='nothing'\)",
        ),
        (rpc_request("nothing"), "'nothing' is no RPC of workflow type 'Service'; it has: add"),
    ],
)
def test_what_the_class_does_not_have_is_told(request_: StateRequest | RpcRequest, told: str) -> None:
    with pytest.raises(NotRegistered, match=told):
        task_of(registered(), request_)
    with pytest.raises(NotRegistered, match=told):
        method_of(registered().definition, request_)


def test_an_input_that_does_not_fit_is_told_with_its_path() -> None:
    with pytest.raises(ConversionError, match=r"input of Service\.work: found int 3, expected str"):
        run(state_request("work", "3"))


def test_a_failure_says_what_the_author_raised() -> None:
    try:
        raise Declined("no such account")
    except Declined as error:
        failure = failure_of(error)
    assert (failure.message, failure.error_type, failure.retryable) == ("Declined: no such account", "Declined", False)
    assert "test_a_failure_says_what_the_author_raised" in failure.detail
    assert failure_of(ValueError()).message == "ValueError"


def test_a_timeout_says_how_long_it_was() -> None:
    failure = timed_out(1_500)
    assert failure.timed_out
    assert failure.retryable
    assert "found no answer after 1500 ms" in failure.message
