from datetime import timedelta

from perdure.iwf.command_request import (
    CommandRequest,
    InternalChannelCommand,
    SignalChannelCommand,
    TimerCommand,
    wait_of,
)
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, Wait, WaitMode


def test_both_spellings_of_a_timer_say_whole_seconds() -> None:
    assert TimerCommand.by_seconds(90) == TimerCommand("", 90)
    assert TimerCommand.timer_command_by_duration(timedelta(minutes=1.5, milliseconds=900)) == TimerCommand("", 90)
    assert TimerCommand.timer_command_by_duration(timedelta(hours=1), "t") == TimerCommand.by_seconds(3_600, "t")


def test_kinds_come_in_the_order_of_the_wire_and_keep_theirs() -> None:
    request = CommandRequest.for_any_command_completed(
        InternalChannelCommand.by_name("c"),
        SignalChannelCommand.by_name("s", "sid"),
        TimerCommand.by_seconds(5, "t"),
        InternalChannelCommand.by_name("d", "did"),
    )

    assert wait_of(request) == Wait(
        (
            TimerCondition("t", 5_000, whole_seconds=True),
            ChannelCondition("s", ChannelKind.SIGNAL, "sid"),
            ChannelCondition("c"),
            ChannelCondition("d", id="did"),
        ),
        WaitMode.ANY,
    )


def test_the_ways_to_wait() -> None:
    timer = TimerCommand.by_seconds(1, "t")

    assert wait_of(CommandRequest.empty()) == Wait()
    assert wait_of(CommandRequest.for_all_command_completed(timer)).mode is WaitMode.ALL
    combined = wait_of(CommandRequest.for_any_command_combination_completed([["t"], ["t", "t"]], timer))
    assert (combined.mode, combined.combinations) == (WaitMode.COMBINATION, (("t",), ("t", "t")))
