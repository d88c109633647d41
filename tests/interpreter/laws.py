"""What holds for every program. Each law is a function that raises when a story breaks it.

To run many and see what they met: ``python -m tests.interpreter.laws --programs 100000``.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from time import process_time

from perdure.interpreter.card import EXECUTING_STATES
from perdure.interpreter.codec import decode_event, encode_event
from perdure.interpreter.effects import Abandon, Close, CompleteState, Effect, Index, Invoke
from perdure.interpreter.events import (
    AttributesSet,
    CallExhausted,
    CallRejected,
    CallSucceeded,
    DeadlinePassed,
    Event,
    MessagesPublished,
    Released,
    ResumeCause,
    Resumed,
    RpcClosed,
    RpcOpened,
    RpcWrote,
    SignalReceived,
    TimerSkipped,
)
from perdure.interpreter.execution import Execution
from perdure.interpreter.refusal import RefusalKind
from perdure.interpreter.snapshot import CallSnapshot, Phase, Snapshot, StateSnapshot
from perdure.model.attributes import LoadingPolicy, SearchAttribute
from perdure.model.calls import ExecuteAnswer, Failure, LoadedAttributes, StateCall, StateMethod, WaitUntilAnswer
from perdure.model.conditions import (
    ChannelCondition,
    ChannelKind,
    ChannelResult,
    ConditionResult,
    TimerCondition,
    WaitMode,
)
from perdure.model.decisions import Closing, Decision, Movement
from perdure.model.ids import CallId, RunId, StateExecutionId
from perdure.model.options import RetryPolicy
from perdure.model.outcome import RunStatus
from perdure.model.requests import TimerRef
from perdure.model.value import EncodedValue, Message
from perdure.testing.playbook import brief
from tests.interpreter.programs import Dice, Step, Story, tell
from tests.interpreter.reference import Abandoned, Called, Closed, Completed, Deed, Reference, Result

Law = Callable[[Story], None]
Value = EncodedValue | None
Channel = tuple[ChannelKind, str]

NEW_RUN = RunId("run-2")


def a_restart_changes_nothing(story: Story) -> None:
    """At every cut: snapshot and restore, in every fourth program through the codec; and once from one cut to the end."""
    restart = restarted if story.program % 4 == 0 else restored
    at = Dice(story.program).up_to(len(story.steps) - 1)
    execution = Execution()
    survivor: Execution | None = None
    for number, step in enumerate(story.steps):
        follow(execution, step)
        assert execution.snapshot() == step.after, "the restarted execution remembers something else"
        if survivor is not None:
            follow(survivor, step)
        if step.handled:
            execution = restart(execution)
        if number == at:
            survivor = restarted(execution)
    assert survivor is not None
    assert survivor.snapshot() == story.steps[-1].after


def a_cut_changes_nothing(story: Story) -> None:
    """A new segment at every step: nothing is done, nothing forgotten, and a fold may begin with any of them."""
    dice = Dice(story.program)
    execution = Execution()
    for step in story.steps:
        follow(execution, step)
        assert execution.snapshot() == step.after, "the run goes on as another"
        if execution.closed:
            continue
        genesis = execution.next_segment(ResumeCause.CUT)
        if dice.chance(0.2):
            genesis = through_codec(genesis)
        if dice.chance(0.3):
            execution = Execution()
        assert execution.refuse(genesis) is None
        assert execution.handle(genesis, step.now_ms) == [], "a cut does nothing"
        assert execution.snapshot() == step.after, "a cut forgets nothing"
        assert execution.next_deadline_ms() == step.deadline_ms, "another deadline"


def a_replay_is_the_same_run(story: Story) -> None:
    """The journal alone, through the codec, gives the same effects and the same memory."""
    execution = Execution()
    for step in story.happened:
        told = decode_event(encode_event(step.event))
        assert told == step.event, "the event came back as another"
        assert tuple(execution.handle(told, step.now_ms)) == step.effects, f"{brief(told)}: other effects"
    assert execution.snapshot() == story.steps[-1].after


def the_beginning_knows_nothing_of_the_rest(story: Story) -> None:
    """Told again, and less of it: the same lines."""
    lines = 1 + Dice(story.program).up_to(len(story.steps) - 1)
    assert tell(story.program, lines=lines).steps == story.steps[:lines]


def a_repeated_answer_changes_nothing(story: Story) -> None:
    execution = Execution()
    for step in story.happened:
        assert tuple(execution.handle(step.event, step.now_ms)) == step.effects
        if isinstance(step.event, CallSucceeded | CallExhausted | CallRejected | RpcClosed):
            refusal = execution.refuse(step.event)
            expected = RefusalKind.CLOSED if execution.closed else RefusalKind.STALE
            assert refusal is not None
            assert refusal.kind is expected
            assert execution.handle(step.event, step.now_ms + 1) == []
            assert execution.snapshot() == step.after


def no_message_is_lost_or_taken_twice(story: Story) -> None:
    """Every message is unread, held by a wait, delivered in one call, or dropped with the end; in order."""
    accepted: dict[Channel, list[Value]] = {}
    delivered: Counter[tuple[Channel, Value]] = Counter()
    held: Counter[tuple[Channel, Value]] = Counter()
    for step in story.happened:
        for channel, value in messages_of(step.event):
            accepted.setdefault(channel, []).append(value)
        for effect in step.effects:
            if isinstance(effect, Invoke):
                delivered.update(values_of(effect.call.results or ()))
        if step.after.outcome is None:
            # At an end what was held is dropped.
            held = Counter(taken for state in step.after.states for taken in held_by(state))
        unread = {(channel.kind, channel.name): list(channel.messages) for channel in step.after.channels}
        here = held + delivered
        here.update((channel, value) for channel, values in unread.items() for value in values)
        everything = Counter((channel, value) for channel, values in accepted.items() for value in values)
        assert here == everything, f"lost {everything - here}, found twice {here - everything}"
        for channel, values in accepted.items():
            left = unread.get(channel, [])
            assert values[len(values) - len(left) :] == left, f"{channel}: not the oldest was taken"
        for channel, taken in takers(step):
            places = [accepted[channel].index(value) for value in taken if value is not None]
            assert places == sorted(places), f"{channel}: taken out of order"


def every_open_execution_has_something_to_wait_for(story: Story) -> None:
    for step in story.steps:
        snapshot = step.after
        if snapshot.outcome is not None:
            assert step.deadline_ms is None
            continue
        calls = {call.id for call in snapshot.calls}
        held = held_keys(snapshot)
        for state in snapshot.states:
            match state.phase:
                case Phase.CALLING:
                    assert state.call_id in calls, f"{state.id} waits for a call that is not under way"
                case Phase.LOCKING:
                    assert wanted_keys(state) & held, f"{state.id} waits for locks that are free"
                case Phase.WAITING:
                    assert_waits(state, step)
        assert snapshot.begins_at_ms is not None or not snapshot.queued, "states are queued that nothing will start"
        own = [at_ms for at_ms in (snapshot.begins_at_ms, snapshot.expires_at_ms) if at_ms is not None]
        assert not own or (step.deadline_ms is not None and step.deadline_ms <= min(own))
        if not snapshot.states and not snapshot.queued:
            assert not snapshot.completing, "all is done, and it was asked to complete"


def everything_goes_by_the_book(story: Story) -> None:
    """Step by step what the naive reference does."""
    reference = Reference()
    for step in story.steps:
        asked = reference.refuse(step.event)
        refused = step.refusal.kind if step.refusal else None
        assert refused is asked, f"{brief(step.event)}: refused {refused}, the book says {asked}"
        if step.handled:
            deeds = reference.tell(step.event, step.now_ms)
            found = [deed for effect in step.effects if (deed := deed_of(effect)) is not None]
            assert found == deeds, f"{brief(step.event)}: did {found}, the book says {deeds}"
        assert step.deadline_ms == reference.deadline_ms()
        found_now, expected_now = picture(step.after), picture_by_the_book(reference)
        assert found_now == expected_now, f"{brief(step.event)}: is {found_now}, the book says {expected_now}"


def what_is_not_refused_can_be_handled(story: Story) -> None:
    """So can everything else: late, repeated, out of place. What is refused changes nothing, but for skips."""
    dice = Dice(story.program)
    events = [step.event for step in story.steps]
    step = dice.one(story.steps)
    execution = Execution.restore(step.after)
    before = step.after
    for event in [*dice.some(events, 6), *nonsense(execution), dice.one(events)]:
        refusal = execution.refuse(event)
        execution.handle(event, step.now_ms)
        after = execution.snapshot()
        if refusal is not None and refusal.kind is not RefusalKind.NO_TIMER:
            assert after == before, f"{brief(event)} was refused, and changed something"
        before = after
    follower = restarted(execution)
    for event in events[:4]:
        assert execution.handle(event, step.now_ms) == follower.handle(event, step.now_ms)


def a_reset_goes_on_like_the_original(story: Story) -> None:
    """A new run from a cut makes the calls under way again, and then what happened to the old one happens to it."""
    open_cuts = sum(step.after.outcome is None for step in story.steps)
    at = Dice(story.program).up_to(open_cuts - 1)
    cut = story.steps[at]
    execution = Execution()
    resumed = Resumed(cut.after, NEW_RUN, ResumeCause.RESET)
    effects = execution.handle(decode_event(encode_event(resumed)), cut.now_ms)
    assert not any(isinstance(effect, Invoke) for effect in effects), "a call before what is handed over again"
    execution = restored(execution)
    calls = [effect for effect in execution.handle(Released(), cut.now_ms) if isinstance(effect, Invoke)]
    assert calls == execution.outstanding()
    assert all(call.run.run_id == NEW_RUN for call in calls)
    assert execution.run.first_run_id == cut.after.run.first_run_id
    assert execution.open_rpcs == (), "nobody is left to close them"
    if cut.after.rpcs or any(state.phase is Phase.LOCKING for state in cut.after.states):
        return  # others may have the locks now
    under_way = {state.call_id for state in cut.after.states}
    old = sorted(
        (call for call in cut.after.calls if call.id in under_way), key=lambda call: state_number(cut, call.id)
    )
    assert list(map(remade, calls)) == list(map(remade, old)), "a call under way is not made again"
    CallMap(old, calls, execution).goes_on(story.steps[at + 1 :])


def the_index_is_what_its_updates_say(story: Story) -> None:
    card: dict[str, SearchAttribute] = {}
    for step in story.happened:
        updates = [effect for effect in step.effects if isinstance(effect, Index)]
        assert len(updates) <= 1, "one update a step"
        for attribute in updates[0].attributes if updates else ():
            assert attribute.key != EXECUTING_STATES or card.get(attribute.key) != attribute, "nothing new in it"
            card[attribute.key] = attribute
        listed = tuple(sorted({state.movement.state_id for state in step.after.states if state.listed}))
        found = card.get(EXECUTING_STATES)
        assert (found.value if found else ()) == listed
        assert {key: value for key, value in card.items() if key != EXECUTING_STATES} == {
            attribute.key: attribute for attribute in step.after.search
        }


LAWS: tuple[Law, ...] = (
    a_restart_changes_nothing,
    a_cut_changes_nothing,
    a_replay_is_the_same_run,
    the_beginning_knows_nothing_of_the_rest,
    a_repeated_answer_changes_nothing,
    no_message_is_lost_or_taken_twice,
    every_open_execution_has_something_to_wait_for,
    everything_goes_by_the_book,
    what_is_not_refused_can_be_handled,
    a_reset_goes_on_like_the_original,
    the_index_is_what_its_updates_say,
)


# What the laws ask


def follow(execution: Execution, step: Step) -> None:
    """Tell another execution the same and see it do the same."""
    assert execution.refuse(step.event) == step.refusal, f"{brief(step.event)}: refused otherwise"
    if step.handled:
        effects = tuple(execution.handle(step.event, step.now_ms))
        assert effects == step.effects, f"{brief(step.event)}: did {brief(effects)}, expected {brief(step.effects)}"
    assert execution.next_deadline_ms() == step.deadline_ms, "another deadline"


def restored(execution: Execution) -> Execution:
    return Execution.restore(execution.snapshot())


def restarted(execution: Execution) -> Execution:
    genesis = Resumed(execution.snapshot(), execution.run.run_id, ResumeCause.CUT)
    return Execution.restore(through_codec(genesis).snapshot)


def through_codec(genesis: Resumed) -> Resumed:
    told = decode_event(encode_event(genesis))
    assert isinstance(told, Resumed)
    return told


def messages_of(event: Event) -> Iterator[tuple[Channel, Value]]:
    messages: tuple[Message, ...] = ()
    match event:
        case SignalReceived():
            yield (ChannelKind.SIGNAL, event.channel), event.value
        case MessagesPublished():
            messages = event.messages
        case CallSucceeded() | RpcWrote():
            messages = event.answer.writes.messages
        case RpcClosed() if event.answer is not None:
            messages = event.answer.writes.messages
    for message in messages:
        yield (ChannelKind.INTERNAL, message.channel), message.value


def values_of(results: Iterable[ConditionResult]) -> Iterator[tuple[Channel, Value]]:
    for result in results:
        if isinstance(result, ChannelResult):
            assert result.received or not result.values
            for value in result.values:
                yield (result.kind, result.channel), value


def held_by(state: StateSnapshot) -> Iterator[tuple[Channel, Value]]:
    if state.pending is not None:
        yield from values_of(state.pending.results or ())
    if state.wait is not None:
        for condition, taken in zip(state.wait.wait.conditions, state.wait.taken, strict=True):
            for value in taken:
                assert isinstance(condition, ChannelCondition)
                yield (condition.kind, condition.channel), value


def takers(step: Step) -> Iterator[tuple[Channel, tuple[Value, ...]]]:
    """What each condition took, of the calls just made and of the waits still open."""
    for effect in step.effects:
        for result in effect.call.results or () if isinstance(effect, Invoke) else ():
            if isinstance(result, ChannelResult):
                yield (result.kind, result.channel), result.values
    for state in step.after.states:
        if state.wait is not None:
            for condition, taken in zip(state.wait.wait.conditions, state.wait.taken, strict=True):
                if isinstance(condition, ChannelCondition):
                    yield (condition.kind, condition.channel), taken


def keys_of(state: StateSnapshot, method: StateMethod) -> tuple[set[str], set[str]]:
    options = state.movement.options
    call = options.wait_until if method is StateMethod.WAIT_UNTIL else options.execute
    return _keys("search", call.search_loading), _keys("data", call.data_loading)


def _keys(table: str, policy: LoadingPolicy) -> set[str]:
    return {f"{table} {key}" for key in policy.locks or ()}


def held_keys(snapshot: Snapshot) -> set[str]:
    methods = {call.id: call.call.method for call in snapshot.calls}
    held: set[str] = set()
    for state in snapshot.states:
        if state.call_id is not None:
            search, data = keys_of(state, methods[state.call_id])
            held |= search | data
        elif state.pending is not None and state.search_locked:
            held |= keys_of(state, state.pending.method)[0]
    for rpc in snapshot.rpcs:
        held |= {f"data {key}" for key in rpc.data_locks} | {f"search {key}" for key in rpc.search_locks}
    return held


def wanted_keys(state: StateSnapshot) -> set[str]:
    assert state.pending is not None
    search, data = keys_of(state, state.pending.method)
    return data if state.search_locked else search


def assert_waits(state: StateSnapshot, step: Step) -> None:
    """A wait that goes on has something left that can end it, and nothing that should have."""
    wait = state.wait
    assert wait is not None
    unread = {(channel.kind, channel.name): len(channel.messages) for channel in step.after.channels}
    names = Counter(c.id for c, met in zip(wait.wait.conditions, wait.met, strict=True) if met)
    match wait.wait.mode:
        case WaitMode.ANY:
            assert not any(wait.met), f"{state.id}: one condition is met"
        case WaitMode.COMBINATION:
            # One that asks for an id more often than it is there can never be covered; iWF accepts it all the same.
            assert not any(Counter(wanted) <= names for wanted in wait.wait.combinations), f"{state.id}: covered"
        case _:
            assert not all(wait.met), f"{state.id}: all conditions are met"
    for at_ms, met in zip(wait.deadlines_ms, wait.met, strict=True):
        if at_ms is not None and not met:
            assert step.deadline_ms is not None
            assert step.deadline_ms <= at_ms, f"{state.id}: nobody will wake it at {at_ms}"
    for index, condition in enumerate(wait.wait.conditions):
        if isinstance(condition, ChannelCondition) and not wait.met[index]:
            assert condition.at_least > 0, f"{state.id}: a condition on no messages blocks"
            first = not any(
                other.wait is not None and is_before(other, state, condition, index) for other in step.after.states
            )
            there = unread.get((condition.kind, condition.channel), 0)
            assert not first or there < condition.at_least, f"{state.id}: its messages are there and it waits"


def is_before(other: StateSnapshot, state: StateSnapshot, condition: ChannelCondition, index: int) -> bool:
    """Whether *other* waits on the same channel since before."""
    assert other.wait is not None
    assert state.wait is not None
    return any(
        isinstance(theirs, ChannelCondition)
        and (theirs.kind, theirs.channel) == (condition.kind, condition.channel)
        and not other.wait.met[place]
        and (other.wait.number, place) < (state.wait.number, index)
        for place, theirs in enumerate(other.wait.wait.conditions)
    )


def nonsense(execution: Execution) -> list[Event]:
    """Events that nobody should send."""
    wrong: list[Event] = [
        CallExhausted(CallId(-1), Failure("")),
        RpcOpened(0, ("k",)),
        RpcOpened(execution.next_rpc_number + 5, ("k", "k"), ("k",)),
        RpcOpened(execution.next_rpc_number, ("k",), ("l",)),
        RpcOpened(execution.next_rpc_number, ("k",), again=True),
        RpcClosed(-7, None),
        TimerSkipped(TimerRef(StateExecutionId("A-1"), None, -1)),
        TimerSkipped(TimerRef(StateExecutionId("A-1"), None, 10**9)),
        TimerSkipped(TimerRef(StateExecutionId(""))),
        MessagesPublished(()),
        AttributesSet(),
        DeadlinePassed(),
        Released(),
    ]
    for call in execution.outstanding():
        answer = WaitUntilAnswer() if call.call.method is StateMethod.EXECUTE else ExecuteAnswer(Decision())
        wrong.append(CallSucceeded(call.call_id, answer))
        assert execution.refuse(wrong[-1]) is not None, "an answer to another question"
    return wrong


def remade(call: Invoke | CallSnapshot) -> tuple[StateCall, int, RetryPolicy, int]:
    """Everything of a call but its number and the attributes, which are read anew."""
    return replace(call.call, attributes=LoadedAttributes()), call.timeout_ms, call.retry, call.limit_ms


def state_number(step: Step, call_id: CallId) -> int:
    return next(state.number for state in step.after.states if state.call_id == call_id)


class CallMap:
    """The calls of an old run and those of a new one, which has other numbers for them."""

    def __init__(self, old: Sequence[CallSnapshot], new: Sequence[Invoke], execution: Execution) -> None:
        self._new_of = {call.id: again.call_id for call, again in zip(old, new, strict=True)}
        self._execution = execution

    def goes_on(self, steps: Iterable[Step]) -> None:
        """Tell the new run what happened to the old one, and see it do the same, but for its own timeout."""
        for step in steps:
            if step.after.outcome is not None and step.after.outcome.status is RunStatus.TIMED_OUT:
                return
            event = step.event
            if isinstance(event, CallSucceeded | CallExhausted | CallRejected):
                event = replace(event, call_id=self._new_of.get(event.call_id, CallId(-1)))
            refusal = self._execution.refuse(event)
            effects = self._execution.handle(event, step.now_ms) if step.handled else []
            outcome = self._execution.outcome
            if outcome is not None and outcome.status is RunStatus.TIMED_OUT:
                return
            assert refusal == step.refusal, f"{brief(event)}: refused otherwise"
            assert len(effects) == len(step.effects), f"{brief(event)}: did {brief(tuple(effects))}"
            expected = list(map(self._moved, step.effects, effects))
            assert sorted(expected, key=_abandoned) == sorted(effects, key=_abandoned), f"{brief(event)}: did otherwise"

    def _moved(self, effect: Effect, again: Effect) -> Effect:
        if isinstance(effect, Invoke) and isinstance(again, Invoke):
            self._new_of[effect.call_id] = again.call_id
            return replace(effect, call_id=again.call_id, run=self._execution.run)
        return Abandon(self._new_of[effect.call_id]) if isinstance(effect, Abandon) else effect


def _abandoned(effect: Effect) -> int:
    """What is abandoned is told by the calls' numbers, which differ; nothing else changes its place."""
    return effect.call_id if isinstance(effect, Abandon) else 0


def deed_of(effect: Effect) -> Deed | None:
    match effect:
        case Invoke(call_id, _, call):
            results = None if call.results is None else tuple(_result_of(result) for result in call.results)
            seen = call.attributes
            return Called(call_id, call.state_execution_id, call.method, results, seen.data, seen.search)
        case Abandon():
            return Abandoned(effect.call_id)
        case CompleteState():
            return Completed(effect.state_execution_id, effect.wait_for_key, effect.output)
        case Close(outcome):
            outputs = outcome.results
            results_by = None if outputs is None else tuple((o.state_execution_id, o.output) for o in outputs)
            return Closed(outcome.status, outcome.error_type, results_by)
        case Index():
            return None


def _result_of(result: ConditionResult) -> Result:
    if isinstance(result, ChannelResult):
        return Result(result.received, result.values)
    return Result(result.fired, ())


Picture = tuple[list[object], dict[Channel, list[Value]], list[Movement]]


def picture(snapshot: Snapshot) -> Picture:
    states: list[object] = [
        (
            state.id,
            state.phase,
            state.call_id,
            state.search_locked,
            [] if state.wait is None else list(zip(state.wait.met, map(list, state.wait.taken), strict=True)),
        )
        for state in snapshot.states
    ]
    channels = {(channel.kind, channel.name): list(channel.messages) for channel in snapshot.channels}
    return states, channels, list(snapshot.queued)


def picture_by_the_book(reference: Reference) -> Picture:
    states: list[object] = [
        (
            state.id,
            state.phase,
            state.call_id,
            state.holds_search and state.phase is Phase.LOCKING,
            [(need.met, need.taken) for need in state.needs],
        )
        for state in reference.states
    ]
    return states, {name: values for name, values in reference.channels.items() if values}, reference.queued


# What a run of the laws has met


def sights(story: Story) -> Iterator[str]:
    """Name every kind of thing that this story shows."""
    for step in story.steps:
        if step.refusal is not None:
            yield f"refused: {step.refusal.kind.value}"
        if not step.handled:
            continue
        yield f"event: {type(step.event).__name__}"
        yield from (f"effect: {type(effect).__name__}" for effect in step.effects)
        yield from (f"phase: {state.phase}" for state in step.after.states)
        if step.event == DeadlinePassed() and not step.effects:
            yield "time: told too early"
        if isinstance(step.event, CallSucceeded):
            yield from _sights_of_answer(step.event.answer)
    yield from (
        "time: went backwards"
        for one, two in zip(story.steps, story.steps[1:], strict=False)
        if two.now_ms < one.now_ms
    )
    outcome = story.steps[-1].after.outcome
    yield f"end: {outcome.status if outcome else 'still open'}"


def _sights_of_answer(answer: WaitUntilAnswer | ExecuteAnswer) -> Iterator[str]:
    if isinstance(answer, WaitUntilAnswer):
        yield f"wait: {answer.wait.mode if answer.wait.conditions else 'for nothing'}"
        for condition in answer.wait.conditions:
            if isinstance(condition, TimerCondition):
                yield "condition: timer"
            else:
                yield f"condition: {condition.kind}"
                yield f"condition: at least {condition.at_least}"
        return
    close = answer.decision.close_if_empty
    if close is not None:
        yield f"decision: close if {close.check.value if close.check else 'it has no type'}"
    steps = answer.decision.next
    closings = [step for step in steps if isinstance(step, Closing)]
    if closings:
        yield f"decision: {closings[0].kind.value if len(steps) == 1 else 'a closing beside others'}"
    else:
        yield f"decision: {'one movement' if len(steps) == 1 else 'many movements'}"


EXPECTED_SIGHTS = frozenset(
    sight.strip()
    for sight in """event: Started · event: CallSucceeded · event: CallExhausted · event: CallRejected · event: SignalReceived
    event: MessagesPublished · event: AttributesSet · event: RpcWrote · event: RpcOpened · event: RpcClosed
    event: TimerSkipped · event: DeadlinePassed · event: ConfigUpdated · event: Stopped · event: Resumed · event: Released
    effect: Invoke · effect: Abandon · effect: CompleteState · effect: Index · effect: Close
    refused: closed · refused: locked · refused: no timer · refused: invalid · refused: stale
    phase: locking · phase: calling · phase: waiting
    wait: ALL · wait: ANY · wait: COMBINATION · wait: for nothing
    condition: timer · condition: SIGNAL · condition: INTERNAL
    condition: at least 0 · condition: at least 1 · condition: at least 2 · condition: at least 3
    decision: one movement · decision: many movements · decision: a closing beside others
    decision: _SYS_DEAD_END · decision: _SYS_GRACEFUL_COMPLETING_WORKFLOW
    decision: _SYS_FORCE_COMPLETING_WORKFLOW · decision: _SYS_FORCE_FAILING_WORKFLOW
    decision: close if FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY · decision: close if it has no type
    decision: close if FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY
    decision: close if GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY
    end: still open · end: COMPLETED · end: FAILED · end: TIMEOUT · end: TERMINATED · end: CANCELED
    time: went backwards · time: told too early""".replace("\n", "·").split("·")
)
"""None of these may be missing after a few hundred programs: a law over what never happens says nothing."""


def check(story: Story, laws: Iterable[Law] = LAWS) -> None:
    """Hold one story to the laws.

    Raises:
        AssertionError: one is broken; the message names it and tells the story.
    """
    for law in laws:
        try:
            law(story)
        except Exception as error:
            raise AssertionError(f"program {story.program} breaks {law.__name__}: {error!r}\n{told(story)}") from error


def told(story: Story) -> str:
    lines: list[str] = []
    for step in story.steps:
        lines.append(f"{'>>' if step.handled else '>?'} {brief(step.event)}  at {step.now_ms} ms")
        lines += [f"<< refused: {step.refusal.kind.value}"] if step.refusal else []
        lines += [f"<< {brief(effect)}" for effect in step.effects]
    return "\n".join(lines)


def digest(programs: range) -> str:
    """Return one number for everything these programs do: the same in every process."""
    total = sha256()
    for program in programs:
        for step in tell(program).happened:
            encoded = encode_event(step.event)
            after = encode_event(Resumed(step.after, step.after.run.run_id, ResumeCause.CUT))
            total.update(repr((encoded, step.refusal, step.effects, after)).encode())
    return total.hexdigest()


def hold(programs: Iterable[int]) -> Counter[str]:
    """Hold these programs to every law and count what they met."""
    seen: Counter[str] = Counter()
    for program in programs:
        story = tell(program)
        check(story)
        seen["programs"] += 1
        seen["events"] += len(story.happened)
        for kind in ("Resumed", "Released"):
            seen[f"event: {kind}"] += 1  # the law of resets goes on from one cut of every story
        seen.update(sights(story))
    return seen


def main(arguments: list[str]) -> int:
    """Hold many programs to the laws and print what they met."""
    parser = argparse.ArgumentParser(prog="python -m tests.interpreter.laws")
    parser.add_argument("--programs", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args(arguments)
    programs = range(given.first, given.first + given.programs)
    began = process_time()
    seen = hold(programs)
    seen["seconds of CPU"] = round(process_time() - began)
    sys.stdout.writelines(f"{seen[name]:>10}  {name}\n" for name in sorted(seen))
    unseen = sorted(EXPECTED_SIGHTS - seen.keys())
    sys.stdout.writelines(f"     never  {name}\n" for name in unseen)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
