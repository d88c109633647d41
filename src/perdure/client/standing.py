"""Why a run does not go on, in a sentence for whoever has waited for it in vain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from perdure.model.conditions import ChannelKind, TimerCondition, WaitMode
from perdure.model.progress import Awaited, CallProgress, RunProgress, Standing, StateProgress

STATES_TOLD = 3
"""Of more state executions only their number is told."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JOINED_BY = {WaitMode.ALL: " and ", WaitMode.ANY: " or ", WaitMode.COMBINATION: ", "}


def standing_of(progress: RunProgress) -> str:
    """Say what an open run waits for, those that fail first; empty where there is nothing to say."""
    if progress.quarantine is not None:
        return f"nothing happens to it any more: {progress.quarantine}"
    states = sorted(progress.states, key=lambda state: state.standing is not Standing.RETRYING)
    told = [_state(state) for state in states[:STATES_TOLD]]
    if len(states) > STATES_TOLD:
        told.append(f"and {len(states) - STATES_TOLD} more")
    if told:
        return "; ".join(told)
    if progress.begins_ms is not None:
        return f"it begins at {_moment(progress.begins_ms)}"
    return "no state of it is open: it idles until an RPC starts one, or it is stopped"


def _state(state: StateProgress) -> str:
    name = state.state_execution_id
    match state.standing:
        case Standing.RETRYING | Standing.CALLING:
            return f"{name}: {_call(state.call)}"
        case Standing.WAITING:
            open_ones = [_condition(awaited) for awaited in state.awaits if not awaited.met]
            return f"{name} waits for {_JOINED_BY[state.mode or WaitMode.ALL].join(open_ones)}"
        case Standing.LOCKING:
            return f"{name} waits for attributes that another call has locked"
        case Standing.HELD:
            return f"{name} is held back by a reset under way"


def _call(call: CallProgress | None) -> str:
    if call is None:
        return "its worker is being called"
    if call.next_ms is None:
        again = f", attempt {call.attempt}, after {call.errors[-1]}" if call.errors else ""
        return f"{call.method} is being called{again}"
    times = f"{call.attempt} times" if call.attempt > 1 else "once"
    last = f", at last with {call.errors[-1]}" if call.errors else ""
    return f"{call.method} has failed {times}{last}; it is tried again at {_moment(call.next_ms)}"


def _condition(awaited: Awaited) -> str:
    condition = awaited.condition
    if isinstance(condition, TimerCondition):
        name = f" {condition.id!r}" if condition.id else ""
        return f"the timer{name}" + ("" if awaited.due_ms is None else f" at {_moment(awaited.due_ms)}")
    kind = "the signal" if condition.kind is ChannelKind.SIGNAL else "the channel"
    count = "a message" if condition.at_least == 1 else f"{condition.at_least} messages"
    return f"{count} in {kind} {condition.channel!r}"


def _moment(at_ms: int) -> str:
    try:
        return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="seconds")
    except OverflowError:
        return f"{at_ms} ms after 1970"
