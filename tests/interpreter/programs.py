"""Random programs: what happens to a run, and what its worker answers, all decided by one number.

Small words (three states, two channel names, three keys), so that things meet often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar
from zlib import crc32

from perdure.interpreter.effects import Effect, Invoke
from perdure.interpreter.events import (
    AttributesSet,
    CallExhausted,
    CallRejected,
    CallSucceeded,
    ConfigUpdated,
    DeadlinePassed,
    Event,
    MessagesPublished,
    RpcClosed,
    RpcOpened,
    RpcWrote,
    SignalReceived,
    Started,
    Stopped,
    TimerSkipped,
)
from perdure.interpreter.execution import Execution
from perdure.interpreter.refusal import Refusal, RefusalKind
from perdure.interpreter.snapshot import Snapshot
from perdure.model.attributes import (
    DataAttribute,
    Loading,
    LoadingPolicy,
    SearchAttribute,
    SearchAttributeType,
)
from perdure.model.calls import ExecuteAnswer, Failure, RpcAnswer, StateMethod, WaitUntilAnswer, Writes
from perdure.model.conditions import ChannelCondition, ChannelKind, Condition, TimerCondition, Wait, WaitMode
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import CallId, RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import (
    CallOptions,
    ExecutingStatesMode,
    RetryPolicy,
    StartOptions,
    StateOptions,
    WorkflowConfig,
)
from perdure.model.outcome import StopKind
from perdure.model.requests import StartRequest, TimerRef
from perdure.model.value import EncodedValue, Message

STATES = (StateId("A"), StateId("B"), StateId("C"))
CHANNELS = ("x", "y")
KEYS = ("k", "l", "m")
NAMES = ("", "a", "b", "c")
RUN = RunId("run-1")
BEGIN_MS = 1_000_400
"""Not a whole second, so that cutting the fraction off shows."""

_T = TypeVar("_T")


class Dice(Random):
    """Chance with a few more words."""

    def chance(self, share: float) -> bool:
        return self.random() < share

    def one(self, of: Sequence[_T]) -> _T:
        return of[int(self.random() * len(of))]

    def some(self, of: Sequence[_T], most: int) -> tuple[_T, ...]:
        return tuple([self.one(of) for _ in range(int(self.random() * (most + 1)))])

    def up_to(self, most: int) -> int:
        return int(self.random() * (most + 1))


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was about to happen, and what came of it."""

    event: Event
    now_ms: int
    refusal: Refusal | None
    handled: bool
    """A refused event is not, but for some skips: a reset hands over what was once accepted."""
    effects: tuple[Effect, ...]
    deadline_ms: int | None
    after: Snapshot


@dataclass(slots=True)
class Story:
    """One program, told to its end or to its last line."""

    program: int
    steps: list[Step] = field(default_factory=list)

    @property
    def happened(self) -> list[Step]:
        return [step for step in self.steps if step.handled]


def tell(program: int, *, lines: int = 24) -> Story:
    """Let a program run: *lines* events at most, the first of them its start."""
    return _Teller(program).tell(lines)


class Author:
    """A worker that decides every answer by the program's number and the call, whenever it is asked."""

    def __init__(self, program: int) -> None:
        self._program = program
        dice = Dice(program)
        self._options = [StateOptions(), *(_options(dice) for _ in range(4))]

    def answer(self, invoke: Invoke) -> Event:
        call = invoke.call
        dice = Dice(crc32(f"{self._program} {call.state_execution_id} {call.method}".encode()))
        if dice.chance(0.08):
            return CallExhausted(invoke.call_id, Failure("ValueError: no"))
        if dice.chance(0.004):
            return CallRejected(invoke.call_id, "never")
        label = f"{call.state_execution_id}.{call.method}"
        writes = _writes(dice, label)
        if call.method is StateMethod.WAIT_UNTIL:
            notes = tuple(DataAttribute("note", EncodedValue(label)) for _ in range(dice.up_to(1)))
            return CallSucceeded(invoke.call_id, WaitUntilAnswer(_wait(dice), writes, notes))
        return CallSucceeded(invoke.call_id, ExecuteAnswer(self._decision(dice, label), writes))

    def movements(self, dice: Dice, label: str, most: int) -> tuple[Movement, ...]:
        return tuple([self._movement(dice, label) for _ in range(dice.up_to(most))])

    def start(self, dice: Dice) -> Started:
        timeout_ms = dice.up_to(4_000) if dice.chance(0.2) else 0
        options = StartOptions(
            timeout_ms=timeout_ms,
            wait_for_states=frozenset(dice.some(STATES, 2)),
            wait_for_state_executions=frozenset(dice.some(("A-1", "B-1", "C-2"), 2)),
            config=_config(dice),
        )
        request = StartRequest(
            WorkflowId("ada"),
            WorkflowType("Signup"),
            None if dice.chance(0.05) else self._movement(dice, "start"),
            options,
            _data(dice, "start"),
            _search(dice),
        )
        return Started(
            request,
            RUN,
            RUN,
            delay_ms=dice.up_to(300) if dice.chance(0.15) else 0,
            expires_at_ms=BEGIN_MS + timeout_ms if timeout_ms else None,
        )

    def _movement(self, dice: Dice, label: str) -> Movement:
        value = EncodedValue(label) if dice.chance(0.5) else None
        return Movement(dice.one(STATES), value, dice.one(self._options), "key" if dice.chance(0.1) else None)

    def _decision(self, dice: Dice, label: str) -> Decision:
        close_if_empty = None
        if dice.chance(0.15):
            check = None if dice.chance(0.03) else dice.one(tuple(EmptyCheck))
            close_if_empty = CloseIfEmpty(check, dice.one(CHANNELS), _output(dice, label))
        if dice.chance(0.25):
            kinds = (*(ClosingKind.DEAD_END,) * 5, *(ClosingKind.GRACEFUL_COMPLETE,) * 4, *tuple(ClosingKind))
            closing = Closing(dice.one(kinds), _output(dice, label))
            beside = self.movements(dice, label, 1) if dice.chance(0.1) else ()
            return Decision((closing, *beside), close_if_empty)
        return Decision((self._movement(dice, label), *self.movements(dice, label, 1)), close_if_empty)


class _Teller:
    """Picks what happens next, as clients, workers and clocks might."""

    def __init__(self, program: int) -> None:
        self._dice = Dice(program * 2 + 1)
        self._author = Author(program)
        self._execution = Execution()
        self._story = Story(program)
        self._now_ms = BEGIN_MS
        self._sent = 0
        self._answers: list[Event] = []

    def tell(self, lines: int) -> Story:
        self._happen(self._author.start(self._dice))
        while len(self._story.steps) < lines:
            self._happen(self._next())
            if self._execution.closed and self._dice.chance(0.5):
                break
        return self._story

    def _happen(self, event: Event) -> None:
        execution = self._execution
        refusal = execution.refuse(event)
        # A reset hands skips over without asking.
        handled = refusal is None or (refusal.kind is RefusalKind.NO_TIMER and self._dice.chance(0.5))
        effects = tuple(execution.handle(event, self._now_ms)) if handled else ()
        if isinstance(event, CallSucceeded | CallExhausted | CallRejected) and handled:
            self._answers.append(event)
        before = self._story.steps[-1].after if self._story.steps else None
        after = execution.snapshot() if handled or before is None else before
        self._story.steps.append(
            Step(event, self._now_ms, refusal, handled, effects, execution.next_deadline_ms(), after)
        )

    def _next(self) -> Event:
        dice = self._dice
        if dice.chance(0.03):
            self._now_ms -= dice.up_to(2_000)  # clocks are set
        else:
            self._now_ms += dice.up_to(60)
        calls = self._execution.outstanding()
        if calls and dice.chance(0.55):
            return self._author.answer(dice.one(calls))
        return _HAPPENINGS[int(dice.random() * len(_HAPPENINGS))](self)

    def _label(self) -> str:
        self._sent += 1
        return f"#{self._sent}"

    def _late_answer(self) -> Event:
        dice = self._dice
        if self._answers and dice.chance(0.8):
            return dice.one(self._answers)
        return CallExhausted(CallId(99), Failure("of a call that never was"))

    def _signal(self) -> Event:
        value = None if self._dice.chance(0.05) else EncodedValue(self._label())
        return SignalReceived(self._dice.one(CHANNELS), value)

    def _publish(self) -> Event:
        return MessagesPublished(_messages(self._dice, self._label(), 3))

    def _rpc_answer(self) -> RpcAnswer:
        dice, label = self._dice, self._label()
        return RpcAnswer(None, _writes(dice, label), self._author.movements(dice, label, 1))

    def _rpc(self) -> Event:
        return RpcWrote(self._rpc_answer())

    def _open_rpc(self) -> Event:
        dice = self._dice
        number = self._execution.next_rpc_number - (1 if dice.chance(0.1) else 0)
        return RpcOpened(number, dice.some(KEYS, 2), dice.some(KEYS, 1))

    def _close_rpc(self) -> Event:
        dice, numbers = self._dice, self._execution.open_rpcs
        number = dice.one(numbers) if numbers and dice.chance(0.9) else 1
        return RpcClosed(number, None if dice.chance(0.3) else self._rpc_answer())

    def _skip(self) -> Event:
        """Of a timer that waits, of one that may come to wait, or of nothing."""
        dice = self._dice
        waits = [state for state in self._story.steps[-1].after.states if state.wait is not None or dice.chance(0.3)]
        execution = dice.one(waits).id if waits else StateExecutionId(f"{dice.one(STATES)}-1")
        name = dice.one(NAMES)
        index = dice.up_to(2) if dice.chance(0.9) else None
        return TimerSkipped(TimerRef(execution, name or None, index))

    def _deadline(self) -> Event:
        at_ms = self._execution.next_deadline_ms()
        if at_ms is not None and self._dice.chance(0.9):
            self._now_ms = at_ms + self._dice.one((0, 0, 0, -1, 70))
        return DeadlinePassed()

    def _attributes(self) -> Event:
        return AttributesSet(_data(self._dice, self._label()), _search(self._dice))

    def _configure(self) -> Event:
        return ConfigUpdated(_config(self._dice))

    def _stop(self) -> Event:
        if self._dice.chance(0.85):
            return self._signal()
        return Stopped(self._dice.one(tuple(StopKind)), "enough")

    def _begin_again(self) -> Event:
        return self._author.start(self._dice)


_HAPPENINGS = (
    *(_Teller._signal,) * 7,
    *(_Teller._publish,) * 5,
    *(_Teller._deadline,) * 8,
    *(_Teller._skip,) * 5,
    *(_Teller._open_rpc,) * 5,
    *(_Teller._close_rpc,) * 5,
    *(_Teller._rpc,) * 4,
    *(_Teller._late_answer,) * 3,
    *(_Teller._attributes,) * 2,
    _Teller._configure,
    _Teller._stop,
    _Teller._begin_again,
)
"""How often each happens, beside the answers."""


def _output(dice: Dice, label: str) -> EncodedValue | None:
    return EncodedValue(f"{label}.output") if dice.chance(0.6) else None


def _messages(dice: Dice, label: str, most: int) -> tuple[Message, ...]:
    """Each value once in a whole program, so that messages can be counted; some have none."""
    return tuple(
        Message(dice.one(CHANNELS), None if dice.chance(0.05) else EncodedValue(f"{label}.{number}"))
        for number in range(dice.up_to(most))
    )


def _data(dice: Dice, label: str) -> tuple[DataAttribute, ...]:
    return tuple(DataAttribute(key, EncodedValue(label)) for key in dice.some(KEYS, 2))


def _search(dice: Dice) -> tuple[SearchAttribute, ...]:
    return tuple(SearchAttribute(key, SearchAttributeType.INT, dice.up_to(9)) for key in dice.some(KEYS, 1))


def _writes(dice: Dice, label: str) -> Writes:
    messages = _messages(dice, label, 3) if dice.chance(0.4) else ()
    if not dice.chance(0.4):
        return Writes(messages=messages)
    return Writes(_data(dice, label), _search(dice), messages)


def _config(dice: Dice) -> WorkflowConfig:
    mode = dice.one((None, *ExecutingStatesMode))
    return WorkflowConfig(mode, dice.up_to(9) if dice.chance(0.3) else None, optimize_timer=dice.one((None, True)))


def _loading(dice: Dice) -> LoadingPolicy:
    locks = dice.some(KEYS, 2) if dice.chance(0.4) else None
    if dice.chance(0.5):
        return LoadingPolicy(locks=locks)
    return LoadingPolicy(dice.one(tuple(Loading)), dice.some(KEYS, 2), dice.chance(0.3), locks)


def _call_options(dice: Dice) -> CallOptions:
    retry = RetryPolicy(maximum_duration_ms=dice.up_to(9_000)) if dice.chance(0.3) else RetryPolicy()
    return CallOptions(1_000 * (1 + dice.up_to(5)), retry, _loading(dice), _loading(dice))


def _options(dice: Dice) -> StateOptions:
    recover = dice.chance(0.5)
    return StateOptions(
        skip_wait_until=dice.chance(0.4),
        wait_until=_call_options(dice),
        execute=_call_options(dice),
        proceed_on_wait_until_failure=dice.chance(0.5),
        recover_state_id=dice.one(STATES) if recover else None,
        recover_options=StateOptions(skip_wait_until=True) if recover and dice.chance(0.5) else None,
    )


def _wait(dice: Dice) -> Wait:
    mode = dice.one(tuple(WaitMode))
    names = NAMES[1:] if mode is WaitMode.COMBINATION else NAMES
    conditions = tuple([_condition(dice, dice.one(names)) for _ in range(dice.up_to(4))])
    if mode is not WaitMode.COMBINATION or not conditions:
        return Wait(conditions, mode)
    present = tuple(condition.id for condition in conditions)
    combinations = tuple(dice.some(present, 3) for _ in range(1 + dice.up_to(1)))
    return Wait(conditions, mode, combinations)


def _condition(dice: Dice, name: str) -> Condition:
    if dice.chance(0.3):
        return _timer(dice, name)
    at_least = dice.one((0, 1, 1, 1, 1, 2, 3))
    at_most = at_least + dice.up_to(3) if dice.chance(0.4) else None
    return ChannelCondition(dice.one(CHANNELS), dice.one(tuple(ChannelKind)), name, at_least, at_most)


def _timer(dice: Dice, name: str) -> TimerCondition:
    duration_ms = dice.up_to(400) - 20 if dice.chance(0.8) else None
    at_ms = BEGIN_MS + dice.up_to(1_000) if dice.chance(0.4) else None
    return TimerCondition(name, duration_ms, at_ms, whole_seconds=dice.chance(0.2))
