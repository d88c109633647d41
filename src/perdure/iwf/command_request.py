"""What a state waits until. iWF says *command* for a condition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from perdure.iwf.iwf_api.models.choices import CommandWaitingType
from perdure.iwf.iwf_api.models.values import CommandCombination
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, Wait, WaitMode


@dataclass
class TimerCommand:
    command_id: str
    duration_seconds: int

    @classmethod
    def by_seconds(cls, duration_seconds: int, command_id: str | None = None) -> TimerCommand:
        return cls(command_id or "", duration_seconds)

    @classmethod
    def timer_command_by_duration(cls, duration: timedelta, command_id: str | None = None) -> TimerCommand:
        """The name of ``by_seconds`` in the SDK's first releases. A fraction of a second is cut off."""
        return cls(command_id or "", int(duration.total_seconds()))


@dataclass
class InternalChannelCommand:
    command_id: str
    channel_name: str

    @classmethod
    def by_name(cls, channel_name: str, command_id: str | None = None) -> InternalChannelCommand:
        return cls(command_id or "", channel_name)


@dataclass
class SignalChannelCommand:
    command_id: str
    channel_name: str

    @classmethod
    def by_name(cls, channel_name: str, command_id: str | None = None) -> SignalChannelCommand:
        return cls(command_id or "", channel_name)


BaseCommand = TimerCommand | InternalChannelCommand | SignalChannelCommand


@dataclass
class CommandRequest:
    commands: list[BaseCommand]
    command_waiting_type: CommandWaitingType
    command_combinations: list[CommandCombination]

    @classmethod
    def for_any_command_completed(cls, *commands: BaseCommand) -> CommandRequest:
        return cls(list(commands), CommandWaitingType.ANY_COMPLETED, [])

    @classmethod
    def for_all_command_completed(cls, *commands: BaseCommand) -> CommandRequest:
        return cls(list(commands), CommandWaitingType.ALL_COMPLETED, [])

    @classmethod
    def for_any_command_combination_completed(
        cls, command_combinations_list: list[list[str]], *commands: BaseCommand
    ) -> CommandRequest:
        """Wait until every command of one of these lists of command ids is completed."""
        combinations = [CommandCombination(list(ids)) for ids in command_combinations_list]
        return cls(list(commands), CommandWaitingType.ANY_COMBINATION_COMPLETED, combinations)

    @classmethod
    def empty(cls) -> CommandRequest:
        """Wait for nothing: execute at once."""
        return cls([], CommandWaitingType.ALL_COMPLETED, [])


_MODES = {
    CommandWaitingType.ALL_COMPLETED: WaitMode.ALL,
    CommandWaitingType.ANY_COMPLETED: WaitMode.ANY,
    CommandWaitingType.ANY_COMBINATION_COMPLETED: WaitMode.COMBINATION,
}


def wait_of(request: CommandRequest) -> Wait:
    """Return the model's words. Timers come first, then signals, then internal channels, as on the wire."""
    commands = request.commands
    return Wait(
        conditions=(
            *(
                TimerCondition(command.command_id, command.duration_seconds * 1000, whole_seconds=True)
                for command in commands
                if isinstance(command, TimerCommand)
            ),
            *(
                ChannelCondition(command.channel_name, ChannelKind.SIGNAL, command.command_id)
                for command in commands
                if isinstance(command, SignalChannelCommand)
            ),
            *(
                ChannelCondition(command.channel_name, ChannelKind.INTERNAL, command.command_id)
                for command in commands
                if isinstance(command, InternalChannelCommand)
            ),
        ),
        mode=_MODES[request.command_waiting_type],
        combinations=tuple(tuple(combination.command_ids) for combination in request.command_combinations),
    )
