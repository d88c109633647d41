"""One call of an author's method while it runs: what it may read, and what it has changed so far.

Everything is kept here until the handler returns, and applied in one step then; what raises leaves
nothing behind. An invocation belongs to one copy of the author's instance, so calls never meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from perdure.authoring.converter import Converter
from perdure.authoring.definition import ABSENT, AttributeDefinition, ChannelDefinition, WorkflowDefinition
from perdure.authoring.index import search_value
from perdure.authoring.run import Run
from perdure.model.attributes import DataAttribute, Loading, SearchAttribute
from perdure.model.calls import NO_WRITES, Event, RpcRequest, StateRequest, Writes
from perdure.model.conditions import ChannelKind
from perdure.model.value import EncodedValue, Message

if TYPE_CHECKING:
    from perdure.authoring.decision import Decision

INVOCATION = "_perdure_invocation"
"""Where a copy of an author's instance keeps its invocation."""


class LostWrite(RuntimeError):
    """A handler changed something in a way that nothing would remember."""


class Bound(Protocol):
    """An author's instance, as far as this room looks at it."""

    __dict__: dict[str, object]


class _Held:
    """A value that was read or assigned, and how it was written then."""

    __slots__ = ("assigned", "attribute", "value", "written")

    def __init__(
        self, attribute: AttributeDefinition, value: object, written: EncodedValue | None, *, assigned: bool
    ) -> None:
        self.attribute = attribute
        self.value = value
        self.written = written
        self.assigned = assigned


class Invocation:
    """What one handler reads and writes."""

    __slots__ = (
        "_converter",
        "_held",
        "_loaded",
        "_loading",
        "_loads",
        "_open",
        "_request",
        "definition",
        "events",
        "messages",
        "started",
    )

    def __init__(
        self, definition: WorkflowDefinition, request: StateRequest | RpcRequest, loads: frozenset[str] | None
    ) -> None:
        state = isinstance(request, StateRequest)
        attributes = request.call.attributes if isinstance(request, StateRequest) else request.attributes
        self.definition = definition
        self.messages: list[Message] = []
        self.events: list[Event] = []
        self.started: list[Decision] | None = None if state else []
        self._request = request
        self._converter: Converter = definition.converter
        self._loaded: dict[str, EncodedValue | None] = {found.key: found.value for found in attributes.data}
        self._loading = attributes.data_loading
        self._loads = loads
        self._held: dict[str, _Held] = {}
        self._open = True

    @property
    def run(self) -> Run:
        return Run(self._request.run, self._request, self)

    # Attributes

    def read(self, attribute: AttributeDefinition, key: str) -> object:
        """Return the value, or ``ABSENT``; read again it is the same object."""
        held = self._held.get(key)
        if held is not None:
            return held.value
        if key not in self._loaded:
            self._check_loaded(attribute, key)
            return ABSENT
        written = self._loaded[key]
        value = self._converter.decode(written, attribute.type, name=key)
        self._held[key] = _Held(attribute, value, written, assigned=False)
        return value

    def hold_default(self, attribute: AttributeDefinition, key: str, value: object) -> None:
        """Keep a default that was made for a key without a value, so that a change in place is noticed."""
        written = self._converter.encode(value, attribute.type, name=key)
        self._held[key] = _Held(attribute, value, written, assigned=False)

    def write(self, attribute: AttributeDefinition, key: str, value: object) -> None:
        """Assign a value; it is looked at again when the handler returns."""
        self.check_open(key)
        written = self._converter.encode(value, attribute.type, name=key)
        if attribute.index is not None:
            search_value(value, attribute.index, name=key)
        self._held[key] = _Held(attribute, value, written, assigned=True)

    def erase(self, attribute: AttributeDefinition, key: str) -> None:
        self.check_open(key)
        self._held[key] = _Held(attribute, ABSENT, None, assigned=True)

    def keys(self, prefix: str) -> Iterator[str]:
        """Return the keys below a map's prefix that have a value, sorted."""
        held = {key for key, found in self._held.items() if found.value is not ABSENT}
        erased = self._held.keys() - held
        known = {key for key, value in self._loaded.items() if value is not None and key not in erased}
        return iter(sorted(key for key in known | held if key.startswith(prefix)))

    def _check_loaded(self, attribute: AttributeDefinition, key: str) -> None:
        if self._loading is Loading.ALL:
            return
        if self._loading is Loading.PARTIAL and (self._loads is None or attribute.name in self._loads):
            return
        raise LookupError(
            f"attribute {key!r} was not loaded for this handler; name it in load= or lock=, or leave load= out"
        )

    # Messages, events, states

    def publish(self, channel: ChannelDefinition, name: str, value: object) -> None:
        self.check_open(name)
        self.messages.append(Message(name, self._converter.encode(value, channel.type, name=f"message to {name}")))

    def unread(self, kind: ChannelKind, name: str) -> int:
        """Return how many messages wait in a channel, those of this call included. Only an RPC is told."""
        if isinstance(self._request, StateRequest):
            raise RuntimeError(f"unread messages of {name!r} are asked for in a state, and only an RPC is told of them")
        sizes = self._request.signal_sizes if kind is ChannelKind.SIGNAL else self._request.internal_sizes
        published = sum(message.channel == name for message in self.messages) if kind is ChannelKind.INTERNAL else 0
        return sizes.get(name, 0) + published

    def record(self, name: str, value: object) -> None:
        self.check_open(name)
        self.events.append(Event(name, self._converter.encode(value, name=f"event {name}")))

    def start_states(self, decision: Decision) -> None:
        self.check_open("run.start")
        if self.started is None:
            raise RuntimeError("run.start is for RPCs; a state says what comes next by the decision it returns")
        self.started.append(decision)

    def check_open(self, name: str) -> None:
        if not self._open:
            raise LostWrite(f"{name!r} is written after the handler has returned, and would be lost")

    # The end

    def close(self) -> Writes:
        """End the call and return what it changed.

        Raises:
            LostWrite: a value was changed in place and not assigned.
            ConversionError: an assigned value was changed in place into one that does not fit.
        """
        self._open = False
        if not (self._held or self.messages or self.events):
            return NO_WRITES
        data: list[DataAttribute] = []
        search: list[SearchAttribute] = []
        for key, held in self._held.items():
            if not held.attribute.immutable and held.value is not ABSENT:
                self._look_again(key, held)
            if held.assigned:
                data.append(DataAttribute(key, held.written))
                if held.attribute.index is not None:
                    value = None if held.value is ABSENT else search_value(held.value, held.attribute.index, name=key)
                    search.append(SearchAttribute(key, held.attribute.index, value))
        return Writes(tuple(data), tuple(search), tuple(self.messages), tuple(self.events))

    def _look_again(self, key: str, held: _Held) -> None:
        attribute = held.attribute
        written = self._converter.encode(held.value, attribute.type, name=key)
        if written == held.written:
            return
        if held.assigned:
            held.written = written
            return
        # Another writer may have written the same value with other spaces, or an older class with other keys.
        before = self._converter.decode(held.written, attribute.type, name=key)
        if self._converter.encode(before, attribute.type, name=key) != written:
            raise LostWrite(
                f"attribute {key!r} was changed in place and not assigned, so the change would be lost; assign it: self.{attribute.member} = …"
            )


def invocation_of(instance: Bound) -> Invocation | None:
    """Return the call a copy of an author's instance is bound to; ``None`` outside a handler."""
    found = instance.__dict__.get(INVOCATION)
    return found if isinstance(found, Invocation) else None
