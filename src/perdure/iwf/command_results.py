"""What a wait found: one result for each command, in the order of the commands of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perdure.iwf.errors import NotRegisteredError, WorkflowDefinitionError
from perdure.iwf.iwf_api.models.choices import ChannelRequestStatus, TimerStatus
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.type_store import TypeStore
from perdure.model.calls import StateCall
from perdure.model.conditions import ChannelKind, ChannelResult, TimerResult


@dataclass
class TimerCommandResult:
    status: TimerStatus
    command_id: str


@dataclass
class InternalChannelCommandResult:
    channel_name: str
    value: Any
    status: ChannelRequestStatus
    command_id: str


@dataclass
class SignalChannelCommandResult:
    channel_name: str
    value: Any
    status: ChannelRequestStatus
    command_id: str


@dataclass
class CommandResults:
    timer_commands: list[TimerCommandResult]
    internal_channel_commands: list[InternalChannelCommandResult]
    signal_channel_commands: list[SignalChannelCommandResult]
    wait_until_api_succeeded: bool | None = None
    """``None`` where there was no ``wait_until`` to call."""


def results_of(
    call: StateCall,
    *,
    internal_types: TypeStore,
    signal_types: Mapping[str, object],
    encoder: ObjectEncoder,
) -> CommandResults:
    """Open what a state's wait found.

    Raises:
        WorkflowDefinitionError: an internal channel is not declared.
    """
    if call.results is None and not call.wait_until_failed:
        return CommandResults([], [], [])
    results = CommandResults([], [], [], wait_until_api_succeeded=not call.wait_until_failed)
    for found in call.results or ():
        if isinstance(found, TimerResult):
            status = TimerStatus.FIRED if found.fired else TimerStatus.SCHEDULED
            results.timer_commands.append(TimerCommandResult(status, found.id))
        elif found.kind is ChannelKind.SIGNAL:
            value = _value(found, signal_types.get(found.channel), encoder)
            results.signal_channel_commands.append(
                SignalChannelCommandResult(found.channel, value, _status(found), found.id)
            )
        else:
            value = _value(found, _internal_type(internal_types, found.channel), encoder)
            results.internal_channel_commands.append(
                InternalChannelCommandResult(found.channel, value, _status(found), found.id)
            )
    return results


def _internal_type(types: TypeStore, channel: str) -> object:
    try:
        return types.get_type(channel)
    except NotRegisteredError as error:
        raise WorkflowDefinitionError(f"InternalChannel channel_name is not defined {channel}") from error


def _value(found: ChannelResult, declared: object, encoder: ObjectEncoder) -> object:
    """Return the message; a native state of another worker may have taken several, and iWF knows of one."""
    return encoder.decode(found.values[0], declared) if found.values else None


def _status(found: ChannelResult) -> ChannelRequestStatus:
    return ChannelRequestStatus.RECEIVED if found.received else ChannelRequestStatus.WAITING
