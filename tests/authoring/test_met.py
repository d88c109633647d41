from __future__ import annotations

import pytest

from perdure import ConversionError, Met
from perdure.model.conditions import ChannelKind, ChannelResult, ConditionResult, TimerResult
from tests.authoring.onboarding import Onboarding, definition, sealed


def taken(channel: str, *texts: str | None, kind: ChannelKind = ChannelKind.INTERNAL) -> ChannelResult:
    return ChannelResult(channel, channel, kind, bool(texts), tuple(sealed(text) for text in texts))


def met(*results: ConditionResult) -> Met:
    return Met(definition(), results)


def test_channels_and_timers_are_asked_for_by_what_they_are() -> None:
    found = met(
        taken("verified", None), taken("mail"), TimerResult("remind", fired=True), TimerResult("timer", fired=False)
    )
    assert Onboarding.verified in found
    assert Onboarding.letters not in found
    assert "remind" in found
    assert "timer" not in found
    assert (found.timer, found.timers) == (True, ("remind",))
    assert not met().timer


def test_one_message_is_opened_by_the_channels_annotation() -> None:
    found = met(taken("mail", '"a"'), taken("rooms/x", "3"))
    assert found[Onboarding.letters] == "a"
    assert found[Onboarding.rooms["x"]] == 3
    assert Onboarding.rooms["y"] not in found


def test_several_messages_are_asked_for_as_several() -> None:
    found = met(taken("mail", '"a"'), taken("mail", '"b"', '"c"'))
    assert found.all(Onboarding.letters) == ("a", "b", "c")
    with pytest.raises(LookupError, match=r"3 messages of 'mail' were taken.*met\.all\(self\.letters\)"):
        _ = found[Onboarding.letters]


def test_no_message_is_told() -> None:
    assert met().all(Onboarding.letters) == ()
    with pytest.raises(LookupError, match=r"ask first: self\.letters in met"):
        _ = met()[Onboarding.letters]


def test_a_signal_and_a_channel_of_one_name_are_two() -> None:
    assert Onboarding.stopped not in met(taken("stopped", '"x"'))
    assert met(taken("stopped", '"x"', kind=ChannelKind.SIGNAL))[Onboarding.stopped] == "x"


def test_a_message_that_does_not_fit_is_told() -> None:
    with pytest.raises(ConversionError, match="message of mail: found int 3, expected str"):
        met(taken("mail", "3")).all(Onboarding.letters)


def test_it_says_what_it_holds() -> None:
    assert repr(met(taken("mail", '"a"'), TimerResult("t", fired=True))) == "<Met channels=['mail'] timers=['t']>"
