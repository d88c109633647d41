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
from dataclasses import fields, replace
from operator import attrgetter
from types import MappingProxyType
from typing import assert_never

from perdure.interpreter.card import is_listed
from perdure.interpreter.deadlines import BEGINNING, EXPIRY, Due
from perdure.interpreter.effects import Abandon, Close, CompleteState, Effect, Invoke
from perdure.interpreter.events import (
    AttributesSet,
    CallExhausted,
    CallRejected,
    CallSucceeded,
    ConfigUpdated,
    DeadlinePassed,
    Erased,
    Event,
    MessagesPublished,
    Released,
    ResumeCause,
    Resumed,
    RpcClosed,
    RpcOpened,
    RpcWrote,
    SignalReceived,
    Started,
    Stopped,
    TimerSkipped,
)
from perdure.interpreter.locks import LockKey, Locks
from perdure.interpreter.memory import Memory
from perdure.interpreter.refusal import Refusal, RefusalKind
from perdure.interpreter.rpcs import locks_of
from perdure.interpreter.rules import RULES_VERSION, check_rules
from perdure.interpreter.snapshot import Phase
from perdure.interpreter.states import StateExecution
from perdure.interpreter.steps import Mistake, steps_of
from perdure.interpreter.waits import ChannelName, OpenWait
from perdure.model.attributes import LOAD_ALL, DataAttribute, LoadingPolicy, SearchAttribute
from perdure.model.calls import (
    ExecuteAnswer,
    LoadedAttributes,
    RpcAnswer,
    RunContext,
    StateMethod,
    WaitUntilAnswer,
    Writes,
)
from perdure.model.conditions import ChannelKind, ConditionResult
from perdure.model.decisions import Closing, ClosingKind, Decision, Movement
from perdure.model.ids import CallId, StateExecutionId
from perdure.model.options import StateOptions, WorkflowConfig
from perdure.model.outcome import Outcome, RunErrorType, RunStatus, StateOutput, StopKind
from perdure.model.requests import RpcCall, TimerRef
from perdure.model.value import EncodedValue

CLOSED = Refusal(RefusalKind.CLOSED, "workflow execution already completed")
LOCKED = Refusal(RefusalKind.LOCKED, "requested data or search attributes are being locked by other operations")
NO_TIMER = Refusal(RefusalKind.NO_TIMER, "requested timer command doesn't exist")
STALE = Refusal(RefusalKind.STALE, "nobody waits for this answer any more")
BEGUN = Refusal(RefusalKind.INVALID, "the run has begun, and begins once")
OTHER_ANSWER = Refusal(RefusalKind.INVALID, "an answer of one method to a call of the other")
REPEATED = Refusal(RefusalKind.INVALID, "the number of this RPC was given before")
STILL_OPEN = Refusal(RefusalKind.INVALID, "the run is open, and only an ended one is erased")
NOT_AGAIN = Refusal(RefusalKind.INVALID, "no RPC is to be asked again now")


class Execution(Memory):
    """One run. Starts empty; its first event is its genesis, ``Started`` or ``Resumed``."""

    def __init__(self) -> None:
        super().__init__()
        # What one step gathers and its end settles; empty between steps.
        self._now_ms = 0
        self._effects: list[Effect] = []
        self._touched_channels: dict[ChannelName, None] = {}
        self._touched_waits: dict[int, OpenWait] = {}
        self._freed: list[LockKey] = []

    # What others may know

    @property
    def started(self) -> Started:
        """The start that another run of the chain would repeat."""
        return Started(
            request=self.request,
            run_id=self.run.run_id,
            first_run_id=self.run.first_run_id,
            attempt=self._attempt,
            expires_at_ms=self._expires_at_ms,
            rules=self.rules,
        )

    def next_segment(self, cause: ResumeCause) -> Resumed:
        """Return the event that ends this segment of the journal and begins another, under the newest rules.

        Between two steps of an open run it may happen at any time; its calls and its deadline stay as they are.
        """
        return Resumed(self.snapshot(), self.run.run_id, cause, rules=RULES_VERSION)

    @property
    def config(self) -> WorkflowConfig:
        return self._config

    @property
    def next_rpc_number(self) -> int:
        return self._rpcs.number + 1

    @property
    def open_rpcs(self) -> tuple[int, ...]:
        """Locking RPCs under way. After a crash nobody will close them: abandon them."""
        return self._rpcs.numbers

    @property
    def asked_again(self) -> tuple[RpcCall, ...]:
        """Locking RPCs that a reset asks again and that have not ended yet. They are opened in this
        order, the next once the first has ended; when one can be, ``refuse`` says.
        """
        return self._rpcs.asked_again

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

    def unread(self, kind: ChannelKind, channel: str) -> int:
        """How many messages wait on one channel."""
        return self._channels.unread((kind, channel))

    # What may happen

    def refuse(self, event: Event) -> Refusal | None:
        """Say why *event* cannot happen now; ``None`` if it can. Changes nothing."""
        if self.closed:
            # iWF: a skip is told first that there is no such timer, only then that the run has ended.
            if isinstance(event, TimerSkipped) and not self._may_skip(event.timer):
                return NO_TIMER
            return CLOSED
        match event:
            case Started():
                return None if self._run is None else BEGUN
            case Resumed():
                return None if self._run is None or self._goes_on_with(event) else BEGUN
            case CallSucceeded() | CallExhausted() | CallRejected():
                return self._refuse_answer(event)
            case Erased():
                return STILL_OPEN
            case RpcClosed():
                return None if event.number in self._rpcs else STALE
            case RpcOpened():
                return self._refuse_opening(event)
            case TimerSkipped():
                return None if self._may_skip(event.timer) else NO_TIMER
            case _:
                return None

    def _goes_on_with(self, event: Resumed) -> bool:
        """Whether *event* begins another segment of this run."""
        return event.run_id == self.run.run_id == event.snapshot.run.run_id

    def _refuse_answer(self, event: CallSucceeded | CallExhausted | CallRejected) -> Refusal | None:
        invoke = self._calls.get(event.call_id)
        if invoke is None:
            return STALE
        if isinstance(event, CallSucceeded) and type(event.answer) is not _ANSWER[invoke.call.method]:
            return OTHER_ANSWER
        return None

    def _refuse_opening(self, event: RpcOpened) -> Refusal | None:
        if event.number <= self._rpcs.number:
            return REPEATED
        if event.again and (self._holding or not self._rpcs.may_ask_again):
            return NOT_AGAIN
        return None if self._locks.free(locks_of(event)) else LOCKED

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
            case Erased():
                pass  # Happens to ended runs only, and changes nothing of what they are.
            case _:
                assert_never(event)

    # Beginnings

    def _start(self, event: Started) -> None:
        if self._run is not None:
            return
        self.rules = check_rules(event.rules)
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
        """Take up a snapshot. Its calls under way are ``outstanding()``."""
        rules = check_rules(event.rules)
        if self._run is not None:
            if not self._goes_on_with(event):
                return
            self._forget()
        self.rules = rules
        self._restore(event.snapshot)
        run = self.run
        if event.run_id == run.run_id:
            return
        # iWF 7: a reset is a new run, whose whole timeout counts from now on.
        self.outcome = None
        self._rpcs.asked_again = event.asked_again
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
        self._card.begin_anew(self._attributes.search.values())
        self._hold()

    def _forget(self) -> None:
        """Make room for a snapshot, which has all of it: where a fold begins must make no difference."""
        Memory.__init__(self)

    def _hold(self) -> None:
        """Take back every call under way, to be made anew: nobody holds or waits for a lock then."""
        self._holding = True
        for state in self._states.values():
            if state.phase is not Phase.WAITING:
                state.phase, state.call_id, state.search_locked = Phase.HELD, None, False
        self._calls.clear()
        self._caller.clear()
        self._rpcs.give_up()
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
        state = StateExecution(StateExecutionId(f"{state_id}-{count}"), movement, self._state_number)
        self._states[state.number] = state
        self._state_by_id[state.id] = state
        skips = movement.options.skip_wait_until
        if is_listed(self._config.executing_states, skips_wait_until=skips):
            state.listed = True
            self._card.enter(state_id)
        method = StateMethod.EXECUTE if skips else StateMethod.WAIT_UNTIL
        self._ask(state, method)

    # Calls and the locks they need

    def _ask(
        self,
        state: StateExecution,
        method: StateMethod,
        *,
        results: tuple[ConditionResult, ...] | None = None,
        wait_until_failed: bool = False,
    ) -> None:
        """Make a state's next call, as soon as it has what it locks."""
        state.method, state.results, state.wait_until_failed = method, results, wait_until_failed
        self._advance(state)

    def _advance(self, state: StateExecution) -> None:
        if self._holding:
            state.phase = Phase.HELD
        elif self._has_locks(state):
            self._make_call(state)
        else:
            state.phase = Phase.LOCKING

    def _has_locks(self, state: StateExecution) -> bool:
        """Take what the next call locks, or queue for it: search attributes first, then data (4.7)."""
        options = state.options
        if not options.search_loading.locks and not options.data_loading.locks:
            return True
        search, data = state.locks()
        if not state.search_locked:
            if not self._locks.take_or_wait(state.number, search):
                return False
            state.search_locked = True
        return self._locks.take_or_wait(state.number, data)

    def _make_call(self, state: StateExecution) -> None:
        options = state.options
        call = state.call(self._attributes.load(options.data_loading, options.search_loading))
        self._call_number += 1
        call_id = CallId(self._call_number)
        limit_ms = _shorter(options.retry.maximum_duration_ms, self.request.options.timeout_ms)
        invoke = Invoke(call_id, self.run, call, options.timeout_ms, options.retry, limit_ms)
        self._calls[call_id] = invoke
        self._caller[call_id] = state
        state.phase, state.call_id, state.search_locked = Phase.CALLING, call_id, False
        self._effects.append(invoke)

    def _end_call(self, call_id: CallId) -> StateExecution:
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

    def _begin_wait(self, state: StateExecution, answer: WaitUntilAnswer) -> None:
        self._wait_number += 1
        wait = OpenWait.begin(answer.wait, number=self._wait_number, state=state.number, now_ms=self._now_ms)
        state.phase, state.wait = Phase.WAITING, wait
        self._touched_channels.update(dict.fromkeys(self._arm(wait)))
        for index, at_ms in enumerate(wait.deadlines_ms):
            if at_ms is not None and at_ms <= self._now_ms:
                self._meet_timer(wait, index)
        self._apply_kept_skips(state)
        self._touched_waits[state.number] = wait

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

    def _apply_kept_skips(self, state: StateExecution) -> None:
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
        if writes.search:
            self._card.write(writes.search)
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
        self._rpcs.open(event)
        self._locks.take(-event.number, locks_of(event))

    def _close_rpc(self, event: RpcClosed) -> None:
        if not self._rpcs.close(event):
            return
        self._freed += self._locks.release(-event.number)
        if event.answer is not None:
            self._apply_rpc(event.answer)

    # Deciding

    def _end_state(self, state: StateExecution) -> None:
        del self._states[state.number]
        del self._state_by_id[state.id]
        if state.listed:
            self._card.leave(state.movement.state_id)

    def _report_completion(self, state: StateExecution, decision: Decision) -> None:
        """2.9: a state has completed once its answer is in, whatever the answer decides."""
        options = self.request.options
        state_id = state.movement.state_id
        if state_id not in options.wait_for_states and state.id not in options.wait_for_state_executions:
            return
        output = next((step.output for step in decision.next if isinstance(step, Closing)), None)
        self._effects.append(CompleteState(state_id, state.id, state.movement.wait_for_key or None, output))

    def _decide(self, state: StateExecution, decision: Decision) -> None:
        """Follow a decision (2.8)."""
        match steps_of(decision, self._channels):
            case Closing() as closing:
                self._end_thread(state, closing)
            case Mistake(message):
                self._fail(RunErrorType.INVALID_WORKFLOW_CODE, message)
            case movements:
                self._queued += movements

    def _end_thread(self, state: StateExecution, closing: Closing) -> None:
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
        if self._card.touched and (update := self._card.update()) is not None:
            self._effects.append(update)
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
        self._rpcs.give_up()
        self._rpcs.asked_again = ()
        self._queued.clear()
        self._skips.clear()
        self._card.leave_all()
        self._locks.clear()
        self._deadlines.clear()
        self._begins_at_ms = None
        self._channels.dismiss()
        # The step that closed the run has settled nothing of these.
        self._touched_channels.clear()
        self._touched_waits.clear()
        self._freed.clear()


_ANSWER = {StateMethod.WAIT_UNTIL: WaitUntilAnswer, StateMethod.EXECUTE: ExecuteAnswer}
_state_number = attrgetter("state")


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
