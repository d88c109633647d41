"""What would outgrow a limit of ``model.limits``, said before it happens.

Asked of what is new, never of what is folded: a journal that was written under wider limits still
folds. Each check costs what the new thing has, not what the run has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from perdure.interpreter.events import AttributesSet, Event, MessagesPublished, SignalReceived
from perdure.interpreter.execution import Execution
from perdure.model.attributes import DataAttribute, SearchAttribute
from perdure.model.calls import Answer, ExecuteAnswer, RpcAnswer, WaitUntilAnswer
from perdure.model.conditions import ChannelKind
from perdure.model.decisions import CloseIfEmpty, Closing, Decision, Movement
from perdure.model.errors import InvalidRequest
from perdure.model.limits import (
    ATTRIBUTES_MAX,
    FEWER_ATTRIBUTES,
    FEWER_CHARACTERS,
    FEWER_MESSAGES,
    ID_CHARACTERS_MAX,
    MESSAGES_MAX,
    SMALLER_VALUE,
    VALUE_CHARACTERS_MAX,
)
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue, Message


def check_ids(**ids: str | None) -> None:
    """Refuse an id that is too long, by the name it is given under.

    Raises:
        InvalidRequest: one of them is.
    """
    for name, text in ids.items():
        if text is not None and len(text) > ID_CHARACTERS_MAX:
            raise InvalidRequest(_too_long(name, text))


def excess_of_start(request: StartRequest) -> str | None:
    first = () if request.first is None else (request.first,)
    return (
        _of_attributes({}, request.data, "data")
        or _of_attributes({}, request.search, "search")
        or _of_movements(first)
        or next((_too_long("state id to wait for", each) for each in _waited_for(request) if _is_long(each)), None)
    )


def excess_of_event(execution: Execution, event: Event) -> str | None:
    """Say why a caller's event may not happen to a run."""
    match event:
        case SignalReceived():
            message = Message(event.channel, event.value)
            return _of_messages(execution, (message,), ChannelKind.SIGNAL)
        case MessagesPublished():
            return _of_messages(execution, event.messages, ChannelKind.INTERNAL)
        case AttributesSet():
            return _of_written(execution, event.data, event.search)
        case _:
            return None


def excess_of_answer(execution: Execution, answer: Answer) -> str | None:
    """Say why what a handler answered may not be taken."""
    writes = answer.writes
    problem = None
    if writes.data or writes.search:
        problem = _of_written(execution, writes.data, writes.search)
    if writes.messages:
        problem = problem or _of_messages(execution, writes.messages, ChannelKind.INTERNAL)
    match answer:
        case WaitUntilAnswer():
            return problem or _of_values(attribute.value for attribute in answer.locals)
        case ExecuteAnswer():
            return problem or _of_decision(answer.decision)
        case RpcAnswer():
            return problem or _of_movements(answer.movements) or _of_values((answer.output,))


def _of_decision(decision: Decision) -> str | None:
    movements = [step for step in decision.next if isinstance(step, Movement)]
    closings: list[Closing | CloseIfEmpty] = [step for step in decision.next if isinstance(step, Closing)]
    if decision.close_if_empty is not None:
        closings.append(decision.close_if_empty)
    return _of_movements(movements) or _of_values(closing.output for closing in closings)


def _of_movements(movements: Iterable[Movement]) -> str | None:
    for movement in movements:
        if _is_long(movement.state_id):
            return _too_long("state id", movement.state_id)
        if problem := _of_values((movement.input,)):
            return problem
    return None


def _of_written(
    execution: Execution, data: tuple[DataAttribute, ...], search: tuple[SearchAttribute, ...]
) -> str | None:
    return _of_attributes(execution.data_attributes(), data, "data") or _of_attributes(
        execution.search_attributes(), search, "search"
    )


def _of_attributes(
    present: Mapping[str, object], written: tuple[DataAttribute, ...] | tuple[SearchAttribute, ...], kind: str
) -> str | None:
    for attribute in written:
        if _is_long(attribute.key):
            return _too_long(f"key of a {kind} attribute", attribute.key)
        if isinstance(attribute, DataAttribute) and (problem := _of_values((attribute.value,))):
            return f"{kind} attribute {attribute.key!r}: {problem}"
    if len(present) + len(written) <= ATTRIBUTES_MAX:
        return None
    count = len(present) + len({attribute.key for attribute in written} - present.keys())
    if count <= ATTRIBUTES_MAX:
        return None
    return f"the run would have {count:,} {kind} attributes, expected at most {ATTRIBUTES_MAX:,}. {FEWER_ATTRIBUTES}"


def _of_messages(execution: Execution, messages: tuple[Message, ...], kind: ChannelKind) -> str | None:
    for channel, count in Counter(message.channel for message in messages).items():
        if _is_long(channel):
            return _too_long("name of a channel", channel)
        unread = execution.unread(kind, channel) + count
        if unread > MESSAGES_MAX:
            return (
                f"channel {channel!r} would have {unread:,} unread messages, expected at most {MESSAGES_MAX:,}. "
                f"{FEWER_MESSAGES}"
            )
    return _of_values(message.value for message in messages)


def _of_values(values: Iterable[EncodedValue | None]) -> str | None:
    for value in values:
        if value is not None and value.data is not None and len(value.data) > VALUE_CHARACTERS_MAX:
            return f"a value has {len(value.data):,} characters, expected at most {VALUE_CHARACTERS_MAX:,}. {SMALLER_VALUE}"
    return None


def _waited_for(request: StartRequest) -> Iterator[str]:
    yield from request.options.wait_for_states
    yield from request.options.wait_for_state_executions


def _is_long(text: str) -> bool:
    return len(text) > ID_CHARACTERS_MAX


def _too_long(name: str, text: str) -> str:
    return (
        f"{name} {text[:20]!r}... has {len(text):,} characters, expected at most {ID_CHARACTERS_MAX:,}. "
        f"{FEWER_CHARACTERS}"
    )
