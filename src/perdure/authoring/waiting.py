"""What a state waits until."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from perdure.authoring.duration import Duration, milliseconds
from perdure.model import conditions as model

EVERYTHING = 2**31 - 1
"""More messages than a channel can hold: iWF's wire counts in 32 bits."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Timer:
    """A moment. Never early, and late only by what the engine needs."""

    duration_ms: int | None
    at_ms: int | None
    name: str | None


class Takeable:
    """What messages can be taken from; by itself the condition that one is there."""

    kind: model.ChannelKind = model.ChannelKind.INTERNAL
    is_map: bool = False
    member: str

    @property
    def channel(self) -> str:
        """Its name in the store."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Take:
    """Messages of a channel, so many of them."""

    inbox: Takeable
    at_least: int = 1
    at_most: int | None = None


Condition = Timer | Take | Takeable


@dataclass(frozen=True, slots=True)
class Wait:
    """Conditions, and when they are enough. Made by ``any_of`` and its kin."""

    mode: model.WaitMode
    groups: tuple[tuple[Condition, ...], ...]
    """One group; for a wait for combinations, one for each."""


def after(duration: Duration, *, name: str | None = None) -> Timer:
    """Be met once this long has passed since the wait began."""
    duration_ms = milliseconds(duration)
    if duration_ms < 0:
        raise ValueError(f"after({duration!r}): expected no less than 0")
    return Timer(duration_ms, None, name)


def at(moment: datetime, *, name: str | None = None) -> Timer:
    """Be met once this moment has come; at once if it is past."""
    if moment.tzinfo is None:
        raise ValueError(
            f"at({moment!r}): found a datetime without a time zone, expected one with; for UTC: {moment!r}.replace(tzinfo=UTC)"
        )
    return Timer(None, -(-(moment - _EPOCH) // _MILLISECOND), name)


def any_of(*conditions: Condition) -> Wait:
    """Wait until one of them is met. Every channel that is ready then is taken from, not only one."""
    return Wait(model.WaitMode.ANY, (conditions,))


def all_of(*conditions: Condition) -> Wait:
    """Wait until all of them are met; with none, not at all."""
    return Wait(model.WaitMode.ALL, (conditions,))


def any_combination_of(*combinations: list[Condition] | tuple[Condition, ...]) -> Wait:
    """Wait until all conditions of one combination are met: ``any_combination_of([paid, sent], [refused])``."""
    return Wait(model.WaitMode.COMBINATION, tuple(tuple(combination) for combination in combinations))


def modelled(wait: object) -> model.Wait:
    """Return the model's words for a wait or for a single condition.

    Raises:
        TypeError: it is neither.
        ValueError: nobody can wait for it; the message says why.
    """
    whole = wait if isinstance(wait, Wait) else all_of(wait)  # type: ignore[arg-type]  # looked at below, one by one
    places = _Places()
    groups = tuple(tuple(places.id_of(condition) for condition in group) for group in whole.groups)
    combinations = groups if whole.mode is model.WaitMode.COMBINATION else ()
    made = model.Wait(tuple(places.made.values()), whole.mode, combinations)
    if whole.mode is model.WaitMode.ANY and not made.conditions:
        raise ValueError("any_of() is empty, and would never be met; name a condition")
    problem = made.problem()
    if problem is not None:
        raise ValueError(problem)
    return made


class _Places:
    """Gives each condition an id of its own: its name, numbered where that is taken."""

    def __init__(self) -> None:
        self.made: dict[str, model.Condition] = {}
        self._ids: dict[object, str] = {}

    def id_of(self, condition: object) -> str:
        match condition:
            case Timer():
                return self._timer(condition)
            case Take():
                return self._take(condition)
            case Takeable():
                return self._take(Take(condition))
            case _:
                raise TypeError(
                    f"found {condition!r}, expected a channel, after(…), at(…), or a wait made by any_of(…)"
                )

    def _timer(self, timer: Timer) -> str:
        known = self._ids.get(id(timer))
        if known is not None:
            return known
        if timer.name is not None and timer.name in self.made:
            raise ValueError(f"two conditions are called {timer.name!r}; give the timers names that differ")
        name = self._free(timer.name or "timer")
        self.made[name] = model.TimerCondition(name, timer.duration_ms, timer.at_ms)
        self._ids[id(timer)] = name
        return name

    def _take(self, take: Take) -> str:
        inbox = take.inbox
        if inbox.is_map:
            raise TypeError(f"found channel map {inbox.member!r}, expected one of its channels: {inbox.member}[key]")
        key = (inbox.kind, inbox.channel, take.at_least, take.at_most)
        known = self._ids.get(key)
        if known is not None:
            return known
        name = self._free(inbox.channel)
        self.made[name] = model.ChannelCondition(inbox.channel, inbox.kind, name, take.at_least, take.at_most)
        self._ids[key] = name
        return name

    def _free(self, name: str) -> str:
        if name not in self.made:
            return name
        number = 2
        while f"{name}-{number}" in self.made:
            number += 1
        return f"{name}-{number}"
