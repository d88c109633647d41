"""The quick functions find what the thorough one finds, wherever a value may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perdure.blobs.values import exchanged, in_answer, in_anything, in_attributes, in_request, in_run, in_start
from perdure.model.attributes import DataAttribute
from perdure.model.calls import (
    Answer,
    Event,
    ExecuteAnswer,
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
from perdure.model.conditions import ChannelKind, ChannelResult, TimerResult
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.outcome import Outcome, RunInfo, RunStatus, StateOutput
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue, Message

RUN = RunContext(WorkflowId("w"), WorkflowType("T"), RunId("r"), RunId("r"), 0)
S = StateId("s")


def value(name: str) -> EncodedValue:
    return EncodedValue(name, "json")


WRITES = Writes(
    data=(DataAttribute("a", value("1")), DataAttribute("none")),
    messages=(Message("c", value("2")), Message("c")),
    events=(Event("e", value("3")), Event("e")),
)
ANSWERS: list[Answer] = [
    WaitUntilAnswer(writes=WRITES, locals=(DataAttribute("l", value("4")),)),
    ExecuteAnswer(
        Decision(
            (Movement(S, value("4")), Movement(S), Closing(ClosingKind.DEAD_END, value("5"))),
            CloseIfEmpty(EmptyCheck.ALL_CHANNELS, output=value("6")),
        ),
        WRITES,
    ),
    RpcAnswer(value("4"), WRITES, (Movement(S, value("5")),)),
]
ATTRIBUTES = LoadedAttributes((DataAttribute("a", value("2")), DataAttribute("none")))
CALL = StateRequest(
    RUN,
    StateCall(
        StateMethod.EXECUTE,
        StateExecutionId("s-1"),
        S,
        value("1"),
        ATTRIBUTES,
        (DataAttribute("l", value("3")),),
        (TimerResult("t", True), ChannelResult("c", "c", ChannelKind.SIGNAL, True, (value("4"), None, value("5")))),
    ),
    1,
    0,
)
RPC = RpcRequest(RUN, "rpc", value("1"), ATTRIBUTES, {"c": 1})
REQUESTS: list[StateRequest | RpcRequest] = [CALL, RPC]
START = StartRequest(
    WorkflowId("w"), WorkflowType("T"), Movement(S, value("1")), data=(DataAttribute("a", value("2")),)
)
INFO = RunInfo(
    WorkflowId("w"),
    RunId("r"),
    WorkflowType("T"),
    RunStatus.COMPLETED,
    0,
    1,
    Outcome(RunStatus.COMPLETED, (StateOutput(S, StateExecutionId("s-1"), value("1")),)),
)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_every_value_of_an_answer_is_found(answer: Answer) -> None:
    assert {each for each in in_answer(answer) if each} == set(in_anything(answer))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_every_value_of_a_request_is_found(request_: StateRequest | RpcRequest) -> None:
    assert [each for each in in_request(request_) if each] == list(in_anything(request_))


def test_every_value_of_a_start_and_of_a_run_is_found() -> None:
    assert list(in_start(START)) == list(in_anything(START)) == [value("1"), value("2")]
    assert list(in_start(replace(START, first=None))) == [value("2")]
    assert list(in_run(INFO)) == list(in_anything(INFO)) == [value("1")]
    assert list(in_run(replace(INFO, outcome=None))) == []
    assert list(in_attributes(START.data)) == [value("2")]


@pytest.mark.parametrize("thing", [*ANSWERS, *REQUESTS, START, INFO], ids=lambda thing: type(thing).__name__)
def test_values_are_exchanged_and_nothing_else(thing: object) -> None:
    there = exchanged(thing, lambda each: EncodedValue(None, each.encoding, "store", f"path-{each.data}"))
    assert there != thing
    assert all(each.data is None for each in in_anything(there))
    back = exchanged(there, lambda each: value((each.external_path or "").removeprefix("path-")))
    assert back == thing


def test_what_has_nothing_to_exchange_is_the_same_object() -> None:
    assert exchanged(START, lambda each: each) is START
