"""Short words for the long values that conversations with an execution are made of."""

from __future__ import annotations

from perdure.interpreter.effects import Close, Index, Invoke
from perdure.interpreter.events import CallExhausted, CallSucceeded, Started
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import (
    NO_WRITES,
    ExecuteAnswer,
    Failure,
    LoadedAttributes,
    RunContext,
    StateCall,
    StateMethod,
    WaitUntilAnswer,
    Writes,
)
from perdure.model.conditions import ChannelCondition, ChannelKind, Condition, ConditionResult, Wait, WaitMode
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, Movement
from perdure.model.ids import CallId, RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import DEFAULT_CALL_TIMEOUT_MS, RetryPolicy, StartOptions, StateOptions
from perdure.model.outcome import Outcome, RunErrorType, RunStatus, StateOutput
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue

RUN = RunId("run-1")
NOTHING = LoadedAttributes()
SKIP = StateOptions(skip_wait_until=True)
GRACEFUL, FORCE, FAIL, DEAD_END = (
    ClosingKind.GRACEFUL_COMPLETE,
    ClosingKind.FORCE_COMPLETE,
    ClosingKind.FORCE_FAIL,
    ClosingKind.DEAD_END,
)


def value(text: str) -> EncodedValue:
    return EncodedValue(text, "json")


def context(started_ms: int = 0) -> RunContext:
    return RunContext(WorkflowId("ada"), WorkflowType("Signup"), RUN, RUN, started_ms)


def start(
    first: Movement | None,
    *,
    options: StartOptions = StartOptions(),
    data: tuple[DataAttribute, ...] = (),
    search: tuple[SearchAttribute, ...] = (),
    delay_ms: int = 0,
    expires_at_ms: int | None = None,
) -> Started:
    request = StartRequest(WorkflowId("ada"), WorkflowType("Signup"), first, options, data, search)
    return Started(request, RUN, RUN, delay_ms=delay_ms, expires_at_ms=expires_at_ms)


def move(
    state: str, state_input: EncodedValue | None = None, options: StateOptions = SKIP, *, key: str | None = None
) -> Movement:
    """A movement to a state without a wait, unless options say otherwise."""
    return Movement(StateId(state), state_input, options, key)


def waiting(state: str, state_input: EncodedValue | None = None) -> Movement:
    """A movement to a state that has a wait_until."""
    return move(state, state_input, StateOptions())


def execute(
    number: int,
    execution: str,
    *,
    state_input: EncodedValue | None = None,
    results: tuple[ConditionResult, ...] | None = None,
    attributes: LoadedAttributes = NOTHING,
    **changes: int,
) -> Invoke:
    return _invoke(number, StateMethod.EXECUTE, execution, state_input, results, attributes, **changes)


def wait_until(number: int, execution: str, *, state_input: EncodedValue | None = None, **changes: int) -> Invoke:
    return _invoke(number, StateMethod.WAIT_UNTIL, execution, state_input, None, NOTHING, **changes)


def _invoke(
    number: int,
    method: StateMethod,
    execution: str,
    state_input: EncodedValue | None,
    results: tuple[ConditionResult, ...] | None,
    attributes: LoadedAttributes,
    *,
    limit_ms: int = 0,
    timeout_ms: int = DEFAULT_CALL_TIMEOUT_MS,
    started_ms: int = 0,
) -> Invoke:
    state = StateId(execution.rpartition("-")[0])
    call = StateCall(method, StateExecutionId(execution), state, state_input, attributes, results=results)
    return Invoke(CallId(number), context(started_ms), call, timeout_ms, RetryPolicy(), limit_ms)


def waits(
    number: int, *conditions: Condition, mode: WaitMode = WaitMode.ALL, writes: Writes = NO_WRITES
) -> CallSucceeded:
    return CallSucceeded(CallId(number), WaitUntilAnswer(Wait(conditions, mode), writes))


def goes(
    number: int, *steps: Movement | Closing, writes: Writes = NO_WRITES, if_empty: CloseIfEmpty | None = None
) -> CallSucceeded:
    return CallSucceeded(CallId(number), ExecuteAnswer(Decision(steps, if_empty), writes))


def gives_up(number: int, text: str = "ValueError: no") -> CallExhausted:
    return CallExhausted(CallId(number), Failure(text))


def signal(channel: str, name: str = "", *, at_least: int = 1, at_most: int | None = None) -> ChannelCondition:
    return ChannelCondition(channel, ChannelKind.SIGNAL, name, at_least, at_most)


def completed(*outputs: tuple[str, EncodedValue]) -> Close:
    return Close(Outcome(RunStatus.COMPLETED, _outputs(outputs) or None))


def failed(
    error_type: RunErrorType, message: str | None = None, results: tuple[StateOutput, ...] | None = None
) -> Close:
    return Close(Outcome(RunStatus.FAILED, results, error_type, message))


def _outputs(outputs: tuple[tuple[str, EncodedValue], ...]) -> tuple[StateOutput, ...]:
    return tuple(StateOutput(StateId(who.rpartition("-")[0]), StateExecutionId(who), what) for who, what in outputs)


def executing(*states: str) -> Index:
    return Index((SearchAttribute("IwfExecutingStateIds", SearchAttributeType.KEYWORD_ARRAY, states),))
