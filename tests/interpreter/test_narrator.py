from __future__ import annotations

import pytest

from perdure.interpreter.events import (
    CallExhausted,
    CallRejected,
    CallSucceeded,
    DeadlinePassed,
    Erased,
    Event,
    MessagesPublished,
    Released,
    ResumeCause,
    Resumed,
    RpcClosed,
    RpcOpened,
    RpcWrote,
    Started,
    Stopped,
    TimerSkipped,
)
from perdure.interpreter.execution import Execution
from perdure.interpreter.narrator import Narrator
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import Event as AuthorsEvent
from perdure.model.calls import ExecuteAnswer, Failure, RpcAnswer, WaitUntilAnswer, Writes
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, Wait
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.history import Fact, NamedValue
from perdure.model.ids import CallId, RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions
from perdure.model.outcome import StopKind
from perdure.model.requests import RpcCall, StartRequest, TimerRef
from perdure.model.value import EncodedValue, Message

ADA = WorkflowId("ada")
STARTED = Started(
    StartRequest(
        ADA,
        WorkflowType("Signup"),
        Movement(StateId("form"), EncodedValue("in")),
        StartOptions(wait_for_states=frozenset({StateId("form")})),
        data=(DataAttribute("name", EncodedValue("Ada")),),
    ),
    RunId("r1"),
    RunId("r1"),
)
ONE, TWO = CallId(1), CallId(2)


def told(*events: Event) -> list[tuple[str, str]]:
    """What is told of the last of these events, in words."""
    narrator = Narrator()
    for event in events[:-1]:
        narrator.tell(event, 0)
    facts, values = narrator.tell(events[-1], 0)
    return [(fact.name, fact.text) for fact in facts] + [(named.name, named.value.data or "") for named in values]


def test_a_start_tells_its_type_its_input_and_what_it_calls() -> None:
    assert told(STARTED) == [
        ("workflow_type", "Signup"),
        ("attribute", "name"),
        ("calls", "form-1 wait_until"),
        ("input", "in"),
        ("attribute name", "Ada"),
    ]


def test_an_answer_names_the_state_it_is_of_and_what_it_waits_for() -> None:
    conditions = (
        TimerCondition("late", duration_ms=5),
        TimerCondition(duration_ms=5),
        ChannelCondition("inbox"),
        ChannelCondition("post", ChannelKind.SIGNAL),
    )
    answer = WaitUntilAnswer(Wait(conditions), locals=(DataAttribute("code", EncodedValue("42")),))
    assert told(STARTED, CallSucceeded(ONE, answer)) == [
        ("state", "form-1"),
        ("method", "wait_until"),
        ("waits_for", "timer late"),
        ("waits_for", "timer"),
        ("waits_for", "channel inbox"),
        ("waits_for", "signal post"),
        ("local code", "42"),
    ]


def test_a_decision_tells_what_was_written_where_it_goes_and_what_it_completes() -> None:
    writes = Writes(
        search=(SearchAttribute("tags", SearchAttributeType.KEYWORD_ARRAY, ("a", "b")),),
        messages=(Message("inbox"),),
        events=(AuthorsEvent("asked", EncodedValue("twice")),),
    )
    decision = Decision((Movement(StateId("mail"), EncodedValue("to")),))
    assert told(
        STARTED, CallSucceeded(ONE, WaitUntilAnswer()), CallSucceeded(TWO, ExecuteAnswer(decision, writes))
    ) == [
        ("state", "form-1"),
        ("method", "execute"),
        ("search_attribute", "tags = a, b"),
        ("channel", "inbox"),
        ("event", "asked"),
        ("goes_to", "mail"),
        ("completes", "form-1"),
        ("calls", "mail-1 wait_until"),
        ("event asked", "twice"),
        ("input of mail", "to"),
    ]


def test_an_end_is_told() -> None:
    closing = Decision((Closing(ClosingKind.FORCE_COMPLETE, EncodedValue("out")),))
    assert ("ends", "COMPLETED") in told(
        STARTED, CallSucceeded(ONE, WaitUntilAnswer()), CallSucceeded(TWO, ExecuteAnswer(closing))
    )
    failed = told(STARTED, CallExhausted(ONE, Failure("no answer", "Refused")))
    assert failed[:4] == [
        ("state", "form-1"),
        ("method", "wait_until"),
        ("error", "no answer"),
        ("error_type", "Refused"),
    ]
    assert ("ends", "FAILED") in failed
    assert ("error", "no type") in told(STARTED, CallRejected(ONE, "no type"))
    assert told(STARTED, Stopped(StopKind.CANCEL)) == [("stop", "CANCEL"), ("ends", "CANCELED")]


def test_a_conditional_close_tells_its_channel() -> None:
    close = CloseIfEmpty(EmptyCheck.INTERNAL_CHANNEL, "inbox", EncodedValue("out"))
    decision = Decision((Movement(StateId("mail")),), close)
    assert ("closes_if_empty", "inbox") in told(
        STARTED, CallSucceeded(ONE, WaitUntilAnswer()), CallSucceeded(TWO, ExecuteAnswer(decision))
    )


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (MessagesPublished((Message("inbox", EncodedValue("hi")),)), [("channel", "inbox"), ("channel inbox", "hi")]),
        (RpcWrote(RpcAnswer(EncodedValue("out"), movements=(Movement(StateId("a")),))), [("goes_to", "a")]),
        (
            RpcOpened(1, ("form",), call=RpcCall(ADA, "take", EncodedValue("me"))),
            [("rpc", "1"), ("rpc_name", "take"), ("locks", "form"), ("input", "me")],
        ),
        (RpcClosed(1, None, abandoned=True), [("rpc", "1"), ("rpc_ended", "abandoned")]),
        (RpcClosed(1, RpcAnswer(EncodedValue("out"))), [("rpc", "1"), ("output", "out")]),
        (TimerSkipped(TimerRef(StateExecutionId("a-1"), index=0)), [("state", "a-1"), ("timer", "0")]),
        (DeadlinePassed(), []),
        (Released(), []),
        (Erased(), []),
    ],
)
def test_what_callers_and_the_clock_do_is_told(event: Event, words: list[tuple[str, str]]) -> None:
    assert told(STARTED, event)[: len(words)] == words


def test_a_segment_goes_on_with_the_calls_of_the_one_before() -> None:
    execution = Execution()
    execution.handle(STARTED, 0)
    cut = Resumed(execution.snapshot(), RunId("r1"), ResumeCause.CUT)
    for events in ([cut], [STARTED, cut]):
        assert told(*events, CallExhausted(ONE, Failure("no")))[:2] == [("state", "form-1"), ("method", "wait_until")]


def test_a_reset_tells_where_it_comes_from() -> None:
    execution = Execution()
    execution.handle(STARTED, 0)
    reset = Resumed(execution.snapshot(), RunId("r2"), ResumeCause.RESET)
    assert told(reset) == [("cause", "reset"), ("from_run", "r1")]
    assert ("calls", "form-1 wait_until") in told(reset, Released())


def test_facts_and_values_stand_apart() -> None:
    facts, values = Narrator().tell(STARTED, 0)
    assert Fact("attribute", "name") in facts
    assert NamedValue("attribute name", EncodedValue("Ada")) in values
