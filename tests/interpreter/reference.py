"""What a run should do, written down a second time: naive, quadratic, from the specification alone.

Everything is a list that is scanned until nothing moves any more. It shares the model's words with
the interpreter and not a line of its rules. It leaves out the texts of errors and the index.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from perdure.interpreter.events import (
    AttributesSet,
    CallExhausted,
    CallRejected,
    CallSucceeded,
    ConfigUpdated,
    DeadlinePassed,
    Event,
    MessagesPublished,
    Released,
    Resumed,
    RpcClosed,
    RpcOpened,
    RpcWrote,
    SignalReceived,
    Started,
    Stopped,
    TimerSkipped,
)
from perdure.interpreter.refusal import RefusalKind
from perdure.interpreter.snapshot import Phase
from perdure.model.attributes import DataAttribute, Loading, LoadingPolicy, SearchAttribute
from perdure.model.calls import ExecuteAnswer, RpcAnswer, StateMethod, WaitUntilAnswer, Writes
from perdure.model.conditions import ChannelCondition, ChannelKind, Condition, TimerCondition, Wait, WaitMode
from perdure.model.decisions import Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import CallId, StateExecutionId, StateId
from perdure.model.options import StateOptions
from perdure.model.outcome import RunErrorType, RunStatus, StopKind
from perdure.model.requests import StartRequest, TimerRef
from perdure.model.value import EncodedValue

Value = EncodedValue | None
Channel = tuple[ChannelKind, str]
Key = tuple[str, str]
"""The table and the key."""


class Result(NamedTuple):
    met: bool
    taken: tuple[Value, ...]


class Called(NamedTuple):
    """A call goes out."""

    call_id: CallId
    execution: StateExecutionId
    method: StateMethod
    results: tuple[Result, ...] | None
    data: tuple[DataAttribute, ...]
    search: tuple[SearchAttribute, ...]


class Abandoned(NamedTuple):
    call_id: CallId


class Completed(NamedTuple):
    execution: StateExecutionId
    key: str | None
    output: Value


class Closed(NamedTuple):
    status: RunStatus
    error_type: RunErrorType | None
    results: tuple[tuple[StateExecutionId, EncodedValue], ...] | None


Deed = Called | Abandoned | Completed | Closed


@dataclass(eq=False)
class _Need:
    """One condition of a wait."""

    condition: Condition
    at_ms: int = 0
    met: bool = False
    skipped: bool = False
    taken: list[Value] = field(default_factory=list)


@dataclass(eq=False)
class _State:
    id: StateExecutionId
    movement: Movement
    phase: Phase = Phase.LOCKING
    method: StateMethod = StateMethod.EXECUTE
    call_id: CallId | None = None
    holds_search: bool = False
    wait: Wait = field(default_factory=Wait)
    wait_number: int = 0
    needs: list[_Need] = field(default_factory=list)
    results: tuple[Result, ...] | None = None

    @property
    def waits(self) -> bool:
        return self.phase is Phase.WAITING


class Reference:
    """A run by the book. Tell it what happens and compare what it does."""

    def __init__(self) -> None:
        self.states: list[_State] = []
        """In the order they began."""
        self.channels: dict[Channel, list[Value]] = {}
        self.closed: Closed | None = None
        self.queued: list[Movement] = []
        self._request: StartRequest | None = None
        self._begins_at_ms: int | None = None
        self._expires_at_ms: int | None = None
        self._counts: Counter[StateId] = Counter()
        self._calls_made = self._waits_begun = self._rpcs_opened = 0
        self._rpcs: dict[int, list[Key]] = {}
        self._data: dict[str, DataAttribute] = {}
        self._search: dict[str, SearchAttribute] = {}
        self._outputs: list[tuple[StateExecutionId, EncodedValue]] = []
        self._completing = False
        self._skips: list[TimerRef] = []
        self._deeds: list[Deed] = []
        self._now_ms = 0

    # What others may know

    def deadline_ms(self) -> int | None:
        if self.closed:
            return None
        timers = [
            need.at_ms
            for state in self.states
            if state.waits
            for need in state.needs
            if isinstance(need.condition, TimerCondition) and not need.met
        ]
        own = [at_ms for at_ms in (self._begins_at_ms, self._expires_at_ms) if at_ms is not None]
        return min([*timers, *own], default=None)

    def refuse(self, event: Event) -> RefusalKind | None:
        match event:
            case TimerSkipped() if not self._may_skip(event.timer):
                return RefusalKind.NO_TIMER
            case _ if self.closed:
                return RefusalKind.CLOSED
            case Started() | Resumed():
                return RefusalKind.INVALID if self._request else None
            case CallSucceeded() | CallExhausted() | CallRejected():
                return None if any(state.call_id == event.call_id for state in self.states) else RefusalKind.STALE
            case RpcOpened():
                if event.number <= self._rpcs_opened or event.again:  # only a reset asks again
                    return RefusalKind.INVALID
                return RefusalKind.LOCKED if self._held() & set(_rpc_keys(event)) else None
            case RpcClosed():
                return None if event.number in self._rpcs else RefusalKind.STALE
            case _:
                return None

    def tell(self, event: Event, now_ms: int) -> list[Deed]:
        """Let *event* happen, which is not refused or is a skip; return what is done about it."""
        if self.closed:
            return []
        self._now_ms, self._deeds = now_ms, []
        self._apply(event)
        if not self.closed:
            self._settle()
        return self._deeds

    # What happens

    def _apply(self, event: Event) -> None:
        match event:
            case Started():
                self._request, self._expires_at_ms = event.request, event.expires_at_ms
                self._write(Writes(event.request.data, event.request.search))
                self.queued += [event.request.first] if event.request.first else []
                self._begins_at_ms = self._now_ms + event.delay_ms if event.delay_ms else None
            case CallSucceeded():
                self._answered(event)
            case CallExhausted():
                self._given_up(self._take_back(event.call_id))
            case CallRejected():
                self._take_back(event.call_id)
                self._end(RunStatus.FAILED, event.error_type)
            case SignalReceived():
                self._unread(ChannelKind.SIGNAL, event.channel).append(event.value)
            case MessagesPublished():
                self._write(Writes(messages=event.messages))
            case AttributesSet():
                self._write(Writes(event.data, event.search))
            case RpcWrote():
                self._rpc(event.answer)
            case RpcOpened():
                self._rpcs_opened = event.number
                self._rpcs[event.number] = _rpc_keys(event)
            case RpcClosed():
                del self._rpcs[event.number]
                if event.answer:
                    self._rpc(event.answer)
            case TimerSkipped():
                self._skip(event.timer)
            case DeadlinePassed():
                self._time_passed()
            case Stopped():
                status = {StopKind.CANCEL: RunStatus.CANCELED, StopKind.TERMINATE: RunStatus.TERMINATED}
                self._end(status.get(event.kind, RunStatus.FAILED), _CLIENT if event.kind is StopKind.FAIL else None)
            case ConfigUpdated() | Resumed() | Released():
                pass

    def _answered(self, event: CallSucceeded) -> None:
        state = self._take_back(event.call_id)
        self._write(event.answer.writes)
        match event.answer:
            case WaitUntilAnswer(wait):
                self._waits_begun += 1
                state.phase, state.wait, state.wait_number = Phase.WAITING, wait, self._waits_begun
                state.needs = [_Need(condition, self._moment(condition)) for condition in wait.conditions]
                for need in state.needs:
                    need.met = isinstance(need.condition, TimerCondition) and need.at_ms <= self._now_ms
                early, self._skips = self._skips, []
                for skip in early:
                    self._skip(skip)
            case ExecuteAnswer(decision):
                self.states.remove(state)
                self._report(state, decision)
                self._decide(state, decision)

    def _given_up(self, state: _State) -> None:
        options = state.movement.options
        if state.method is StateMethod.WAIT_UNTIL and options.proceed_on_wait_until_failure:
            self._grant()  # who waits already comes first
            self._call(state, StateMethod.EXECUTE, ())
        elif state.method is StateMethod.EXECUTE and options.recover_state_id:
            self.states.remove(state)
            self.queued.append(
                Movement(options.recover_state_id, state.movement.input, options.recover_options or StateOptions())
            )
        else:
            self._end(RunStatus.FAILED, RunErrorType.STATE_CALL)

    def _take_back(self, call_id: CallId) -> _State:
        state = next(state for state in self.states if state.call_id == call_id)
        # Neither under way nor waiting for anything; the caller says what it is now.
        state.call_id, state.phase, state.holds_search = None, Phase.HELD, False
        return state

    def _moment(self, condition: Condition) -> int:
        if not isinstance(condition, TimerCondition):
            return 0
        if condition.duration_ms is not None:
            since_ms = self._now_ms // 1000 * 1000 if condition.whole_seconds else self._now_ms
            return since_ms + condition.duration_ms
        return self._now_ms if condition.at_ms is None else condition.at_ms

    def _rpc(self, answer: RpcAnswer) -> None:
        self._write(answer.writes)
        self.queued += answer.movements

    def _write(self, writes: Writes) -> None:
        self._data.update({attribute.key: attribute for attribute in writes.data})
        self._search.update({attribute.key: attribute for attribute in writes.search})
        for message in writes.messages:
            self._unread(ChannelKind.INTERNAL, message.channel).append(message.value)

    def _unread(self, kind: ChannelKind, channel: str) -> list[Value]:
        return self.channels.setdefault((kind, channel), [])

    def _time_passed(self) -> None:
        expired = self._expires_at_ms is not None and self._expires_at_ms <= self._now_ms
        for state in self.states:
            for need in state.needs:
                if isinstance(need.condition, TimerCondition) and need.at_ms <= self._now_ms:
                    # 8.2: at the same moment the timeout comes first.
                    need.met |= not expired or need.at_ms < (self._expires_at_ms or 0)
        if expired:
            self._end(RunStatus.TIMED_OUT)
        elif self._begins_at_ms is not None and self._begins_at_ms <= self._now_ms:
            self._begins_at_ms = None

    def _timer(self, timer: TimerRef) -> _Need | None:
        """1.16: by id, which wins, or by place among the timers of the wait."""
        for state in self.states:
            if state.waits and state.id == timer.state_execution_id:
                timers = [need for need in state.needs if isinstance(need.condition, TimerCondition)]
                if timer.timer_id:
                    return next((need for need in timers if need.condition.id == timer.timer_id), None)
                if timer.index is not None and 0 <= timer.index < len(timers):
                    return timers[timer.index]
        return None

    def _may_skip(self, timer: TimerRef) -> bool:
        need = self._timer(timer)
        return need is not None and (bool(timer.timer_id) or not need.skipped)

    def _skip(self, timer: TimerRef) -> None:
        need = self._timer(timer)
        if need is None:
            self._skips.append(timer)
        else:
            need.met = need.skipped = True

    # What is decided

    def _report(self, state: _State, decision: Decision) -> None:
        assert self._request is not None
        options = self._request.options
        if state.movement.state_id in options.wait_for_states or state.id in options.wait_for_state_executions:
            output = next((step.output for step in decision.next if isinstance(step, Closing)), None)
            self._deeds.append(Completed(state.id, state.movement.wait_for_key, output))

    def _decide(self, state: _State, decision: Decision) -> None:
        closings = [step for step in decision.next if isinstance(step, Closing)]
        close = decision.close_if_empty
        if close is not None:
            kind = {EmptyCheck.SIGNAL_CHANNEL: ChannelKind.SIGNAL, EmptyCheck.INTERNAL_CHANNEL: ChannelKind.INTERNAL}
            if close.check is None:
                self._end(RunStatus.FAILED, RunErrorType.INVALID_WORKFLOW_CODE)
                return
            if close.check is EmptyCheck.ALL_CHANNELS:
                if not any(self.channels.values()):
                    self._finish(state, Closing(ClosingKind.GRACEFUL_COMPLETE, close.output))
                    return
            elif not self._unread(kind[close.check], close.channel):
                self._finish(state, Closing(ClosingKind.FORCE_COMPLETE, close.output))
                return
        if closings and (close is not None or len(decision.next) > 1):
            self._end(RunStatus.FAILED, RunErrorType.INVALID_WORKFLOW_CODE)
            return
        for step in decision.next:
            if isinstance(step, Closing):
                self._finish(state, step)
            else:
                self.queued.append(step)

    def _finish(self, state: _State, closing: Closing) -> None:
        if closing.output is not None and closing.kind is not ClosingKind.DEAD_END:
            self._outputs.append((state.id, closing.output))
        if closing.kind is ClosingKind.GRACEFUL_COMPLETE:
            self._completing = True
        elif closing.kind is ClosingKind.FORCE_COMPLETE:
            self._end(RunStatus.COMPLETED)
        elif closing.kind is ClosingKind.FORCE_FAIL:
            self._end(RunStatus.FAILED, RunErrorType.STATE_DECISION)

    def _end(self, status: RunStatus, error_type: RunErrorType | None = None) -> None:
        results = None
        if status is RunStatus.COMPLETED:
            results = tuple(self._outputs) or None
        elif error_type is RunErrorType.STATE_DECISION:
            results = tuple(self._outputs)
        self._deeds += [Abandoned(call_id) for call_id in sorted(s.call_id for s in self.states if s.call_id)]
        self.closed = Closed(status, error_type, results)
        self._deeds.append(self.closed)
        # What was waited for stays readable.
        self.states = [state for state in self.states if state.waits]
        self.queued, self._skips, self._rpcs = [], [], {}

    # What follows

    def _settle(self) -> None:
        self._grant()
        leaving: list[_State] = []
        while self._hand_out_one() or self._leave(leaving):
            pass
        for state in [state for state in self.states if state in leaving]:
            self._take_what_nobody_waits_for(state)
            results = tuple(Result(need.met, tuple(need.taken)) for need in state.needs)
            state.needs = []
            self._call(state, StateMethod.EXECUTE, results)
        if self._begins_at_ms is None:
            queued, self.queued = self.queued, []
            for movement in queued:
                self._begin(movement)
        if self._completing and not self.states and not self.queued:
            self._end(RunStatus.COMPLETED)

    def _begin(self, movement: Movement) -> None:
        self._counts[movement.state_id] += 1
        state = _State(StateExecutionId(f"{movement.state_id}-{self._counts[movement.state_id]}"), movement)
        self.states.append(state)
        self._call(state, StateMethod.EXECUTE if movement.options.skip_wait_until else StateMethod.WAIT_UNTIL, None)

    def _line(self, channel: Channel) -> list[_Need]:
        """2.5: every condition is a waiter of its own; by the age of the wait, then by place."""
        waits = sorted((state for state in self.states if state.waits), key=lambda state: state.wait_number)
        return [need for state in waits for need in state.needs if not need.met and _channel(need) == channel]

    def _hand_out_one(self) -> bool:
        """Let one waiter take what it needs. One that needs nothing takes what is there if it is its turn."""
        for channel, messages in self.channels.items():
            for place, need in enumerate(self._line(channel)):
                assert isinstance(need.condition, ChannelCondition)
                at_least = need.condition.at_least
                if at_least == 0 or (place == 0 and len(messages) >= at_least):
                    need.met = True
                    if place == 0:
                        self._take(need)
                    return True
        for need in (need for state in self.states if state.waits for need in state.needs if not need.met):
            if isinstance(need.condition, ChannelCondition) and need.condition.at_least == 0:
                need.met = True
                return True
        return False

    def _take(self, need: _Need) -> None:
        assert isinstance(need.condition, ChannelCondition)
        most = need.condition.at_most if need.condition.at_most is not None else need.condition.at_least
        messages = self._unread(need.condition.kind, need.condition.channel)
        while messages and len(need.taken) < most:
            need.taken.append(messages.pop(0))

    def _leave(self, leaving: list[_State]) -> bool:
        """Let the states whose wait is over leave the lines, together."""
        over = [state for state in self.states if state.waits and _over(state)]
        for state in over:
            state.phase = Phase.HELD
        leaving += over
        return bool(over)

    def _take_what_nobody_waits_for(self, state: _State) -> None:
        for need in state.needs:
            channel = _channel(need)
            if need.met and channel is not None and not self._line(channel):
                self._take(need)

    # Locks and calls

    def _call(self, state: _State, method: StateMethod, results: tuple[Result, ...] | None) -> None:
        state.phase, state.method, state.results = Phase.LOCKING, method, results
        self._advance(state)

    def _grant(self) -> None:
        """4.7: the oldest that can have what it wants gets it; as long as there is one."""
        while any(self._advance(state) for state in self.states if state.phase is Phase.LOCKING):
            pass

    def _advance(self, state: _State) -> bool:
        """Take a state's search attribute keys, then its others, and call; say whether it got anywhere."""
        search, data = _keys(state)
        moved = False
        if not state.holds_search:
            if self._held() & set(search):
                return False
            state.holds_search = moved = True
        if self._held() & set(data):
            return moved and bool(search)
        self._calls_made += 1
        state.phase, state.call_id = Phase.CALLING, CallId(self._calls_made)
        options = state.movement.options
        call = options.wait_until if state.method is StateMethod.WAIT_UNTIL else options.execute
        self._deeds.append(
            Called(
                state.call_id,
                state.id,
                state.method,
                state.results,
                tuple(self._data[key] for key in _visible(call.data_loading, sorted(self._data))),
                tuple(self._search[key] for key in _visible(call.search_loading, sorted(self._search))),
            )
        )
        return True

    def _held(self) -> set[Key]:
        held = {key for keys in self._rpcs.values() for key in keys}
        for state in self.states:
            search, data = _keys(state)
            if state.phase is Phase.CALLING:
                held.update(search, data)
            elif state.phase is Phase.LOCKING and state.holds_search:
                held.update(search)
        return held


_CLIENT = RunErrorType.CLIENT


def _over(state: _State) -> bool:
    """2.4."""
    met = [need for need in state.needs if need.met]
    if not state.needs:
        return True
    if state.wait.mode is WaitMode.ALL:
        return met == state.needs
    if state.wait.mode is WaitMode.ANY:
        return bool(met)
    names = [need.condition.id for need in met]
    return any(all(names.count(n) >= wanted.count(n) for n in wanted) for wanted in state.wait.combinations)


def _channel(need: _Need) -> Channel | None:
    condition = need.condition
    return (condition.kind, condition.channel) if isinstance(condition, ChannelCondition) else None


def _keys(state: _State) -> tuple[list[Key], list[Key]]:
    options = state.movement.options
    call = options.wait_until if state.method is StateMethod.WAIT_UNTIL else options.execute
    search = [("search", key) for key in call.search_loading.locks or ()]
    return search, [("data", key) for key in call.data_loading.locks or ()]


def _rpc_keys(event: RpcOpened) -> list[Key]:
    return [*(("data", key) for key in event.data_locks), *(("search", key) for key in event.search_locks)]


def _visible(policy: LoadingPolicy, keys: list[str]) -> list[str]:
    """4.6."""
    wanted = [*policy.keys, *(policy.locks or ())]
    match policy.load:
        case Loading.ALL:
            return keys
        case Loading.NONE:
            return []
        case Loading.PARTIAL:
            if policy.keys_are_prefixes:
                return [key for key in keys if any(key.startswith(prefix) for prefix in wanted)]
            return [key for key in keys if key in wanted]
