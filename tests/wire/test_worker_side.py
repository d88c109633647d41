"""Each side reads what the other writes: what comes out is what went in, but for fractions of seconds."""

import json
from pathlib import Path
from typing import Any

import pytest

from perdure.model.attributes import DataAttribute, Loading, SearchAttribute, SearchAttributeType
from perdure.model.calls import (
    Answer,
    Event,
    ExecuteAnswer,
    Failure,
    LoadedAttributes,
    RpcAnswer,
    RpcRequest,
    RunContext,
    StateCall,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
    Writes,
)
from perdure.model.conditions import (
    ChannelCondition,
    ChannelKind,
    ChannelResult,
    TimerCondition,
    TimerResult,
    Wait,
    WaitMode,
)
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import StateOptions
from perdure.model.value import EMPTY_VALUE, EncodedValue, Message
from perdure.wire import document
from perdure.wire.document import Malformed
from perdure.wire.worker_answer import WorkerReply, read_reply
from perdure.wire.worker_request import encode_worker_request
from perdure.wire.worker_side import decode_rpc_request, decode_state_request, encode_answer, encode_failure

RUN = RunContext(WorkflowId("w"), WorkflowType("T"), RunId("r1"), RunId("r1"), 1_000)
ONE, TWO = EncodedValue("1", "json"), EncodedValue("2")
LOADED = LoadedAttributes(
    (DataAttribute("d", ONE), DataAttribute("empty")),
    (
        SearchAttribute("k", SearchAttributeType.KEYWORD_ARRAY, ("x", "y")),
        SearchAttribute("n", SearchAttributeType.INT, 5),
    ),
)
NOTHING_WANTED = LoadedAttributes(data_loading=Loading.NONE, search_loading=Loading.NONE)
RESULTS = (
    TimerResult("t", fired=True),
    TimerResult("u", fired=False),
    ChannelResult("s", "letters", ChannelKind.SIGNAL, True, (EMPTY_VALUE,)),
    ChannelResult("", "waiting", ChannelKind.INTERNAL, False),
    ChannelResult("", "bare", ChannelKind.INTERNAL, True, (None,)),
    ChannelResult("many", "all", ChannelKind.INTERNAL, True, (ONE, None, TWO)),
)


def state_call(method: StateMethod, **more: Any) -> StateRequest:
    call = StateCall(method, StateExecutionId("S-1"), StateId("S"), more.pop("input", None), **more)
    return StateRequest(RUN, call, attempt=3, first_attempt_ms=5_000)


@pytest.mark.parametrize(
    "request_",
    [
        state_call(StateMethod.WAIT_UNTIL, input=EMPTY_VALUE, attributes=LOADED),
        state_call(StateMethod.WAIT_UNTIL, attributes=NOTHING_WANTED),
        state_call(StateMethod.EXECUTE, input=ONE, attributes=LOADED, locals=(DataAttribute("l", TWO),)),
        state_call(StateMethod.EXECUTE, attributes=LoadedAttributes(), results=RESULTS),
        state_call(StateMethod.EXECUTE, attributes=LoadedAttributes(), results=(), wait_until_failed=True),
    ],
)
def test_a_worker_reads_the_call_of_a_state_that_a_server_writes(request_: StateRequest) -> None:
    body = document.read(document.write(encode_worker_request(request_)))

    assert decode_state_request(request_.call.method, body) == request_


@pytest.mark.parametrize(
    "request_",
    [
        RpcRequest(RUN, "ask", ONE, LOADED, {"s": 2}, {"c": 1}),
        RpcRequest(RUN, "ask", None, NOTHING_WANTED),
    ],
)
def test_a_worker_reads_the_call_of_an_rpc_that_a_server_writes(request_: RpcRequest) -> None:
    body = document.read(document.write(encode_worker_request(request_)))

    assert decode_rpc_request(body) == request_


def test_a_call_that_says_nothing_is_read_as_far_as_it_goes() -> None:
    request = decode_state_request(StateMethod.EXECUTE, {"workflowType": "T"})

    assert (request.run.workflow_type, request.attempt, request.call.results) == ("T", 1, None)


def test_a_call_of_another_shape_is_malformed() -> None:
    with pytest.raises(Malformed, match="workflowType is a whole number, expected a text"):
        decode_rpc_request({"workflowType": 7})


RECORDINGS = sorted((Path(__file__).parents[1] / "recordings" / "scenarios").glob("*.expected.json"))
METHODS = {"waitUntil": StateMethod.WAIT_UNTIL, "execute": StateMethod.EXECUTE}


def filled(recorded: Any) -> Any:
    """Put times where a transcript leaves them out."""
    if isinstance(recorded, dict):
        return {name: filled(value) for name, value in recorded.items()}
    if isinstance(recorded, list):
        return [filled(value) for value in recorded]
    return 7 if recorded == "<time>" else recorded


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name.partition(".")[0])
def test_every_call_the_reference_server_was_recorded_making_is_read_without_loss(recording: Path) -> None:
    transcript = json.loads(recording.read_text(encoding="utf-8"))
    for name, calls in transcript.get("worker", {}).items():
        for call in filled(calls):
            call["context"].setdefault("workflowRunId", "masked")
            method = METHODS.get(name.partition(" ")[0])
            request = decode_rpc_request(call) if method is None else decode_state_request(method, call)
            assert encode_worker_request(request) == call, name


WRITES = Writes(
    data=(DataAttribute("d", ONE), DataAttribute("gone")),
    search=(SearchAttribute("k", SearchAttributeType.KEYWORD, "x"), SearchAttribute("g", SearchAttributeType.BOOL)),
    messages=(Message("c", ONE), Message("bare")),
    events=(Event("e", TWO), Event("f")),
)
RECOVERY = StateOptions(recover_state_id=StateId("R"), recover_options=StateOptions(skip_wait_until=True))
WAIT = Wait(
    (
        TimerCondition("t", 3_000, whole_seconds=True),
        TimerCondition("m", None, 9_000, whole_seconds=True),
        ChannelCondition("letters", ChannelKind.SIGNAL, "s"),
        ChannelCondition("c", ChannelKind.INTERNAL, "i", 2, 5),
        ChannelCondition("d", ChannelKind.INTERNAL, "j", 0, 0),
    ),
    WaitMode.COMBINATION,
    (("t", "s"), ("i", "i")),
)


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (StateMethod.WAIT_UNTIL, WaitUntilAnswer()),
        (StateMethod.WAIT_UNTIL, WaitUntilAnswer(WAIT, WRITES, (DataAttribute("l", ONE),))),
        (StateMethod.WAIT_UNTIL, WaitUntilAnswer(Wait(WAIT.conditions, WaitMode.ANY))),
        (StateMethod.EXECUTE, ExecuteAnswer(Decision((Closing(ClosingKind.GRACEFUL_COMPLETE, ONE),)), WRITES)),
        (StateMethod.EXECUTE, ExecuteAnswer(Decision((Closing(ClosingKind.DEAD_END),)))),
        (
            StateMethod.EXECUTE,
            ExecuteAnswer(
                Decision(
                    (Movement(StateId("A"), ONE, RECOVERY, "key"), Movement(StateId("B"))),
                    CloseIfEmpty(EmptyCheck.INTERNAL_CHANNEL, "c", TWO),
                )
            ),
        ),
        (
            StateMethod.EXECUTE,
            ExecuteAnswer(Decision((Movement(StateId("A")),), CloseIfEmpty(EmptyCheck.ALL_CHANNELS))),
        ),
        (None, RpcAnswer()),
        (None, RpcAnswer(ONE, WRITES, (Movement(StateId("A"), TWO),))),
    ],
)
def test_a_server_reads_the_answer_that_a_worker_writes(method: StateMethod | None, answer: Answer) -> None:
    asked = RpcRequest(RUN, "ask", None, LoadedAttributes())
    request = asked if method is None else state_call(method, attributes=LoadedAttributes())

    reply = WorkerReply(200, document.write(encode_answer(answer)))

    assert read_reply(request, reply) == answer


def test_fractions_of_seconds_are_rounded_up() -> None:
    answer = WaitUntilAnswer(Wait((TimerCondition("t", 1_001),)))

    assert encode_answer(answer)["commandRequest"]["timerCommands"] == [{"commandId": "t", "durationSeconds": 2}]


@pytest.mark.parametrize(
    ("failure", "wishes"),
    [
        (Failure("ValueError: no", "ValueError", "line 1\nline 2"), None),
        (Failure("Declined: no", "Declined", "line 1", retryable=False), {"version": 1, "retryable": False}),
        (Failure("RetryAfter: 5 s", "RetryAfter", retry_after_ms=5_000), {"version": 1, "retryAfterMs": 5_000}),
    ],
)
def test_a_server_reads_the_failure_that_a_worker_writes(failure: Failure, wishes: dict[str, Any] | None) -> None:
    fields = encode_failure(failure)
    assert fields.get("perdure") == wishes
    found = read_reply(state_call(StateMethod.EXECUTE, attributes=LOADED), WorkerReply(500, document.write(fields)))
    assert isinstance(found, Failure)
    assert (found.status, found.error_type) == (500, failure.error_type)
    assert (found.retryable, found.retry_after_ms) == (failure.retryable, failure.retry_after_ms)
    assert found.detail == f"{failure.message}\n{failure.detail}".rstrip()


def test_a_wish_of_another_version_is_not_followed() -> None:
    body = b'{"errorType": "E", "perdure": {"version": 2, "retryable": false, "retryAfterMs": 1}}'
    found = read_reply(state_call(StateMethod.EXECUTE, attributes=LOADED), WorkerReply(500, body))
    assert isinstance(found, Failure)
    assert (found.retryable, found.retry_after_ms) == (True, None)
