"""A workflow's letter boxes, declared in its class."""

from __future__ import annotations

from typing import Generic, Self, TypeVar, overload

from perdure.authoring.definition import ChannelDefinition
from perdure.authoring.invocation import Bound, Invocation, invocation_of
from perdure.authoring.waiting import EVERYTHING, Take, Takeable
from perdure.model.conditions import ChannelKind

T = TypeVar("T")


class AnyInbox(Takeable):
    """A letter box, whatever its letters hold; by itself a condition: one message is there."""

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name
        self.member = ""
        self._invocation: Invocation | None = None
        self._within: str | None = None

    def __set_name__(self, owner: type, member: str) -> None:
        if not self.member:
            self.member = member

    @property
    def channel(self) -> str:
        """Its name in the store."""
        return self._within or self.name or self.member

    def take(self, count: int = 1, *, at_most: int | None = None) -> Take:
        """Wait for *count* messages, and take as many, or up to *at_most* if more are there."""
        return Take(self, count, at_most)

    def drain(self, at_least: int = 1) -> Take:
        """Wait for *at_least* messages, and take all that are there."""
        return Take(self, at_least, EVERYTHING)

    def unread(self) -> int:
        """Return how many messages nobody has taken yet. Only an RPC is told."""
        invocation, _ = self._bound("unread")
        return invocation.unread(self.kind, self.channel)

    def bound_to(self, invocation: Invocation) -> Self:
        bound = object.__new__(type(self))
        bound.name, bound.member, bound._within = self.name, self.member, self._within
        bound._invocation = invocation
        return bound

    def within(self, channel: str) -> Self:
        """Return one channel of a map."""
        inner = object.__new__(type(self))
        inner.name, inner.member, inner._invocation = self.name, self.member, self._invocation
        inner._within = channel
        return inner

    def _bound(self, what: str) -> tuple[Invocation, ChannelDefinition]:
        if self._invocation is None:
            raise RuntimeError(f"{self.member}.{what}() is for handlers; outside, use a handle of the client")
        return self._invocation, self._invocation.definition.channels[self.member]


class Inbox(AnyInbox, Generic[T]):
    """A letter box whose letters hold a ``T``: what ``met[…]`` and waits take."""

    def __get__(self, instance: Bound | None, owner: type) -> Self:
        invocation = None if instance is None else invocation_of(instance)
        return self if invocation is None else self.bound_to(invocation)


class Channel(Inbox[T]):
    """Messages from states, RPCs and clients: ``verified: Channel[None] = Channel()``.

    A message stays until a state takes it, whether or not one waits yet.
    """

    @overload
    def publish(self: Channel[None]) -> None: ...

    @overload
    def publish(self, value: T) -> None: ...

    def publish(self, value: object = None) -> None:
        """Send a message, with everything else the handler does, once it returns."""
        invocation, definition = self._bound("publish")
        invocation.publish(definition, self.channel, value)


class Signal(Inbox[T]):
    """Messages from outside only, in iWF's separate space of signal channels.

    For workflows that foreign iWF clients signal; where all callers are your own, use a ``Channel``.
    """

    kind = ChannelKind.SIGNAL
