"""What a wait has found, as the handler that waited sees it."""

from __future__ import annotations

from typing import TypeVar, cast

from perdure.authoring.channel import AnyInbox, Inbox
from perdure.authoring.converter import Converter
from perdure.authoring.definition import WorkflowDefinition
from perdure.model.conditions import ChannelKind, ChannelResult, ConditionResult, TimerResult
from perdure.model.value import EncodedValue

T = TypeVar("T")


class Met:
    """The conditions that were met: ``self.verified in met``, ``met[self.letters]``, ``"remind" in met``.

    More than one may be: a wait for any of several takes from every channel that is ready.
    """

    __slots__ = ("_converter", "_definition", "_messages", "timers", "wait_failed")

    timers: tuple[str, ...]
    """The names of the timers whose moment had come, or that were skipped; ``timer`` for one without a name."""
    wait_failed: bool
    """The wait could not be asked for, and the state goes on all the same (``proceed_without_wait``)."""

    def __init__(
        self, definition: WorkflowDefinition, results: tuple[ConditionResult, ...], *, wait_failed: bool = False
    ) -> None:
        self._definition = definition
        self._converter: Converter = definition.converter
        self._messages: dict[tuple[ChannelKind, str], tuple[EncodedValue | None, ...]] = {}
        timers: list[str] = []
        for result in results:
            if isinstance(result, TimerResult):
                if result.fired:
                    timers.append(result.id)
            elif result.received and result.values:
                self._add(result)
        self.timers = tuple(timers)
        self.wait_failed = wait_failed

    def _add(self, result: ChannelResult) -> None:
        place = (result.kind, result.channel)
        self._messages[place] = self._messages.get(place, ()) + result.values

    @property
    def timer(self) -> bool:
        """Whether the moment of a timer, any timer, had come."""
        return bool(self.timers)

    def __contains__(self, condition: AnyInbox | str) -> bool:
        """Say whether messages of this channel were taken, or the timer of this name fired."""
        if isinstance(condition, str):
            return condition in self.timers
        return (condition.kind, condition.channel) in self._messages

    def __getitem__(self, inbox: Inbox[T]) -> T:
        """Return the message that was taken.

        Raises:
            LookupError: there is none, or more than one; ``all`` returns several.
        """
        values = self.all(inbox)
        if len(values) == 1:
            return values[0]
        if not values:
            raise LookupError(f"no message of {inbox.channel!r} was taken; ask first: self.{inbox.member} in met")
        raise LookupError(
            f"{len(values)} messages of {inbox.channel!r} were taken, and one was asked for; take them all: met.all(self.{inbox.member})"
        )

    def all(self, inbox: Inbox[T]) -> tuple[T, ...]:
        """Return the messages that were taken, oldest first; none is ``()``."""
        values = self._messages.get((inbox.kind, inbox.channel), ())
        if not values:
            return ()
        declared = self._definition.channels[inbox.member].type
        name = f"message of {inbox.channel}"
        # The converter made them by the channel's annotation.
        return tuple(cast("T", self._converter.decode(value, declared, name=name)) for value in values)

    def __repr__(self) -> str:
        channels = sorted(channel for _, channel in self._messages)
        return f"<Met channels={channels} timers={list(self.timers)}>"
