from __future__ import annotations

from perdure.interpreter.codec import encode_event
from perdure.interpreter.erasure import ERASED_TEXT, QUOTING_KINDS, erased, without_values
from perdure.interpreter.events import (
    CallExhausted,
    CallRejected,
    CallSucceeded,
    Erased,
    Event,
    MessagesPublished,
    ResumeCause,
    Resumed,
    RpcOpened,
    SignalReceived,
    Started,
    Stopped,
)
from perdure.interpreter.execution import Execution
from perdure.interpreter.refusal import RefusalKind
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import Event as AuthorsEvent
from perdure.model.calls import ExecuteAnswer, Failure, WaitUntilAnswer, Writes
from perdure.model.conditions import ChannelCondition, Wait
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import CallId, RunId, StateId, WorkflowId, WorkflowType
from perdure.model.outcome import StopKind
from perdure.model.requests import RpcCall, StartRequest
from perdure.model.value import ERASED, EncodedValue, Message
from tests.interpreter.programs import tell

SECRET = "Ada Lovelace"
HERS = EncodedValue(SECRET, "json", SECRET, SECRET)
WRITES = Writes(
    (DataAttribute("name", HERS), DataAttribute("none")),
    (
        SearchAttribute("name", SearchAttributeType.TEXT, SECRET),
        SearchAttribute("names", SearchAttributeType.KEYWORD_ARRAY, (SECRET,)),
    ),
    (Message("inbox", HERS), Message("empty")),
    (AuthorsEvent("asked", HERS),),
)
STARTED = Started(
    StartRequest(
        WorkflowId("ada"), WorkflowType("T"), Movement(StateId("a"), HERS), data=WRITES.data, search=WRITES.search
    ),
    RunId("r"),
    RunId("r"),
)
ONE = CallId(1)
DECISION = Decision((Closing(ClosingKind.FORCE_FAIL, HERS),), CloseIfEmpty(EmptyCheck.ALL_CHANNELS, output=HERS))


def snapshot_of(*events: Event) -> Resumed:
    execution = Execution()
    for event in events:
        execution.handle(event, 0)
    return Resumed(execution.snapshot(), RunId("r2"), ResumeCause.RESET, SECRET)


EVENTS: tuple[Event, ...] = (
    STARTED,
    CallSucceeded(ONE, WaitUntilAnswer(Wait((ChannelCondition("inbox"),)), WRITES, (DataAttribute("l", HERS),))),
    CallSucceeded(ONE, ExecuteAnswer(DECISION, WRITES)),
    CallExhausted(ONE, Failure(SECRET, "ValueError", SECRET)),
    CallRejected(ONE, SECRET),
    SignalReceived("c", HERS),
    MessagesPublished(WRITES.messages),
    RpcOpened(1, call=RpcCall(WorkflowId("ada"), "look", HERS)),
    Stopped(StopKind.FAIL, SECRET),
    snapshot_of(STARTED, Stopped(StopKind.FAIL, SECRET)),
    snapshot_of(STARTED, CallSucceeded(ONE, WaitUntilAnswer(Wait((ChannelCondition("x"),)), WRITES))),
)


def test_nothing_that_was_said_is_left_and_all_that_happened_is() -> None:
    for event in EVENTS:
        assert SECRET in repr(encode_event(event)), "this proves nothing"
        kept = encode_event(erased(event))
        assert SECRET not in repr(kept)
        assert kept.kind == encode_event(event).kind
        assert {value for value in kept.values if value.data is None} <= {ERASED, EncodedValue()}


def test_no_value_stays_no_value_and_names_stay() -> None:
    assert erased(MessagesPublished(WRITES.messages)) == MessagesPublished((Message("inbox", ERASED), Message("empty")))
    assert erased(CallExhausted(ONE, Failure(SECRET, "ValueError"))) == CallExhausted(
        ONE, Failure(ERASED_TEXT, "ValueError")
    )
    assert erased(Stopped(StopKind.CANCEL)) == Stopped(StopKind.CANCEL)


def test_to_erase_again_changes_nothing() -> None:
    for event in EVENTS:
        assert erased(erased(event)) == erased(event)


def test_what_is_erased_folds_to_what_was_there_without_its_values() -> None:
    for program in range(200):
        whole, emptied = Execution(), Execution()
        for step in tell(program).happened:
            effects = whole.handle(step.event, step.now_ms)
            # What the rules themselves say, on the index or of an end, is nobody's value: hence without on both sides.
            left = tuple(emptied.handle(erased(step.event), step.now_ms))
            assert without_values(left) == without_values(tuple(effects))
            assert emptied.next_deadline_ms() == whole.next_deadline_ms()
            assert without_values(emptied.snapshot()) == without_values(whole.snapshot())


def test_only_an_ended_run_is_erased_and_stays_what_it_was() -> None:
    execution = Execution()
    execution.handle(STARTED, 0)
    refusal = execution.refuse(Erased())
    assert refusal is not None
    assert refusal.kind is RefusalKind.INVALID
    execution.handle(Stopped(StopKind.CANCEL), 0)
    before = execution.snapshot()
    assert execution.handle(Erased(), 5) == []
    assert execution.snapshot() == before


def test_bodies_that_quote_somebody_are_known_by_their_kinds() -> None:
    quoting = {encode_event(event).kind for event in EVENTS if SECRET in encode_event(event).body}
    assert quoting == QUOTING_KINDS
