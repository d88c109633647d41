"""Waits under way, and the channels they take their messages from.

iWF 2.5: every condition on a channel is a waiter of its own, and the oldest waiter takes what it
needs as soon as it is there, before its wait as a whole is met, and keeps it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from perdure.interpreter.snapshot import ChannelSnapshot, WaitSnapshot
from perdure.model.conditions import (
    ChannelCondition,
    ChannelKind,
    ChannelResult,
    ConditionResult,
    TimerCondition,
    TimerResult,
    Wait,
    WaitMode,
)
from perdure.model.value import EncodedValue

ChannelName = tuple[ChannelKind, str]
Taken = tuple[EncodedValue | None, ...]


@dataclass(slots=True)
class OpenWait:
    """A wait under way. Its lists go with the wait's conditions, one for one."""

    wait: Wait
    number: int
    state: int
    """The number of the state execution that waits."""
    deadlines_ms: list[int | None]
    met: list[bool]
    taken: list[Taken]
    skipped: list[bool]
    met_count: int = 0

    @classmethod
    def begin(cls, wait: Wait, *, number: int, state: int, now_ms: int) -> OpenWait:
        count = len(wait.conditions)
        deadlines = [_moment_ms(c, now_ms) if isinstance(c, TimerCondition) else None for c in wait.conditions]
        return cls(wait, number, state, deadlines, [False] * count, [()] * count, [False] * count)

    @classmethod
    def restore(cls, snapshot: WaitSnapshot, state: int) -> OpenWait:
        return cls(
            snapshot.wait,
            snapshot.number,
            state,
            list(snapshot.deadlines_ms),
            list(snapshot.met),
            list(snapshot.taken),
            list(snapshot.skipped),
            sum(snapshot.met),
        )

    def snapshot(self) -> WaitSnapshot:
        return WaitSnapshot(
            self.wait, self.number, tuple(self.deadlines_ms), tuple(self.met), tuple(self.taken), tuple(self.skipped)
        )

    def meet(self, index: int) -> None:
        if not self.met[index]:
            self.met[index] = True
            self.met_count += 1

    @property
    def over(self) -> bool:
        """Whether enough conditions are met for the state to go on (iWF 2.4)."""
        conditions = self.wait.conditions
        match self.wait.mode:
            case WaitMode.ALL:
                return self.met_count == len(conditions)
            case WaitMode.ANY:
                return self.met_count > 0 or not conditions
            case _ if not conditions:
                return True
            case _:
                ids = Counter(c.id for c, met in zip(conditions, self.met, strict=True) if met)
                return any(Counter(wanted) <= ids for wanted in self.wait.combinations)

    def results(self) -> tuple[ConditionResult, ...]:
        return tuple(self._result(index) for index in range(len(self.met)))

    def _result(self, index: int) -> ConditionResult:
        condition = self.wait.conditions[index]
        if isinstance(condition, TimerCondition):
            return TimerResult(condition.id, self.met[index])
        return ChannelResult(condition.id, condition.channel, condition.kind, self.met[index], self.taken[index])

    def timer_by_id(self, timer_id: str) -> int | None:
        """Return the place, among all conditions, of the first timer of that id."""
        return next((index for index in self.timers if self.wait.conditions[index].id == timer_id), None)

    def timer_by_index(self, index: int) -> int | None:
        """Return the place, among all conditions, of a timer by its place among the timers."""
        places = self.timers
        return places[index] if 0 <= index < len(places) else None

    @property
    def timers(self) -> list[int]:
        """The places of the timers among all conditions."""
        return [index for index, condition in enumerate(self.wait.conditions) if isinstance(condition, TimerCondition)]


def _moment_ms(timer: TimerCondition, now_ms: int) -> int:
    """iWF 2.7: a duration wins over a moment; neither means at once."""
    if timer.duration_ms is not None:
        begin_ms = now_ms - now_ms % 1000 if timer.whole_seconds else now_ms
        return begin_ms + timer.duration_ms
    return now_ms if timer.at_ms is None else timer.at_ms


@dataclass(slots=True)
class _Channel:
    messages: deque[EncodedValue | None] = field(default_factory=deque)
    waiters: OrderedDict[tuple[int, int], OpenWait] = field(default_factory=OrderedDict)
    """By wait number and place of the condition: the oldest first."""
    undemanding: list[tuple[int, int]] = field(default_factory=list)
    """Those of them that need no message and have just come."""


class Channels:
    """Messages nobody has taken yet, and who waits for more."""

    def __init__(self) -> None:
        self._channels: dict[ChannelName, _Channel] = {}
        self._unread = 0

    def put(self, name: ChannelName, value: EncodedValue | None) -> None:
        self._channel(name).messages.append(value)
        self._unread += 1

    def empty(self, name: ChannelName) -> bool:
        channel = self._channels.get(name)
        return channel is None or not channel.messages

    def unread(self, name: ChannelName) -> int:
        channel = self._channels.get(name)
        return 0 if channel is None else len(channel.messages)

    @property
    def all_empty(self) -> bool:
        return not self._unread

    def sizes(self, kind: ChannelKind) -> dict[str, int]:
        return {name: len(c.messages) for (of, name), c in self._channels.items() if of is kind and c.messages}

    def register(self, wait: OpenWait) -> list[ChannelName]:
        """Line up the conditions of *wait* that are not met; return their channels, to be matched."""
        names = []
        for index, condition in enumerate(wait.wait.conditions):
            if isinstance(condition, ChannelCondition) and not wait.met[index]:
                name = (condition.kind, condition.channel)
                channel = self._channel(name)
                channel.waiters[wait.number, index] = wait
                if condition.at_least == 0:
                    channel.undemanding.append((wait.number, index))
                names.append(name)
        return names

    def match(self, name: ChannelName) -> list[OpenWait]:
        """Let waiters take what is there, the oldest first; return those whose condition is met now."""
        channel = self._channels.get(name)
        served: list[OpenWait] = []
        while channel and channel.waiters:
            key, wait = next(iter(channel.waiters.items()))
            index = key[1]
            condition = wait.wait.conditions[index]
            assert isinstance(condition, ChannelCondition)
            if len(channel.messages) < condition.at_least:
                break
            del channel.waiters[key]
            wait.taken[index] = self._take(channel, condition.most)
            wait.meet(index)
            served.append(wait)
        if channel and channel.undemanding:
            served += self._meet_undemanding(channel)
        self._forget_if_idle(name)
        return served

    def _meet_undemanding(self, channel: _Channel) -> list[OpenWait]:
        """Who needs no message never blocks: behind one who waits for more it is met with none."""
        served = []
        for key in channel.undemanding:
            wait = channel.waiters.pop(key, None)
            if wait is not None:
                wait.meet(key[1])
                served.append(wait)
        channel.undemanding.clear()
        return served

    def leave(self, wait: OpenWait) -> list[ChannelName]:
        """Take *wait* out of every line it still stands in; return where others may have stood behind it."""
        names = []
        for index, condition in enumerate(wait.wait.conditions):
            if isinstance(condition, ChannelCondition) and not wait.met[index]:
                name = (condition.kind, condition.channel)
                channel = self._channels[name]
                del channel.waiters[wait.number, index]
                if channel.waiters and channel.messages:
                    names.append(name)
                self._forget_if_idle(name)
        return names

    def dismiss(self) -> None:
        """Forget who waits; messages stay, to be read."""
        for name, channel in list(self._channels.items()):
            channel.waiters.clear()
            channel.undemanding.clear()
            self._forget_if_idle(name)

    def top_up(self, wait: OpenWait) -> None:
        """Give the conditions that may have more than they took what nobody waits for."""
        for index, condition in enumerate(wait.wait.conditions):
            if isinstance(condition, ChannelCondition) and wait.met[index]:
                name = (condition.kind, condition.channel)
                channel = self._channels.get(name)
                room = condition.most - len(wait.taken[index])
                if channel is not None and room > 0 and not channel.waiters:
                    wait.taken[index] += self._take(channel, room)
                    self._forget_if_idle(name)

    def snapshot(self) -> tuple[ChannelSnapshot, ...]:
        return tuple(
            ChannelSnapshot(kind, name, tuple(channel.messages))
            for (kind, name), channel in sorted(self._channels.items(), key=lambda item: item[0])
            if channel.messages
        )

    def restore(self, channels: Iterable[ChannelSnapshot]) -> None:
        for channel in channels:
            self._channel((channel.kind, channel.name)).messages.extend(channel.messages)
            self._unread += len(channel.messages)

    def _channel(self, name: ChannelName) -> _Channel:
        return self._channels.setdefault(name, _Channel())

    def _forget_if_idle(self, name: ChannelName) -> None:
        channel = self._channels.get(name)
        if channel and not channel.messages and not channel.waiters:
            del self._channels[name]

    def _take(self, channel: _Channel, most: int) -> Taken:
        taken = tuple([channel.messages.popleft() for _ in range(min(most, len(channel.messages)))])
        self._unread -= len(taken)
        return taken
