import json
from typing import Any

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
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
from perdure.model.conditions import ChannelCondition, ChannelKind, Condition, TimerCondition, Wait, WaitMode
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import StateOptions
from perdure.model.value import EMPTY_VALUE, EncodedValue, Message
from perdure.wire.worker_answer import WorkerReply, no_reply, no_reply_in_time, read_reply

RUN = RunContext(WorkflowId("w"), WorkflowType("T"), RunId("r"), RunId("r"), 0, "http://worker:1/")


def state_request(method: StateMethod) -> StateRequest:
    call = StateCall(method, StateExecutionId("S-1"), StateId("S"), None, LoadedAttributes())
    return StateRequest(RUN, call, attempt=1, first_attempt_ms=0)


WAIT_UNTIL, EXECUTE = state_request(StateMethod.WAIT_UNTIL), state_request(StateMethod.EXECUTE)
RPC = RpcRequest(RUN, "r", None, LoadedAttributes())
A_DECISION = {"stateDecision": {"nextStates": [{"stateId": "S2"}]}}


def read(request: StateRequest | RpcRequest, body: Any) -> Answer | Failure:
    return read_reply(request, WorkerReply(200, json.dumps(body).encode()))


def wait_of(command_request: dict[str, Any]) -> Wait:
    answer = read(WAIT_UNTIL, {"commandRequest": command_request})
    assert isinstance(answer, WaitUntilAnswer), answer
    return answer.wait


def decision_of(decision: dict[str, Any]) -> Decision:
    answer = read(EXECUTE, {"stateDecision": decision})
    assert isinstance(answer, ExecuteAnswer), answer
    return answer.decision


WRITTEN = {
    "upsertSearchAttributes": [{"key": "s", "valueType": "INT", "integerValue": 1}],
    "publishToInterStateChannel": [{"channelName": "c"}],
    "recordEvents": [{"key": "e"}],
    "upsertStateLocals": [{"key": "l"}],
}
WRITES = Writes(
    data=(DataAttribute("d", EMPTY_VALUE),),
    search=(SearchAttribute("s", SearchAttributeType.INT, 1),),
    messages=(Message("c"),),
    events=(Event("e"),),
)


def test_what_answers_write() -> None:
    data = [{"key": "d", "value": {}}]

    assert read(WAIT_UNTIL, {**WRITTEN, "upsertDataObjects": data}) == WaitUntilAnswer(
        writes=WRITES, locals=(DataAttribute("l"),)
    )
    assert read(EXECUTE, {**WRITTEN, **A_DECISION, "upsertDataObjects": data}) == ExecuteAnswer(
        Decision((Movement(StateId("S2")),)), WRITES
    )
    assert read(RPC, {**WRITTEN, **A_DECISION, "upsertDataAttributes": data, "output": {"data": "1"}}) == RpcAnswer(
        EncodedValue("1"), WRITES, (Movement(StateId("S2")),)
    )


@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
def test_an_empty_answer_is_an_answer_to_wait_until_and_to_rpcs(body: bytes) -> None:
    assert read_reply(WAIT_UNTIL, WorkerReply(200, body)) == WaitUntilAnswer()
    assert read_reply(RPC, WorkerReply(200, body)) == RpcAnswer()


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({"commandWaitingType": "ALL_COMPLETED"}, WaitMode.ALL),
        ({"commandWaitingType": "ANY_COMPLETED"}, WaitMode.ANY),
        ({"deciderTriggerType": "ALL_COMMAND_COMPLETED"}, WaitMode.ALL),
        ({"deciderTriggerType": "ANY_COMMAND_COMPLETED"}, WaitMode.ANY),
        ({"deciderTriggerType": "ANY_COMMAND_COMPLETED", "commandWaitingType": "ALL_COMPLETED"}, WaitMode.ALL),
    ],
)
def test_the_new_name_of_the_waiting_type_wins(fields: dict[str, Any], mode: WaitMode) -> None:
    assert wait_of({**fields, "timerCommands": [{}]}).mode is mode


def test_conditions_are_timers_then_signals_then_internal_channels() -> None:
    wait = wait_of(
        {
            "commandWaitingType": "ANY_COMBINATION_COMPLETED",
            "commandCombinations": [{"commandIds": ["i", "s"]}, {}],
            "interStateChannelCommands": [{"commandId": "i", "channelName": "c"}],
            "signalCommands": [{"commandId": "s", "signalChannelName": "c"}],
            "timerCommands": [{"commandId": "t", "durationSeconds": 2}],
        }
    )

    assert wait == Wait(
        (
            TimerCondition("t", duration_ms=2_000, whole_seconds=True),
            ChannelCondition("c", ChannelKind.SIGNAL, "s"),
            ChannelCondition("c", ChannelKind.INTERNAL, "i"),
        ),
        WaitMode.COMBINATION,
        (("i", "s"), ()),
    )


@pytest.mark.parametrize(
    ("command", "condition"),
    [
        ({}, TimerCondition(whole_seconds=True)),
        ({"durationSeconds": -1}, TimerCondition(duration_ms=-1_000, whole_seconds=True)),
        ({"firingUnixTimestampSeconds": 7}, TimerCondition(at_ms=7_000, whole_seconds=True)),
        (
            {"firingUnixTimestampSeconds": 7, "durationSeconds": 0},
            TimerCondition(duration_ms=0, at_ms=7_000, whole_seconds=True),
        ),
        ({"durationSeconds": 2**63 - 1}, TimerCondition(duration_ms=2**61, whole_seconds=True)),
        ({"firingUnixTimestampSeconds": -(2**63)}, TimerCondition(at_ms=-(2**61), whole_seconds=True)),
    ],
)
def test_timers_in_milliseconds_that_can_be_stored(command: dict[str, Any], condition: Condition) -> None:
    assert wait_of({"commandWaitingType": "ALL_COMPLETED", "timerCommands": [command]}).conditions == (condition,)


@pytest.mark.parametrize(
    ("limits", "least", "most"),
    [
        ({}, 1, 1),
        ({"atLeast": 2, "atMost": 5}, 2, 5),
        ({"atMost": 3}, 1, 3),
        ({"atLeast": 0}, 0, 2**31 - 1),
        ({"atLeast": 2}, 2, 2**31 - 1),
    ],
)
def test_how_many_messages_a_command_takes(limits: dict[str, int], least: int, most: int) -> None:
    (condition,) = wait_of(
        {"commandWaitingType": "ALL_COMPLETED", "signalCommands": [{"signalChannelName": "c", **limits}]}
    ).conditions

    assert isinstance(condition, ChannelCondition)
    assert (condition.at_least, condition.most) == (least, most)


def test_a_movement_with_everything() -> None:
    decision = decision_of(
        {
            "nextStates": [
                {"stateId": "S2", "stateInput": {}, "stateOptions": {"skipWaitUntil": True}, "waitForKey": "k"},
                {"stateId": "S2", "waitForKey": ""},
            ]
        }
    )

    assert decision.next == (
        Movement(StateId("S2"), EMPTY_VALUE, StateOptions(skip_wait_until=True), "k"),
        Movement(StateId("S2")),
    )


@pytest.mark.parametrize("kind", ClosingKind)
def test_reserved_states_are_closings(kind: ClosingKind) -> None:
    assert decision_of({"nextStates": [{"stateId": kind.value, "stateInput": {"data": "1"}}]}).next == (
        Closing(kind, EncodedValue("1")),
    )


@pytest.mark.parametrize(
    ("fields", "close"),
    [
        ({}, CloseIfEmpty(None)),
        (
            {"conditionalCloseType": "FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY", "channelName": "c", "closeInput": {}},
            CloseIfEmpty(EmptyCheck.SIGNAL_CHANNEL, "c", EMPTY_VALUE),
        ),
        (
            {"conditionalCloseType": "GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY"},
            CloseIfEmpty(EmptyCheck.ALL_CHANNELS),
        ),
    ],
)
def test_conditional_closes(fields: dict[str, Any], close: CloseIfEmpty) -> None:
    assert decision_of({"nextStates": [{"stateId": "S2"}], "conditionalClose": fields}).close_if_empty == close


RULE = "ANY_COMMAND_COMBINATION_COMPLETED can only be used when every command has an commandId"


@pytest.mark.parametrize(
    ("request_", "reply", "message"),
    [
        (
            EXECUTE,
            WorkerReply(500, b"refused"),
            "statusCode: 500, responseBody: refused, errMsg: 500 Internal Server Error",
        ),
        (
            EXECUTE,
            WorkerReply(502, b"x", reason="Gone Fishing"),
            "statusCode: 502, responseBody: x, errMsg: 502 Gone Fishing",
        ),
        (EXECUTE, WorkerReply(599), "statusCode: 599, responseBody: , errMsg: 599"),
        (EXECUTE, WorkerReply(201, b"{}"), "statusCode: 201, responseBody: {}, errMsg: 201 Created"),
        (EXECUTE, WorkerReply(400, b"{}"), "statusCode: 400, responseBody: {}, errMsg: 400 Bad Request"),
        (
            EXECUTE,
            WorkerReply(400, b'{"detail":"bad input"}'),
            'statusCode: 400, responseBody: {"detail":"bad input"}, errMsg: 400 Bad Request (bad input)',
        ),
        (
            EXECUTE,
            WorkerReply(200, b"<html>", "text/plain"),
            "statusCode: 200, responseBody: <html>, errMsg: undefined response type",
        ),
        (EXECUTE, WorkerReply(200), "statusCode: 200, responseBody: , errMsg: the body is empty, expected an object"),
        (
            WAIT_UNTIL,
            WorkerReply(200, b'{"commandRequest": {"commandWaitingType": "NOBODY"}}'),
            'statusCode: 200, responseBody: {"commandRequest": {"commandWaitingType": "NOBODY"}}, '
            "errMsg: NOBODY is not a valid CommandWaitingType",
        ),
        (
            EXECUTE,
            WorkerReply(200, b'{"stateDecision": 5}'),
            'statusCode: 200, responseBody: {"stateDecision": 5}, errMsg: stateDecision is a whole number, expected an objec...',
        ),
        (
            EXECUTE,
            WorkerReply(500, ("-" + 300 * "é").encode()),
            "statusCode: 500, responseBody: -" + 249 * "é" + "..., errMsg: 500 Internal Server Error",
        ),
        (
            EXECUTE,
            WorkerReply(200, b"null"),
            "err msg: empty state decision is no longer supported. If it's from old SDKs then upgrade the SDK to newer "
            "versions, response: {}",
        ),
        (
            EXECUTE,
            WorkerReply(200, b'{"unknown": 1, "stateDecision": {"NEXTSTATES": []}, "recordEvents": null}'),
            "err msg: empty state decision is no longer supported. If it's from old SDKs then upgrade the SDK to newer "
            'versions, response: {"stateDecision":{"nextStates":[]}}',
        ),
        (
            EXECUTE,
            WorkerReply(200, b'{"stateDecision": {"nextStates": [null]}}'),
            "err msg: a state decision has a movement without stateId, "
            'response: {"stateDecision":{"nextStates":[{"stateId":""}]}}',
        ),
        (
            WAIT_UNTIL,
            WorkerReply(200, b'{"commandRequest": {"signalCommands": [{"signalChannelName": "c"}]}}'),
            "err msg: unsupported decider trigger type , "
            'response: {"commandRequest":{"signalCommands":[{"signalChannelName":"c"}]}}',
        ),
        (
            WAIT_UNTIL,
            WorkerReply(
                200,
                b'{"commandRequest": {"commandWaitingType": "ANY_COMBINATION_COMPLETED", "timerCommands": [{"commandId": "a"}]}}',
            ),
            f"err msg: {RULE}, and the combination list cannot be empty, "
            'response: {"commandRequest":{"commandWaitingType":"ANY_COMBINATION_COMPLETED","timerCommands":[{"commandId":"a"}]}}',
        ),
    ],
)
def test_a_states_reply_that_is_refused_has_the_references_words(
    request_: StateRequest, reply: WorkerReply, message: str
) -> None:
    failure = read_reply(request_, reply)

    assert isinstance(failure, Failure)
    assert failure.message == message
    assert failure.status == reply.status


def test_a_states_failure_also_says_what_the_worker_told() -> None:
    failure = read_reply(EXECUTE, WorkerReply(500, b'{"detail": "d", "errorType": "ValueError"}'))

    assert isinstance(failure, Failure)
    assert (failure.error_type, failure.detail) == ("ValueError", "d")


UNREADABLE = "unable to decode worker response body to WorkerErrorResponse: body"


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (
            WorkerReply(500, b'{"detail": "no luck", "errorType": "Bad"}'),
            Failure("worker API error, status:500, errorType:Bad", "Bad", "no luck", 500),
        ),
        (WorkerReply(404, b"{}"), Failure("worker API error, status:404, errorType:", status=404)),
        (WorkerReply(502, b"<html>"), Failure(f"{UNREADABLE}<html>", status=502)),
        (WorkerReply(503, b""), Failure(UNREADABLE, status=503)),
        (WorkerReply(201, b"{}"), Failure("worker API error, status:201, errorType:", status=201)),
        (WorkerReply(200, b"fine", "text/plain"), Failure(f"{UNREADABLE}fine", status=200)),
        (WorkerReply(200, b"[]"), Failure(f"{UNREADABLE}[]", status=200)),
        (WorkerReply(200, b'{"output": 5}'), Failure("worker API error, status:200, errorType:", status=200)),
        (
            WorkerReply(200, b'{"output": 5, "errorType": "E", "detail": "d"}'),
            Failure("worker API error, status:200, errorType:E", "E", "d", 200),
        ),
        (
            WorkerReply(200, b'{"stateDecision": {"nextStates": [{"stateId": "S"}, {"stateId": "_SYS_DEAD_END"}]}}'),
            Failure("closing workflow in RPC is not supported yet"),
        ),
        (
            WorkerReply(200, b'{"stateDecision": {"conditionalClose": {}}}'),
            Failure("closing workflow in RPC is not supported yet"),
        ),
        (
            WorkerReply(200, b'{"stateDecision": {"nextStates": [{}]}}'),
            Failure("a state decision has a movement without stateId"),
        ),
    ],
)
def test_an_rpcs_reply_that_is_refused_tells_what_the_caller_is_told(reply: WorkerReply, failure: Failure) -> None:
    assert read_reply(RPC, reply) == failure


def test_a_worker_that_cannot_be_reached() -> None:
    assert no_reply(WAIT_UNTIL, "connection refused") == Failure(
        'statusCode: 0, responseBody: None, errMsg: Post "http://worker:1/api/v1/workflowState/start":...'
    )
    assert no_reply(RPC, "connection refused") == Failure(
        'Post "http://worker:1/api/v1/workflowWorker/rpc": connection refused'
    )


def test_a_worker_that_takes_too_long() -> None:
    assert no_reply_in_time(EXECUTE, timeout_ms=2_000) == Failure(
        "StateApiExecute: no answer within 2000 ms (StartToClose timeout)", timed_out=True
    )
    assert no_reply_in_time(RPC, timeout_ms=2_000) == Failure(
        'Post "http://worker:1/api/v1/workflowWorker/rpc": context deadline exceeded', timed_out=True
    )
