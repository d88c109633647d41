from collections.abc import Sequence

import pytest

from perdure.interpreter.waits import Channels, OpenWait
from perdure.model.conditions import (
    ChannelCondition,
    ChannelKind,
    ChannelResult,
    Condition,
    TimerCondition,
    TimerResult,
    Wait,
    WaitMode,
)
from perdure.model.value import EncodedValue
from perdure.testing import rule

SIGNAL = ChannelKind.SIGNAL
X, Y, Z = (EncodedValue(name) for name in "xyz")
NOW_MS = 10_750


def opened(*conditions: Condition, number: int = 1, wait: Wait | None = None) -> OpenWait:
    return OpenWait.begin(wait or Wait(conditions), number=number, state=number, now_ms=NOW_MS)


def signal(at_least: int = 1, at_most: int | None = None, channel: str = "c") -> ChannelCondition:
    return ChannelCondition(channel, SIGNAL, "", at_least, at_most)


def holding(
    channels: Channels, *waits: OpenWait, put: Sequence[EncodedValue] = ()
) -> list[tuple[EncodedValue | None, ...]]:
    """Register the waits, in turn, then put messages, then say what the first condition of each holds."""
    for wait in waits:
        channels.register(wait)
    for value in put:
        channels.put((SIGNAL, "c"), value)
    channels.match((SIGNAL, "c"))
    return [wait.taken[0] for wait in waits]


@rule("2.7")
@pytest.mark.parametrize(
    ("timer", "at_ms"),
    [
        (TimerCondition(duration_ms=500), NOW_MS + 500),
        (TimerCondition(duration_ms=2_000, whole_seconds=True), 12_000),
        (TimerCondition(at_ms=99), 99),
        (TimerCondition(duration_ms=500, at_ms=99), NOW_MS + 500),
        (TimerCondition(duration_ms=-5), NOW_MS - 5),
        (TimerCondition(), NOW_MS),
    ],
)
def test_the_moment_of_a_timer(timer: TimerCondition, at_ms: int) -> None:
    assert opened(timer).deadlines_ms == [at_ms]


@rule("2.4")
@pytest.mark.parametrize(
    ("mode", "combinations", "met", "over"),
    [
        (WaitMode.ALL, (), (0, 1), False),
        (WaitMode.ALL, (), (0, 1, 2), True),
        (WaitMode.ANY, (), (), False),
        (WaitMode.ANY, (), (2,), True),
        (WaitMode.COMBINATION, (("a", "b"),), (0,), False),
        (WaitMode.COMBINATION, (("a", "b"),), (0, 2), True),
        (WaitMode.COMBINATION, (("a", "a"),), (0, 2), False),
        (WaitMode.COMBINATION, (("a", "a"),), (0, 1), True),
        (WaitMode.COMBINATION, (("a", "a", "b"), ("b",)), (2,), True),
        (WaitMode.COMBINATION, ((),), (), True),
    ],
)
def test_when_a_wait_is_over(
    mode: WaitMode, combinations: tuple[tuple[str, ...], ...], met: tuple[int, ...], *, over: bool
) -> None:
    conditions = (ChannelCondition("c", id="a"), ChannelCondition("c", id="a"), TimerCondition("b", 5))
    wait = opened(wait=Wait(conditions, mode, combinations))
    for index in (*met, *met):  # twice is once
        wait.meet(index)
    assert wait.over is over


@pytest.mark.parametrize("mode", [*WaitMode, None])
def test_a_wait_for_nothing_is_over(mode: WaitMode | None) -> None:
    assert opened(wait=Wait((), mode)).over


@rule("1.16")
def test_a_timer_is_found_by_its_id_or_by_its_place_among_the_timers() -> None:
    wait = opened(signal(), TimerCondition("b"), signal(), TimerCondition("a"), TimerCondition("b"))
    assert [wait.timer_by_id("a"), wait.timer_by_id("b"), wait.timer_by_id("c")] == [3, 1, None]
    assert [wait.timer_by_index(place) for place in (0, 1, 2, 3, -1)] == [1, 3, 4, None, None]


@rule("2.6")
def test_results_come_in_the_order_of_the_conditions_the_unmet_among_them() -> None:
    wait, channels = opened(signal(), TimerCondition("t", 5), signal(channel="d")), Channels()
    holding(channels, wait, put=[X])
    assert wait.results() == (
        ChannelResult("", "c", SIGNAL, received=True, values=(X,)),
        TimerResult("t", fired=False),
        ChannelResult("", "d", SIGNAL, received=False),
    )


@rule("2.5")
def test_the_oldest_waiter_takes_what_it_needs_and_no_younger_one_passes_it() -> None:
    older, younger = opened(signal(at_least=2), number=1), opened(signal(), number=2)
    channels = Channels()
    assert holding(channels, older, younger, put=[X]) == [(), ()]
    assert holding(channels, put=[Y, Z]) == []
    assert [older.taken[0], younger.taken[0]] == [(X, Y), (Z,)]
    assert channels.all_empty


@rule("2.5")
def test_a_waiter_takes_as_many_as_it_may_of_what_is_there() -> None:
    channels = Channels()
    assert holding(channels, opened(signal(at_most=2)), put=[X, Y, Z]) == [(X, Y)]
    assert channels.sizes(SIGNAL) == {"c": 1}


@rule("2.5")
def test_when_it_ends_it_gets_what_more_it_may_have_unless_another_waits_for_it() -> None:
    channels, mine, other = Channels(), opened(signal(at_most=3)), opened(signal(at_least=3), number=2)
    holding(channels, mine, put=[X])
    channels.put((SIGNAL, "c"), Y)
    channels.register(other)
    channels.top_up(mine)
    assert mine.taken == [(X,)]
    channels.leave(other)
    channels.top_up(mine)
    assert mine.taken == [(X, Y)]


def test_leaving_a_line_says_where_others_stood_behind() -> None:
    channels, first, second = Channels(), opened(signal(2), signal(channel="d")), opened(signal(), number=2)
    holding(channels, first, second, put=[X])
    assert channels.leave(first) == [(SIGNAL, "c")]
    assert channels.match((SIGNAL, "c")) == [second]
    assert channels.leave(second) == []


def test_the_two_kinds_of_channel_are_apart() -> None:
    channels = Channels()
    channels.put((SIGNAL, "c"), X)
    assert channels.empty((ChannelKind.INTERNAL, "c"))
    assert not channels.empty((SIGNAL, "c"))
    assert channels.sizes(ChannelKind.INTERNAL) == {}


def test_unread_messages_come_back_as_they_were() -> None:
    channels, again = Channels(), Channels()
    for value in (X, None, Y):
        channels.put((SIGNAL, "c"), value)
    again.restore(channels.snapshot())
    assert again.snapshot() == channels.snapshot()
    assert not again.all_empty
    assert holding(again, opened(signal(3))) == [(X, None, Y)]


def test_an_open_wait_comes_back_as_it_was() -> None:
    wait = opened(signal(), TimerCondition("t", 5), TimerCondition("u", 9))
    holding(Channels(), wait, put=[X])
    wait.skipped[1] = True
    wait.meet(1)
    again = OpenWait.restore(wait.snapshot(), wait.state)
    assert again == wait
    again.meet(2)
    assert again.over


def test_what_is_unread_is_counted_by_channel() -> None:
    channels = Channels()
    channels.put((ChannelKind.SIGNAL, "mail"), None)

    assert channels.unread((ChannelKind.SIGNAL, "mail")) == 1
    assert channels.unread((ChannelKind.INTERNAL, "mail")) == 0
