"""One run as a state machine: events in, effects out, nothing else.

Rule 1: every rule about how a run moves lives in this package.
Rule 2: nothing here knows the time, the store, the network or the engine. ``now_ms`` is an
        argument; ids are counted, never drawn.
Rule 3: the same snapshot and the same event give the same effects, in every process. Recovery
        and Temporal's replay rest on it; so no iteration over sets.
Rule 4: one event is one step, applied whole: what it writes, which messages it hands over, what
        starts because of it.

Numbers such as 2.5 are sections of the iWF server's specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Self, assert_never

from perdure.interpreter.attributes import Attributes
from perdure.interpreter.deadlines import BEGINNING, EXPIRY, Deadlines, Due
from perdure.interpreter.effects import Abandon, Close, CompleteState, Effect, Index, Invoke
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
from perdure.interpreter.locks import LockKey, Locks, Table
from perdure.interpreter.refusal import Refusal, RefusalKind
from perdure.interpreter.snapshot import CallSnapshot, Phase, RpcSnapshot, Snapshot, StateSnapshot
from perdure.interpreter.waits import ChannelName, Channels, OpenWait
from perdure.model.attributes import (
    LOAD_ALL,
    DataAttribute,
    LoadingPolicy,
    SearchAttribute,
    SearchAttributeType,
)
from perdure.model.calls import (
    ExecuteAnswer,
    LoadedAttributes,
    RpcAnswer,
    RunContext,
    StateCall,
    StateMethod,
    WaitUntilAnswer,
    Writes,
)
from perdure.model.conditions import ChannelKind, ConditionResult
from perdure.model.decisions import (
    CHANNEL_OF_CHECK,
    CloseIfEmpty,
    Closing,
    ClosingKind,
    Decision,
    EmptyCheck,
    Movement,
)
from perdure.model.ids import CallId, StateExecutionId, StateId
from perdure.model.options import CallOptions, ExecutingStatesMode, StateOptions, WorkflowConfig
from perdure.model.outcome import Outcome, RunErrorType, RunStatus, StateOutput, StopKind
from perdure.model.requests import RpcCall, StartRequest, TimerRef
from perdure.model.value import EncodedValue

RULES_VERSION = 1

EXECUTING_STATES = "IwfExecutingStateIds"

CLOSED = Refusal(RefusalKind.CLOSED, "workflow execution already completed")
LOCKED = Refusal(RefusalKind.LOCKED, "requested data or search attributes are being locked by other operations")
NO_TIMER = Refusal(RefusalKind.NO_TIMER, "requested timer command doesn't exist")
STALE = Refusal(RefusalKind.STALE, "nobody waits for this answer any more")
BEGUN = Refusal(RefusalKind.INVALID, "the run has begun, and begins once")
OTHER_ANSWER = Refusal(RefusalKind.INVALID, "an answer of one method to a call of the other")
REPEATED = Refusal(RefusalKind.INVALID, "the number of this RPC was given before")
NOT_AGAIN = Refusal(RefusalKind.INVALID, "no RPC is to be asked again now")


@dataclass(slots=True)
class _State:
    """One state execution under way."""

    id: StateExecutionId
    movement: Movement
    number: int
    phase: Phase = Phase.CALLING
    call_id: CallId | None = None
    wait: OpenWait | None = None
    method: StateMethod = StateMethod.EXECUTE
    """Of the call under way or the next one; the two fields below go with it."""
    results: tuple[ConditionResult, ...] | None = None
    wait_until_failed: bool = False
    locals: tuple[DataAttribute, ...] = ()
    search_locked: bool = False
    listed: bool = False


class Execution:
    """One run. Starts empty; its first event is its genesis, ``Started`` or ``Resumed``."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.asked_again: tuple[RpcCall, ...] = ()
        """Locking RPCs that a reset asks again and that have not ended yet. They are opened in this
        order, the next once the first has ended; when one can be, ``refuse`` says."""
        self._request: StartRequest | None = None
        self._run: RunContext | None = None
        self._attempt = 1
        self._begins_at_ms: int | None = None
        self._expires_at_ms: int | None = None
        self._config = _NO_CONFIG
        self._state_counts: dict[StateId, int] = {}
        self._state_number = self._wait_number = self._call_number = self._rpc_number = 0
        self._queued: list[Movement] = []
        self._states: dict[int, _State] = {}
        self._state_by_id: dict[StateExecutionId, _State] = {}
        self._calls: dict[CallId, Invoke] = {}
        self._caller: dict[CallId, _State] = {}
        self._rpcs: dict[int, RpcOpened] = {}
        self._attributes = Attributes()
        self._channels = Channels()
        self._locks = Locks()
        self._deadlines = Deadlines()
        self._outputs: list[StateOutput] = []
        self._completing = False
        self._holding = False
        self._skips: list[TimerRef] = []
        self._listed_counts: dict[StateId, int] = {}
        self._listed_states: tuple[StateId, ...] = ()
        self._listing_changed = False
        # What one step gathers and its end settles; empty between steps.
        self._now_ms = 0
        self._effects: list[Effect] = []
        self._indexed: dict[str, SearchAttribute] = {}
        self._touched_channels: dict[ChannelName, None] = {}
        self._touched_waits: dict[int, OpenWait] = {}
        self._freed: list[LockKey] = []

    # What others may know

    @property
    def run(self) -> RunContext:
        assert self._run is not None, "the first event of a run is Started or Resumed"
        return self._run

    @property
    def request(self) -> StartRequest:
        assert self._request is not None, "the first event of a run is Started or Resumed"
        return self._request

    @property
    def closed(self) -> bool:
        return self.outcome is not None

    @property
    def started(self) -> Started:
        """The start that another run of the chain would repeat."""
        return Started(
            request=self.request,
            run_id=self.run.run_id,
            first_run_id=self.run.first_run_id,
            attempt=self._attempt,
            expires_at_ms=self._expires_at_ms,
        )

    @property
    def config(self) -> WorkflowConfig:
        return self._config

    @property
    def next_rpc_number(self) -> int:
        return self._rpc_number + 1

    @property
    def open_rpcs(self) -> tuple[int, ...]:
        """Locking RPCs under way. After a crash nobody will close them: abandon them."""
        return tuple(self._rpcs)

    def next_deadline_ms(self) -> int | None:
        """When the engine must next report ``DeadlinePassed``; ``None`` while nothing is due ever."""
        return None if self.closed else self._deadlines.next_ms()

    def outstanding(self) -> list[Invoke]:
        """The calls under way: what is to be done again after a restore."""
        return list(self._calls.values())

    def load(self, data: LoadingPolicy = LOAD_ALL, search: LoadingPolicy = LOAD_ALL) -> LoadedAttributes:
        """Return the attributes that a call with these policies may see."""
        return self._attributes.load(data, search)

    def data_attributes(self) -> Mapping[str, DataAttribute]:
        return MappingProxyType(self._attributes.data)

    def search_attributes(self) -> Mapping[str, SearchAttribute]:
        """As written; the system's own are not among them."""
        return MappingProxyType(self._attributes.search)

    def channel_sizes(self, kind: ChannelKind) -> dict[str, int]:
        """Unread messages by channel; channels without any are left out."""
        return self._channels.sizes(kind)

    # What may happen

    def refuse(self, event: Event) -> Refusal | None:
        """Say why *event* cannot happen now; ``None`` if it can. Changes nothing."""
        if self.closed:
            # iWF: a skip is told first that there is no such timer, only then that the run has ended.
            if isinstance(event, TimerSkipped) and not self._may_skip(event.timer):
                return NO_TIMER
            return CLOSED
        match event:
            case Started() | Resumed():
                return None if self._run is None else BEGUN
            case CallSucceeded() | CallExhausted() | CallRejected():
                return self._refuse_answer(event)
            case RpcClosed():
                return None if event.number in self._rpcs else STALE
            case RpcOpened():
                return self._refuse_opening(event)
            case TimerSkipped():
                return None if self._may_skip(event.timer) else NO_TIMER
            case _:
                return None

    def _refuse_answer(self, event: CallSucceeded | CallExhausted | CallRejected) -> Refusal | None:
        invoke = self._calls.get(event.call_id)
        if invoke is None:
            return STALE
        if isinstance(event, CallSucceeded) and type(event.answer) is not _ANSWER[invoke.call.method]:
            return OTHER_ANSWER
        return None

    def _refuse_opening(self, event: RpcOpened) -> Refusal | None:
        if event.number <= self._rpc_number:
            return REPEATED
        if event.again and not self._may_ask_again:
            return NOT_AGAIN
        return None if self._locks.free(_rpc_locks(event)) else LOCKED

    @property
    def _may_ask_again(self) -> bool:
        return bool(self.asked_again) and not self._holding and not any(rpc.again for rpc in self._rpcs.values())

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Apply *event* and return what the engine must do next, in order.

        What ``refuse`` is against changes nothing here and is no error, but for a skip whose timer
        does not exist yet: it is kept for it. That is how a reset hands skips over again.

        Args:
            event: what happened; ``refuse`` has nothing against it.
            now_ms: the engine's clock, milliseconds since the Unix epoch. May go backwards.
        """
        if self.closed:
            return []
        self._now_ms = now_ms
        self._effects = []
        self._apply(event)
        self._settle()
        return self._effects

    def _apply(self, event: Event) -> None:
        match event:
            case CallSucceeded():
                self._call_succeeded(event)
            case Started():
                self._start(event)
            case Resumed():
                self._resume(event)
            case Released():
                self._release()
            case CallExhausted():
                self._call_exhausted(event)
            case CallRejected():
                self._call_rejected(event)
            case SignalReceived():
                self._put(ChannelKind.SIGNAL, event.channel, event.value)
            case MessagesPublished():
                for message in event.messages:
                    self._put(ChannelKind.INTERNAL, message.channel, message.value)
            case AttributesSet():
                self._write(Writes(event.data, event.search))
            case RpcWrote():
                self._apply_rpc(event.answer)
            case RpcOpened():
                self._open_rpc(event)
            case RpcClosed():
                self._close_rpc(event)
            case TimerSkipped():
                self._skip(event.timer)
            case DeadlinePassed():
                self._pass_deadlines()
            case ConfigUpdated():
                self._config = _merged(self._config, event.config)
            case Stopped():
                self._stop(event)
            case _:
                assert_never(event)

    # Beginnings

    def _start(self, event: Started) -> None:
        if self._run is not None:
            return
        request = event.request
        self._request = request
        self._attempt = event.attempt
        self._config = request.options.config
        self._run = RunContext(
            workflow_id=request.workflow_id,
            workflow_type=request.workflow_type,
            run_id=event.run_id,
            first_run_id=event.first_run_id,
            started_ms=self._now_ms,
            worker_url=request.worker_url,
        )
        self._expire_at(event.expires_at_ms)
        self._write(Writes(request.data, request.search))
        if request.first is not None:
            self._queued.append(request.first)
        if event.delay_ms > 0:
            self._begins_at_ms = self._now_ms + event.delay_ms
            self._deadlines.add(BEGINNING, self._begins_at_ms)

    def _resume(self, event: Resumed) -> None:
        """Take up a snapshot as a run of its own. Its calls under way are ``outstanding()``."""
        if self._run is not None:
            return
        self._restore(event.snapshot)
        run = self.run
        if event.run_id == run.run_id:
            return
        # iWF 7: a reset is a new run, whose whole timeout counts from now on.
        self.outcome = None
        self.asked_again = event.asked_again
        self._run = RunContext(
            workflow_id=run.workflow_id,
            workflow_type=run.workflow_type,
            run_id=event.run_id,
            first_run_id=run.first_run_id,
            started_ms=self._now_ms,
            worker_url=run.worker_url,
        )
        timeout_ms = self.request.options.timeout_ms
        self._expire_at(self._now_ms + timeout_ms if timeout_ms else None)
        self._indexed = dict(self._attributes.search)
        self._listed_states = ()
        self._listing_changed = True
        self._hold()

    def _hold(self) -> None:
        """Take back every call under way, to be made anew: nobody holds or waits for a lock then."""
        self._holding = True
        for state in self._states.values():
            if state.phase is not Phase.WAITING:
                state.phase, state.call_id, state.search_locked = Phase.HELD, None, False
        self._calls.clear()
        self._caller.clear()
        self._rpcs.clear()
        self._locks = Locks()

    def _release(self) -> None:
        self._holding = False
        for number in sorted(self._states):
            state = self._states[number]
            if state.phase is Phase.HELD:
                self._advance(state)

    def _expire_at(self, at_ms: int | None) -> None:
        self._expires_at_ms = at_ms
        self._deadlines.drop(EXPIRY)
        if at_ms is not None:
            self._deadlines.add(EXPIRY, at_ms)

    def _enter(self, movement: Movement) -> None:
        """Start a state (2.1)."""
        state_id = movement.state_id
        count = self._state_counts.get(state_id, 0) + 1
        self._state_counts[state_id] = count
        self._state_number += 1
        state = _State(StateExecutionId(f"{state_id}-{count}"), movement, self._state_number)
        self._states[state.number] = state
        self._state_by_id[state.id] = state
        skips = movement.options.skip_wait_until
        self._list(state, skips_wait_until=skips)
        method = StateMethod.EXECUTE if skips else StateMethod.WAIT_UNTIL
        self._ask(state, method)

    # Calls and the locks they need

    def _ask(
        self,
        state: _State,
        method: StateMethod,
        *,
        results: tuple[ConditionResult, ...] | None = None,
        wait_until_failed: bool = False,
    ) -> None:
        """Make a state's next call, as soon as it has what it locks."""
        state.method, state.results, state.wait_until_failed = method, results, wait_until_failed
        self._advance(state)

    def _advance(self, state: _State) -> None:
        if self._holding:
            state.phase = Phase.HELD
        elif self._has_locks(state):
            self._make_call(state)
        else:
            state.phase = Phase.LOCKING

    def _has_locks(self, state: _State) -> bool:
        """Take what the next call locks, or queue for it: search attributes first, then data (4.7)."""
        options = _options_of(state)
        if not options.search_loading.locks and not options.data_loading.locks:
            return True
        search, data = _state_locks(state)
        if not state.search_locked:
            if not self._locks.take_or_wait(state.number, search):
                return False
            state.search_locked = True
        return self._locks.take_or_wait(state.number, data)

    def _make_call(self, state: _State) -> None:
        options = _options_of(state)
        call = _call_of(state, self._attributes.load(options.data_loading, options.search_loading))
        self._call_number += 1
        call_id = CallId(self._call_number)
        limit_ms = _shorter(options.retry.maximum_duration_ms, self.request.options.timeout_ms)
        invoke = Invoke(call_id, self.run, call, options.timeout_ms, options.retry, limit_ms)
        self._calls[call_id] = invoke
        self._caller[call_id] = state
        state.phase, state.call_id, state.search_locked = Phase.CALLING, call_id, False
        self._effects.append(invoke)

    def _end_call(self, call_id: CallId) -> _State:
        """Take a call off the list and free what it locked."""
        del self._calls[call_id]
        state = self._caller.pop(call_id)
        state.call_id = None
        self._freed += self._locks.release(state.number)
        return state

    def _call_succeeded(self, event: CallSucceeded) -> None:
        if self._refuse_answer(event) is not None:
            return
        state = self._end_call(event.call_id)
        self._write(event.answer.writes)
        match event.answer:
            case WaitUntilAnswer():
                state.locals = event.answer.locals
                self._begin_wait(state, event.answer)
            case ExecuteAnswer():
                self._end_state(state)
                self._report_completion(state, event.answer.decision)
                self._decide(state, event.answer.decision)

    def _call_exhausted(self, event: CallExhausted) -> None:
        """Follow the failure policy (3.4)."""
        invoke = self._calls.get(event.call_id)
        if invoke is None:
            return
        state = self._end_call(event.call_id)
        options = state.movement.options
        if invoke.call.method is StateMethod.WAIT_UNTIL and options.proceed_on_wait_until_failure:
            self._grant_locks()
            self._ask(state, StateMethod.EXECUTE, results=(), wait_until_failed=True)
        elif invoke.call.method is StateMethod.EXECUTE and options.recover_state_id:
            self._end_state(state)
            self._queued.append(
                Movement(options.recover_state_id, state.movement.input, options.recover_options or StateOptions())
            )
        else:
            self._fail(RunErrorType.STATE_CALL, event.failure.message)

    def _call_rejected(self, event: CallRejected) -> None:
        if event.call_id in self._calls:
            self._end_call(event.call_id)
            self._fail(event.error_type, event.message)

    # Waiting

    def _begin_wait(self, state: _State, answer: WaitUntilAnswer) -> None:
        self._wait_number += 1
        wait = OpenWait.begin(answer.wait, number=self._wait_number, state=state.number, now_ms=self._now_ms)
        state.phase, state.wait = Phase.WAITING, wait
        self._arm(wait)
        for index, at_ms in enumerate(wait.deadlines_ms):
            if at_ms is not None and at_ms <= self._now_ms:
                self._meet_timer(wait, index)
        self._apply_kept_skips(state)
        self._touched_waits[state.number] = wait

    def _arm(self, wait: OpenWait) -> None:
        self._touched_channels.update(dict.fromkeys(self._channels.register(wait)))
        for index, at_ms in enumerate(wait.deadlines_ms):
            if at_ms is not None and not wait.met[index]:
                self._deadlines.add(Due(wait.state, index), at_ms)

    def _meet_timer(self, wait: OpenWait, index: int) -> None:
        self._deadlines.drop(Due(wait.state, index))
        wait.meet(index)
        self._touched_waits[wait.state] = wait

    def _pass_deadlines(self) -> None:
        for due in self._deadlines.take_due(self._now_ms):
            if due == EXPIRY:
                self._close(Outcome(RunStatus.TIMED_OUT))
                return
            if due == BEGINNING:
                self._begins_at_ms = None
                continue
            wait = self._states[due.state].wait
            assert wait is not None
            self._meet_timer(wait, due.condition)

    def _may_skip(self, timer: TimerRef) -> bool:
        """1.16: by id whatever became of the timer, by place only once."""
        wait = self._wait_of(timer)
        if wait is None:
            return False
        index = _timer_of(wait, timer)
        return index is not None and (bool(timer.timer_id) or not wait.skipped[index])

    def _skip(self, timer: TimerRef) -> None:
        wait = self._wait_of(timer)
        index = None if wait is None else _timer_of(wait, timer)
        if wait is None or index is None:
            self._skips.append(timer)
            return
        wait.skipped[index] = True
        self._meet_timer(wait, index)

    def _apply_kept_skips(self, state: _State) -> None:
        """Skips that came before the timer did end that timer, and none beside it."""
        mine = [timer for timer in self._skips if timer.state_execution_id == state.id]
        if mine:
            self._skips = [timer for timer in self._skips if timer.state_execution_id != state.id]
            for timer in mine:
                self._skip(timer)

    def _wait_of(self, timer: TimerRef) -> OpenWait | None:
        state = self._state_by_id.get(timer.state_execution_id)
        return state.wait if state else None

    # Writing

    def _write(self, writes: Writes) -> None:
        self._attributes.write(writes.data, writes.search)
        for attribute in writes.search:
            self._indexed[attribute.key] = attribute
        for message in writes.messages:
            self._put(ChannelKind.INTERNAL, message.channel, message.value)

    def _put(self, kind: ChannelKind, channel: str, value: EncodedValue | None) -> None:
        self._channels.put((kind, channel), value)
        self._touched_channels[kind, channel] = None

    def _apply_rpc(self, answer: RpcAnswer) -> None:
        self._write(answer.writes)
        self._queued += answer.movements

    def _open_rpc(self, event: RpcOpened) -> None:
        if self._refuse_opening(event) is not None:
            return
        self._rpc_number = event.number
        self._rpcs[event.number] = event
        self._locks.take(-event.number, _rpc_locks(event))

    def _close_rpc(self, event: RpcClosed) -> None:
        opened = self._rpcs.pop(event.number, None)
        if opened is None:
            return
        if opened.again and not event.abandoned:
            self.asked_again = self.asked_again[1:]
        self._freed += self._locks.release(-event.number)
        if event.answer is not None:
            self._apply_rpc(event.answer)

    # Deciding

    def _end_state(self, state: _State) -> None:
        del self._states[state.number]
        del self._state_by_id[state.id]
        if state.listed:
            self._unlist(state.movement.state_id)

    def _report_completion(self, state: _State, decision: Decision) -> None:
        """2.9: a state has completed once its answer is in, whatever the answer decides."""
        options = self.request.options
        state_id = state.movement.state_id
        if state_id not in options.wait_for_states and state.id not in options.wait_for_state_executions:
            return
        output = next((step.output for step in decision.next if isinstance(step, Closing)), None)
        self._effects.append(CompleteState(state_id, state.id, state.movement.wait_for_key or None, output))

    def _decide(self, state: _State, decision: Decision) -> None:
        """Follow a decision (2.8)."""
        steps = decision.next
        if decision.close_if_empty is not None:
            if self._close_if_empty(state, decision.close_if_empty):
                return
            if self.closed:
                return
            reserved = next((step.kind.value for step in steps if isinstance(step, Closing)), None)
            if reserved:
                self._fail(
                    RunErrorType.INVALID_WORKFLOW_CODE, f"invalid ConditionUnmetDecision with stateId: {reserved}"
                )
                return
        movements = [step for step in steps if isinstance(step, Movement)]
        closings = [step for step in steps if isinstance(step, Closing)]
        if closings and len(steps) > 1:
            text = "invalid state decisions. Closing workflow decision cannot be combined with other state decisions"
            self._fail(RunErrorType.INVALID_WORKFLOW_CODE, text)
            return
        self._queued += movements
        for closing in closings:
            self._end_thread(state, closing)

    def _end_thread(self, state: _State, closing: Closing) -> None:
        if closing.kind is ClosingKind.DEAD_END:
            return
        if closing.output is not None:
            self._outputs.append(StateOutput(state.movement.state_id, state.id, closing.output))
        match closing.kind:
            case ClosingKind.GRACEFUL_COMPLETE:
                self._completing = True
            case ClosingKind.FORCE_COMPLETE:
                self._complete()
            case ClosingKind.FORCE_FAIL:
                self._close(Outcome(RunStatus.FAILED, tuple(self._outputs), RunErrorType.STATE_DECISION))

    def _close_if_empty(self, state: _State, close: CloseIfEmpty) -> bool:
        """2.8.1: close if the channels are empty, what this very answer published included."""
        if close.check is None:
            text = "invalid state decisions. Unsupported ConditionalCloseType "
            self._fail(RunErrorType.INVALID_WORKFLOW_CODE, text)
            return False
        if close.check is EmptyCheck.ALL_CHANNELS:
            if self._channels.all_empty:
                self._end_thread(state, Closing(ClosingKind.GRACEFUL_COMPLETE, close.output))
                return True
            return False
        if self._channels.empty((CHANNEL_OF_CHECK[close.check], close.channel)):
            self._end_thread(state, Closing(ClosingKind.FORCE_COMPLETE, close.output))
            return True
        return False

    # Ends

    def _complete(self) -> None:
        self._close(Outcome(RunStatus.COMPLETED, tuple(self._outputs) or None))

    def _fail(self, error_type: RunErrorType, message: str | None) -> None:
        self._close(Outcome(RunStatus.FAILED, None, error_type, message))

    def _stop(self, event: Stopped) -> None:
        match event.kind:
            case StopKind.CANCEL:
                self._close(Outcome(RunStatus.CANCELED))
            case StopKind.TERMINATE:
                self._close(Outcome(RunStatus.TERMINATED))
            case StopKind.FAIL:
                self._fail(RunErrorType.CLIENT, event.reason or None)

    def _close(self, outcome: Outcome) -> None:
        self.outcome = outcome

    # The end of a step

    def _settle(self) -> None:
        """Give free locks to who waits for them, hand over messages, let waits end, start what is queued.

        In this order: who waits for a lock already comes before who only now asks for it.
        """
        if self.outcome is None:
            if self._freed:
                self._grant_locks()
            if self._touched_channels or self._touched_waits:
                self._end_waits(self._match_channels())
            if self._queued and self._begins_at_ms is None:
                queued, self._queued = self._queued, []
                for movement in queued:
                    self._enter(movement)
            if self._completing and not self._states and not self._queued:
                self._complete()
        if self.outcome is not None:
            self._put_to_rest()
        if self._indexed or self._listing_changed:
            self._update_index()
        if self.outcome is not None:
            self._effects.append(Close(self.outcome))

    def _match_channels(self) -> list[OpenWait]:
        """Hand over messages and return the waits that are over, which stand in no line any more.

        Again and again: where one leaves a line, the next may have been waiting behind it.
        """
        over: list[OpenWait] = []
        while self._touched_channels or self._touched_waits:
            for name in self._touched_channels:
                for wait in self._channels.match(name):
                    self._touched_waits[wait.state] = wait
            self._touched_channels.clear()
            for wait in self._touched_waits.values():
                if wait.over:
                    over.append(wait)
                    self._touched_channels.update(dict.fromkeys(self._channels.leave(wait)))
            self._touched_waits.clear()
        return over

    def _end_waits(self, over: list[OpenWait]) -> None:
        if len(over) > 1:
            over.sort(key=_state_number)
        for wait in over:
            self._channels.top_up(wait)
            for index in wait.timers:
                self._deadlines.drop(Due(wait.state, index))
            state = self._states[wait.state]
            state.wait = None
            self._ask(state, StateMethod.EXECUTE, results=wait.results())

    def _grant_locks(self) -> None:
        freed, self._freed = self._freed, []
        while (number := self._locks.grant(freed)) is not None:
            state = self._states[number]
            if state.search_locked:
                self._make_call(state)
            else:
                state.search_locked = True
                self._advance(state)

    def _put_to_rest(self) -> None:
        """Nothing of a closed run goes on; what it remembers, and what it waited for, stays readable."""
        self._effects += [Abandon(call_id) for call_id in self._calls]
        self._calls.clear()
        self._caller.clear()
        for state in list(self._states.values()):
            state.listed = False
            if state.phase is not Phase.WAITING:
                del self._states[state.number]
                del self._state_by_id[state.id]
        self._rpcs.clear()
        self.asked_again = ()
        self._queued.clear()
        self._skips.clear()
        self._listed_counts.clear()
        self._listing_changed = True
        self._locks = Locks()
        self._deadlines = Deadlines()
        self._begins_at_ms = None
        channels, self._channels = self._channels.snapshot(), Channels()
        self._channels.restore(channels)
        # The step that closed the run has settled nothing of these.
        self._touched_channels.clear()
        self._touched_waits.clear()
        self._freed.clear()

    # The index

    def _list(self, state: _State, *, skips_wait_until: bool) -> None:
        mode = self._config.executing_states or ExecutingStatesMode.WITH_WAIT_UNTIL
        if mode is ExecutingStatesMode.ALL or (mode is ExecutingStatesMode.WITH_WAIT_UNTIL and not skips_wait_until):
            state.listed = True
            state_id = state.movement.state_id
            self._listed_counts[state_id] = self._listed_counts.get(state_id, 0) + 1
            self._listing_changed = True

    def _unlist(self, state_id: StateId) -> None:
        self._listed_counts[state_id] -= 1
        if not self._listed_counts[state_id]:
            del self._listed_counts[state_id]
        self._listing_changed = True

    def _update_index(self) -> None:
        """4.3: one update a step, and only of what is different now."""
        if self._listing_changed:
            self._listing_changed = False
            listed = tuple(sorted(self._listed_counts))
            if listed != self._listed_states:
                self._listed_states = listed
                own = SearchAttribute(EXECUTING_STATES, SearchAttributeType.KEYWORD_ARRAY, listed)
                self._indexed[EXECUTING_STATES] = own
        if self._indexed:
            self._effects.append(Index(tuple(self._indexed.values())))
            self._indexed = {}

    # Remembering

    def snapshot(self) -> Snapshot:
        """Return everything this execution remembers, as a value."""
        return Snapshot(
            request=self.request,
            run=self.run,
            attempt=self._attempt,
            begins_at_ms=self._begins_at_ms,
            expires_at_ms=self._expires_at_ms,
            config=self._config,
            state_counts=tuple(sorted(self._state_counts.items())),
            state_number=self._state_number,
            wait_number=self._wait_number,
            call_number=self._call_number,
            rpc_number=self._rpc_number,
            queued=tuple(self._queued),
            states=tuple(_state_snapshot(self._states[number]) for number in sorted(self._states)),
            calls=tuple(
                CallSnapshot(call_id, invoke.call, invoke.timeout_ms, invoke.retry, invoke.limit_ms)
                for call_id, invoke in sorted(self._calls.items())
            ),
            rpcs=tuple(
                RpcSnapshot(rpc.number, rpc.data_locks, rpc.search_locks, rpc.again) for rpc in self._rpcs.values()
            ),
            data=tuple(self._attributes.data.values()),
            search=tuple(self._attributes.search.values()),
            channels=self._channels.snapshot(),
            outputs=tuple(self._outputs),
            completing=self._completing,
            holding=self._holding,
            skips=tuple(self._skips),
            listed_states=self._listed_states,
            outcome=self.outcome,
            asked_again=self.asked_again,
        )

    @classmethod
    def restore(cls, snapshot: Snapshot) -> Self:
        """Return an execution that goes on exactly as the one the snapshot was taken of."""
        execution = cls()
        execution._restore(snapshot)
        return execution

    def _restore(self, snapshot: Snapshot) -> None:
        self.outcome = snapshot.outcome
        self._request = snapshot.request
        self._run = snapshot.run
        self._attempt = snapshot.attempt
        self._config = snapshot.config
        self._state_counts = dict(snapshot.state_counts)
        self._state_number, self._wait_number = snapshot.state_number, snapshot.wait_number
        self._call_number, self._rpc_number = snapshot.call_number, snapshot.rpc_number
        self._queued = list(snapshot.queued)
        self._attributes.write(snapshot.data, snapshot.search)
        self._channels.restore(snapshot.channels)
        self._outputs = list(snapshot.outputs)
        self._completing = snapshot.completing
        self._holding = snapshot.holding
        self.asked_again = snapshot.asked_again
        self._skips = list(snapshot.skips)
        self._listed_states = snapshot.listed_states
        self._begins_at_ms = snapshot.begins_at_ms
        if snapshot.begins_at_ms is not None:
            self._deadlines.add(BEGINNING, snapshot.begins_at_ms)
        self._expires_at_ms = snapshot.expires_at_ms
        if snapshot.expires_at_ms is not None and snapshot.outcome is None:
            self._deadlines.add(EXPIRY, snapshot.expires_at_ms)
        self._restore_calls(snapshot)
        self._restore_states(snapshot)

    def _restore_calls(self, snapshot: Snapshot) -> None:
        for call in snapshot.calls:
            self._calls[call.id] = Invoke(call.id, self.run, call.call, call.timeout_ms, call.retry, call.limit_ms)
        for rpc in snapshot.rpcs:
            opened = RpcOpened(rpc.number, rpc.data_locks, rpc.search_locks, again=rpc.again)
            self._rpcs[rpc.number] = opened
            self._locks.take(-rpc.number, _rpc_locks(opened))

    def _restore_states(self, snapshot: Snapshot) -> None:
        for saved in snapshot.states:
            state = self._restored(saved)
            self._states[state.number] = state
            self._state_by_id[state.id] = state
            if state.listed:
                state_id = state.movement.state_id
                self._listed_counts[state_id] = self._listed_counts.get(state_id, 0) + 1
            search, data = _state_locks(state)
            if state.call_id is not None:
                self._caller[state.call_id] = state
                self._locks.take(state.number, (*search, *data))
            elif state.phase is Phase.LOCKING and state.search_locked:
                self._locks.take(state.number, search)
                self._locks.wait(state.number, data)
            elif state.phase is Phase.LOCKING:
                self._locks.wait(state.number, search)
        if self.closed:
            return
        waits = [state.wait for state in self._states.values() if state.wait is not None]
        for wait in sorted(waits, key=lambda wait: wait.number):
            self._arm(wait)
        self._touched_channels.clear()

    def _restored(self, saved: StateSnapshot) -> _State:
        wait = None if saved.wait is None else OpenWait.restore(saved.wait, saved.number)
        call = saved.pending if saved.call_id is None else self._calls[saved.call_id].call
        return _State(
            saved.id,
            saved.movement,
            saved.number,
            saved.phase,
            saved.call_id,
            wait,
            StateMethod.EXECUTE if call is None else call.method,
            None if call is None else call.results,
            call is not None and call.wait_until_failed,
            saved.locals,
            saved.search_locked,
            saved.listed,
        )


_NOT_LOADED = LoadedAttributes()
_NO_CONFIG = WorkflowConfig()
_ANSWER = {StateMethod.WAIT_UNTIL: WaitUntilAnswer, StateMethod.EXECUTE: ExecuteAnswer}
_state_number = attrgetter("state")


def _state_snapshot(state: _State) -> StateSnapshot:
    return StateSnapshot(
        id=state.id,
        movement=state.movement,
        number=state.number,
        phase=state.phase,
        call_id=state.call_id,
        wait=None if state.wait is None else state.wait.snapshot(),
        pending=_call_of(state, _NOT_LOADED) if state.phase in (Phase.LOCKING, Phase.HELD) else None,
        locals=state.locals,
        search_locked=state.search_locked,
        listed=state.listed,
    )


def _call_of(state: _State, attributes: LoadedAttributes) -> StateCall:
    method = state.method
    return StateCall(
        method,
        state.id,
        state.movement.state_id,
        state.movement.input,
        attributes,
        state.locals if method is StateMethod.EXECUTE else (),
        state.results,
        state.wait_until_failed,
    )


def _options_of(state: _State) -> CallOptions:
    options = state.movement.options
    return options.wait_until if state.method is StateMethod.WAIT_UNTIL else options.execute


def _state_locks(state: _State) -> tuple[tuple[LockKey, ...], tuple[LockKey, ...]]:
    """Return the search attribute keys and the data attribute keys that a state's call locks."""
    options = _options_of(state)
    search, data = options.search_loading.locks, options.data_loading.locks
    return (
        tuple([LockKey(Table.SEARCH, key) for key in search]) if search else (),
        tuple([LockKey(Table.DATA, key) for key in data]) if data else (),
    )


def _rpc_locks(rpc: RpcOpened) -> tuple[LockKey, ...]:
    return (
        *(LockKey(Table.DATA, key) for key in rpc.data_locks),
        *(LockKey(Table.SEARCH, key) for key in rpc.search_locks),
    )


def _timer_of(wait: OpenWait, timer: TimerRef) -> int | None:
    if timer.timer_id:
        return wait.timer_by_id(timer.timer_id)
    return None if timer.index is None else wait.timer_by_index(timer.index)


def _shorter(one_ms: int, other_ms: int) -> int:
    """Return the shorter of two limits, 0 being none."""
    return min(one_ms, other_ms) if one_ms and other_ms else one_ms or other_ms


def _merged(old: WorkflowConfig, new: WorkflowConfig) -> WorkflowConfig:
    """9.2: only what is given changes, and the kind of timers not even then."""
    given = {field.name: value for field in fields(new) if (value := getattr(new, field.name)) is not None}
    return replace(old, **{**given, "optimize_timer": old.optimize_timer})
