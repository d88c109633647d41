from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perdure import Channel, Condition, Wait, after, all_of, any_combination_of, any_of, at
from perdure.authoring.waiting import EVERYTHING, modelled
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, WaitMode
from tests.authoring.onboarding import Onboarding


def test_a_condition_alone_is_waited_for() -> None:
    made = modelled(Onboarding.verified)
    assert made.mode is WaitMode.ALL
    assert made.conditions == (ChannelCondition("verified", ChannelKind.INTERNAL, "verified", 1, None),)


def test_conditions_are_called_by_their_names() -> None:
    made = modelled(any_of(Onboarding.letters.take(2), Onboarding.stopped, after(1.5, name="remind"), after(3)))
    assert made.mode is WaitMode.ANY
    assert made.conditions == (
        ChannelCondition("mail", ChannelKind.INTERNAL, "mail", 2, None),
        ChannelCondition("stopped", ChannelKind.SIGNAL, "stopped", 1, None),
        TimerCondition("remind", duration_ms=1_500),
        TimerCondition("timer", duration_ms=3_000),
    )


def test_counts_are_bounds() -> None:
    made = modelled(all_of(Onboarding.letters.take(1, at_most=3), Onboarding.letters.drain()))
    bounds = [(c.id, c.at_least, c.at_most) for c in made.conditions if isinstance(c, ChannelCondition)]
    assert bounds == [("mail", 1, 3), ("mail-2", 1, EVERYTHING)]


def test_combinations_share_their_conditions() -> None:
    deadline = after(60)
    made = modelled(any_combination_of([Onboarding.verified, deadline], [Onboarding.verified, Onboarding.letters]))
    assert [condition.id for condition in made.conditions] == ["verified", "timer", "mail"]
    assert made.combinations == (("verified", "timer"), ("verified", "mail"))
    assert made.problem() is None


def test_timers_are_in_whole_milliseconds_and_never_early() -> None:
    made = modelled(any_of(after(timedelta(microseconds=1)), at(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC))))
    assert made.conditions == (
        TimerCondition("timer", duration_ms=1),
        TimerCondition("timer-2", at_ms=1_767_225_600_001),
    )


def test_nothing_to_wait_for_is_met_at_once() -> None:
    assert modelled(all_of()).conditions == ()


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        (any_of(), "any_of\\(\\) is empty"),
        (any_of(after(1, name="a"), after(2, name="a")), "two conditions are called 'a'"),
        (any_combination_of(), "combination"),
        (all_of(Onboarding.letters.take(-1)), "atLeast of channel 'mail' is -1"),
        (all_of(Onboarding.letters.take(3, at_most=2)), "atMost of channel 'mail' is 2"),
    ],
)
def test_what_nobody_can_wait_for_is_refused(wait: Wait, told: str) -> None:
    if told == "combination":
        assert modelled(wait).conditions == ()
        return
    with pytest.raises(ValueError, match=told):
        modelled(wait)


@pytest.mark.parametrize("wait", [None, 3, "verified", all_of(timedelta(1))])  # type: ignore[arg-type]  # that is the test
def test_what_is_no_condition_is_refused(wait: object) -> None:
    with pytest.raises(TypeError, match="expected a channel, after"):
        modelled(wait)


def test_a_map_is_no_channel() -> None:
    with pytest.raises(TypeError, match=r"found channel map 'rooms', expected one of its channels: rooms\[key\]"):
        modelled(Onboarding.rooms)
    assert [condition.id for condition in modelled(Onboarding.rooms["a"]).conditions] == ["rooms/a"]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        at(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the test


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(ValueError, match="expected no less than 0"):
        after(-1)


def test_a_channel_is_a_condition() -> None:
    channel: Condition = Channel[int]()
    assert modelled(any_of(channel)).mode is WaitMode.ANY
