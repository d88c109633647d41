"""Where values are in what callers and workers exchange with an engine, and how to put others in their places.

The first functions run for every call, and cost next to nothing where no value is large; ``exchanged``
walks through anything, and runs only where one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from perdure.model.attributes import DataAttribute
from perdure.model.calls import Answer, ExecuteAnswer, RpcAnswer, RpcRequest, StateRequest, WaitUntilAnswer
from perdure.model.conditions import ChannelResult
from perdure.model.decisions import Decision
from perdure.model.outcome import RunInfo
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue

T = TypeVar("T")

Values = Iterator[EncodedValue | None]


def in_attributes(attributes: Iterable[DataAttribute]) -> Values:
    return (attribute.value for attribute in attributes)


def in_start(request: StartRequest) -> Values:
    if request.first is not None:
        yield request.first.input
    yield from in_attributes(request.data)


def in_request(request: StateRequest | RpcRequest) -> Values:
    """Give what a worker is shown."""
    if isinstance(request, RpcRequest):
        yield request.input
        yield from in_attributes(request.attributes.data)
        return
    call = request.call
    yield call.input
    yield from in_attributes(call.attributes.data)
    yield from in_attributes(call.locals)
    for result in call.results or ():
        if isinstance(result, ChannelResult):
            yield from result.values


def in_answer(answer: Answer) -> Values:
    """Give what a worker has answered and an engine will keep."""
    writes = answer.writes
    yield from in_attributes(writes.data)
    for message in writes.messages:
        yield message.value
    for event in writes.events:
        yield event.value
    match answer:
        case WaitUntilAnswer():
            yield from in_attributes(answer.locals)
        case ExecuteAnswer():
            yield from _in_decision(answer.decision)
        case RpcAnswer():
            yield answer.output
            for movement in answer.movements:
                yield movement.input


def _in_decision(decision: Decision) -> Values:
    for step in decision.next:
        yield getattr(step, "input", None) or getattr(step, "output", None)
    if decision.close_if_empty is not None:
        yield decision.close_if_empty.output


def in_run(info: RunInfo) -> Values:
    if info.outcome is not None:
        for result in info.outcome.results or ():
            yield result.output


def in_anything(thing: object) -> Iterator[EncodedValue]:
    """Give every value in any of our frozen data, in order."""
    if isinstance(thing, EncodedValue):
        yield thing
    elif isinstance(thing, tuple):
        for item in thing:
            yield from in_anything(item)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for field in fields(thing):
            yield from in_anything(getattr(thing, field.name))


def exchanged(thing: T, exchange: Callable[[EncodedValue], EncodedValue]) -> T:
    """Return any of our frozen data with what *exchange* makes of each value in it."""
    return cast("T", _exchanged(thing, exchange))


def _exchanged(thing: Any, exchange: Callable[[EncodedValue], EncodedValue]) -> Any:
    if isinstance(thing, EncodedValue):
        return exchange(thing)
    if isinstance(thing, tuple):
        return tuple([_exchanged(item, exchange) for item in thing])
    if is_dataclass(thing) and not isinstance(thing, type):
        parts = {field.name: getattr(thing, field.name) for field in fields(thing)}
        changed = {
            name: new for name, part in parts.items() if (new := _exchanged(part, exchange)) is not part and new != part
        }
        return replace(thing, **changed) if changed else thing
    return thing
