"""Events in words: what each names, as facts an operator reads, and the author's values in it.

Most events name a call or nothing; who that is, only the fold knows. So a narrator follows a run
from its first event on. It is told what happened and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from perdure.interpreter.effects import Close, CompleteState, Effect, Invoke
from perdure.interpreter.events import (
    AttributesSet,
    CallExhausted,
    CallRejected,
    CallSucceeded,
    ConfigUpdated,
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
    SignalReceived,
    Started,
    Stopped,
    TimerSkipped,
)
from perdure.interpreter.execution import Execution
from perdure.model.attributes import DataAttribute, SearchAttribute
from perdure.model.calls import ExecuteAnswer, RpcAnswer, StateCall, WaitUntilAnswer, Writes
from perdure.model.conditions import Condition, TimerCondition
from perdure.model.decisions import Decision, Movement
from perdure.model.history import Fact, NamedValue
from perdure.model.ids import CallId
from perdure.model.requests import RpcCall
from perdure.model.value import EncodedValue, Message

_Item = Fact | NamedValue


class Narrator:
    """Tells the events of one run, one after the other, from its first one or that of a segment on."""

    def __init__(self) -> None:
        self._execution = Execution()
        self._calls: dict[CallId, StateCall] = {}

    def tell(self, event: Event, now_ms: int) -> tuple[tuple[Fact, ...], tuple[NamedValue, ...]]:
        """Return what *event* names and carries, and what came of it."""
        items = list(self._items(event))
        items += _consequences(self._follow(event, now_ms))
        return (
            tuple(item for item in items if isinstance(item, Fact)),
            tuple(item for item in items if isinstance(item, NamedValue)),
        )

    def _follow(self, event: Event, now_ms: int) -> list[Effect]:
        if isinstance(event, Resumed):
            # The beginning of a segment: all that came before it is in its snapshot.
            self._execution = Execution()
            self._calls.clear()
        effects = self._execution.handle(event, now_ms)
        begun = self._execution.outstanding() if isinstance(event, Resumed) else effects
        for effect in begun:
            if isinstance(effect, Invoke):
                self._calls[effect.call_id] = effect.call
        return effects

    def _items(self, event: Event) -> Iterator[_Item]:
        match event:
            case Started():
                yield from _start(event)
            case Resumed():
                yield Fact("cause", event.cause)
                if event.snapshot.run.run_id != event.run_id:
                    yield Fact("from_run", event.snapshot.run.run_id)
                if event.cause is ResumeCause.RULES:
                    yield Fact("rules", str(event.rules))
            case CallSucceeded():
                yield from self._call(event.call_id)
                match event.answer:
                    case WaitUntilAnswer():
                        yield from _wait(event.answer)
                    case ExecuteAnswer():
                        yield from _writes(event.answer.writes)
                        yield from _decision(event.answer.decision)
            case CallExhausted():
                yield from self._call(event.call_id)
                yield Fact("error", event.failure.message)
                if event.failure.error_type:
                    yield Fact("error_type", event.failure.error_type)
            case CallRejected():
                yield from self._call(event.call_id)
                yield Fact("error", event.message)
            case SignalReceived():
                yield Fact("signal", event.channel)
                yield from _value(f"signal {event.channel}", event.value)
            case MessagesPublished():
                yield from _messages(event.messages)
            case AttributesSet():
                yield from _data(event.data)
                yield from _search(event.search)
            case RpcWrote():
                yield from _rpc_answer(event.answer)
            case RpcOpened():
                yield Fact("rpc", str(event.number))
                yield from _rpc_call(event.call)
                yield from (Fact("locks", key) for key in (*event.data_locks, *event.search_locks))
            case RpcClosed():
                yield Fact("rpc", str(event.number))
                if event.answer is not None:
                    yield from _rpc_answer(event.answer)
                else:
                    yield Fact("rpc_ended", "abandoned" if event.abandoned else "failed")
            case TimerSkipped():
                yield Fact("state", event.timer.state_execution_id)
                yield Fact("timer", event.timer.timer_id or str(event.timer.index))
            case Stopped():
                yield Fact("stop", event.kind)
            case Released() | DeadlinePassed() | ConfigUpdated() | Erased():
                return
            case _:
                assert_never(event)

    def _call(self, call_id: CallId) -> Iterator[_Item]:
        call = self._calls.pop(call_id, None)
        if call is not None:
            yield Fact("state", call.state_execution_id)
            yield Fact("method", call.method)


def _start(event: Started) -> Iterator[_Item]:
    request = event.request
    yield Fact("workflow_type", request.workflow_type)
    if event.attempt > 1:
        yield Fact("attempt", str(event.attempt))
    if event.delay_ms:
        yield Fact("delay_ms", str(event.delay_ms))
    if request.first is not None:
        yield from _value("input", request.first.input)
    yield from _data(request.data)
    yield from _search(request.search)


def _wait(answer: WaitUntilAnswer) -> Iterator[_Item]:
    yield from _writes(answer.writes)
    yield from (Fact("waits_for", _condition(condition)) for condition in answer.wait.conditions)
    for local in answer.locals:
        yield from _value(f"local {local.key}", local.value)


def _condition(condition: Condition) -> str:
    if isinstance(condition, TimerCondition):
        return f"timer {condition.id}".rstrip()
    return f"{'signal' if condition.kind == 'SIGNAL' else 'channel'} {condition.channel}"


def _decision(decision: Decision) -> Iterator[_Item]:
    for step in decision.next:
        if isinstance(step, Movement):
            yield Fact("goes_to", step.state_id)
            yield from _value(f"input of {step.state_id}", step.input)
        else:
            yield Fact("closes", step.kind)
            yield from _value("output", step.output)
    if decision.close_if_empty is not None:
        yield Fact("closes_if_empty", decision.close_if_empty.channel or "all channels")
        yield from _value("output", decision.close_if_empty.output)


def _rpc_call(call: RpcCall | None) -> Iterator[_Item]:
    if call is not None:
        yield Fact("rpc_name", call.name)
        yield from _value("input", call.input)


def _rpc_answer(answer: RpcAnswer) -> Iterator[_Item]:
    yield from _writes(answer.writes)
    for step in answer.movements:
        yield Fact("goes_to", step.state_id)
        yield from _value(f"input of {step.state_id}", step.input)
    yield from _value("output", answer.output)


def _writes(writes: Writes) -> Iterator[_Item]:
    yield from _data(writes.data)
    yield from _search(writes.search)
    yield from _messages(writes.messages)
    for event in writes.events:
        yield Fact("event", event.name)
        yield from _value(f"event {event.name}", event.value)


def _data(attributes: Iterable[DataAttribute]) -> Iterator[_Item]:
    for attribute in attributes:
        yield Fact("attribute", attribute.key)
        yield from _value(f"attribute {attribute.key}", attribute.value)


def _search(attributes: Iterable[SearchAttribute]) -> Iterator[_Item]:
    for attribute in attributes:
        yield Fact("search_attribute", f"{attribute.key} = {_plain(attribute)}")


def _plain(attribute: SearchAttribute) -> str:
    value = attribute.value
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _messages(messages: Iterable[Message]) -> Iterator[_Item]:
    for message in messages:
        yield Fact("channel", message.channel)
        yield from _value(f"channel {message.channel}", message.value)


def _value(name: str, value: EncodedValue | None) -> Iterator[_Item]:
    if value is not None:
        yield NamedValue(name, value)


def _consequences(effects: Iterable[Effect]) -> Iterator[_Item]:
    for effect in effects:
        match effect:
            case Invoke():
                yield Fact("calls", f"{effect.call.state_execution_id} {effect.call.method}")
            case CompleteState():
                yield Fact("completes", effect.state_execution_id)
            case Close():
                yield Fact("ends", effect.outcome.status)
                if effect.outcome.error_message:
                    yield Fact("error", effect.outcome.error_message)
            case _:
                pass
