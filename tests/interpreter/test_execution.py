"""Conversations with an execution: the rules of states, decisions, failures and ends."""

from dataclasses import replace

import pytest

from perdure.interpreter.effects import Abandon, Close, CompleteState, Index
from perdure.interpreter.events import (
    AttributesSet,
    CallRejected,
    CallSucceeded,
    ConfigUpdated,
    DeadlinePassed,
    MessagesPublished,
    Released,
    ResumeCause,
    Resumed,
    RpcClosed,
    RpcOpened,
    RpcWrote,
    SignalReceived,
    Stopped,
    TimerSkipped,
)
from perdure.interpreter.execution import Execution
from perdure.interpreter.refusal import RefusalKind
from perdure.model.attributes import (
    DataAttribute,
    LoadingPolicy,
    SearchAttribute,
    SearchAttributeType,
)
from perdure.model.calls import LoadedAttributes, RpcAnswer, WaitUntilAnswer, Writes
from perdure.model.conditions import (
    ChannelCondition,
    ChannelKind,
    ChannelResult,
    TimerCondition,
    TimerResult,
    Wait,
    WaitMode,
)
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, EmptyCheck, Movement
from perdure.model.ids import CallId, RunId, StateExecutionId, StateId, WorkflowId
from perdure.model.options import (
    CallOptions,
    ExecutingStatesMode,
    RetryPolicy,
    StartOptions,
    StateOptions,
    WorkflowConfig,
)
from perdure.model.outcome import Outcome, RunErrorType, RunStatus, StateOutput, StopKind
from perdure.model.requests import RpcCall, TimerRef
from perdure.model.value import EncodedValue, Message
from perdure.testing import Playbook, rule
from tests.interpreter.story import (
    DEAD_END,
    FAIL,
    FORCE,
    GRACEFUL,
    RUN,
    completed,
    execute,
    executing,
    failed,
    gives_up,
    goes,
    move,
    signal,
    start,
    value,
    wait_until,
    waiting,
    waits,
)

X, Y = value('"x"'), value('"y"')
DAY_MS = 24 * 3600 * 1000


@rule("0.3", "2.1")
def test_sign_up_reminds_once_a_day_until_verified() -> None:
    """The case study, whole: a timer sends the user round again, a message ends it."""
    until_verified = (TimerCondition(duration_ms=DAY_MS), ChannelCondition("verified"))
    nothing_yet = ChannelResult("", "verified", ChannelKind.INTERNAL, received=False)
    with Playbook() as book:
        book.when(start(move("submit", X)), at_ms=0).then(execute(1, "submit-1", state_input=X))
        book.when(goes(1, waiting("verify"))).then(wait_until(2, "verify-1"), executing("verify"))
        book.when(waits(2, *until_verified, mode=WaitMode.ANY)).then()
        book.deadline(DAY_MS).restarted()
        book.when(DeadlinePassed(), at_ms=DAY_MS).then(
            execute(3, "verify-1", results=(TimerResult("", fired=True), nothing_yet))
        )
        book.when(goes(3, waiting("verify"))).then(wait_until(4, "verify-2"))
        book.when(waits(4, *until_verified, mode=WaitMode.ANY)).then().deadline(2 * DAY_MS)
        clicked = MessagesPublished((Message("verified", X),))
        got = replace(nothing_yet, received=True, values=(X,))
        book.when(clicked, at_ms=DAY_MS + 5).then(execute(5, "verify-2", results=(TimerResult("", fired=False), got)))
        book.when(goes(5, Closing(GRACEFUL, Y))).then(executing(), completed(("verify-2", Y)))
        book.deadline(None).refused(clicked, RefusalKind.CLOSED)


@rule("2.1", "B6")
def test_many_movements_start_at_once_and_are_numbered_by_state() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(goes(1, move("A"), move("B"), move("A", X))).then(
            execute(2, "A-1"), execute(3, "B-1"), execute(4, "A-2", state_input=X)
        )


@rule("1.4")
def test_a_run_without_a_starting_state_idles_until_an_rpc_starts_one() -> None:
    with Playbook() as book:
        book.when(start(None)).then().deadline(None)
        book.when(RpcWrote(RpcAnswer(movements=(move("S"),)))).then(execute(1, "S-1"))


@rule("8.7")
def test_a_start_delay_holds_the_states_back_and_nothing_else() -> None:
    with Playbook() as book:
        book.when(start(waiting("S"), delay_ms=500, data=(DataAttribute("a", X),)), at_ms=1_000).then()
        book.deadline(1_500).restarted()
        assert book.execution.load().data == (DataAttribute("a", X),), "the reference answers reads with 500 here"
        book.when(RpcWrote(RpcAnswer(movements=(move("T"),)))).then()
        book.when(SignalReceived("early", Y)).then()
        book.when(DeadlinePassed(), at_ms=1_499).then()
        book.when(DeadlinePassed(), at_ms=1_500).then_of(*[type(wait_until(1, "S-1"))] * 2, Index)
        book.when(waits(1, signal("early"))).then_of(type(execute(3, "S-1")))


@rule("8.7", "8.1")
def test_a_run_can_be_stopped_during_its_delay() -> None:
    with Playbook() as book:
        book.when(start(move("S"), delay_ms=500)).then()
        book.when(Stopped(StopKind.CANCEL)).then(Close(Outcome(RunStatus.CANCELED))).deadline(None)


@rule("2.8", "B7")
def test_a_graceful_completion_waits_for_all_others_and_collects_outputs_in_order() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then_of(type(execute(1, "S-1")))
        book.when(goes(1, move("A"), move("B"))).then(execute(2, "A-1"), execute(3, "B-1"))
        book.when(goes(2, Closing(GRACEFUL, X))).then()
        book.restarted()
        book.when(RpcWrote(RpcAnswer(movements=(move("C"),)))).then(execute(4, "C-1"))
        book.when(goes(3, Closing(DEAD_END, Y))).then()
        book.when(goes(4, Closing(GRACEFUL, Y))).then(completed(("A-1", X), ("C-1", Y)))


@rule("2.8", "2.10", "B8")
def test_a_dead_end_leaves_the_run_open_with_nothing_to_do() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(goes(1, Closing(DEAD_END, X))).then()
        assert not book.execution.closed
        book.when(RpcWrote(RpcAnswer(movements=(move("T"),)))).then(execute(2, "T-1"))
        book.when(goes(2, Closing(GRACEFUL))).then(completed())


@rule("2.8", "B9")
def test_a_forced_completion_abandons_what_is_under_way() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then_of(type(execute(1, "S-1")))
        book.when(goes(1, move("A"), move("B"))).then(execute(2, "A-1"), execute(3, "B-1"))
        book.when(goes(2, Closing(FORCE, X))).then(Abandon(CallId(3)), completed(("A-1", X)))
        book.refused(goes(3, Closing(FAIL)), RefusalKind.CLOSED)


@rule("2.8", "1.12")
def test_a_forced_failure_returns_what_was_collected_even_if_that_is_nothing() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(goes(1, Closing(FAIL))).then(failed(RunErrorType.STATE_DECISION, results=()))
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        output = (StateOutput(StateId("S"), StateExecutionId("S-1"), X),)
        book.when(goes(1, Closing(FAIL, X))).then(failed(RunErrorType.STATE_DECISION, results=output))


@rule("2.8")
@pytest.mark.parametrize("kind", [GRACEFUL, FORCE, FAIL, DEAD_END])
def test_a_closing_beside_anything_else_fails_the_run(kind: ClosingKind) -> None:
    text = "invalid state decisions. Closing workflow decision cannot be combined with other state decisions"
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        written = Writes(data=(DataAttribute("a", X),))
        book.when(goes(1, move("T"), Closing(kind), writes=written)).then(
            failed(RunErrorType.INVALID_WORKFLOW_CODE, text)
        )
        assert book.execution.load().data == (DataAttribute("a", X),), "what the answer wrote stays"


@rule("2.8.1", "B10")
@pytest.mark.parametrize(
    ("check", "kind"),
    [(EmptyCheck.INTERNAL_CHANNEL, ChannelKind.INTERNAL), (EmptyCheck.SIGNAL_CHANNEL, ChannelKind.SIGNAL)],
)
def test_a_conditional_close_looks_and_closes_in_one_step(check: EmptyCheck, kind: ChannelKind) -> None:
    message = SignalReceived("c", X) if kind is ChannelKind.SIGNAL else MessagesPublished((Message("c", X),))
    close = CloseIfEmpty(check, "c", Y)
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(message).then()
        book.when(goes(1, waiting("T"), if_empty=close)).then(wait_until(2, "T-1"), executing("T"))
        book.when(waits(2, ChannelCondition("c", kind))).then_of(type(execute(3, "T-1")))
        book.when(goes(3, Movement(StateId("T")), if_empty=close)).then(executing(), completed(("T-1", Y)))


@rule("2.8.1")
def test_what_the_answer_itself_publishes_counts_as_unread() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        own = Writes(messages=(Message("c", X),))
        close = CloseIfEmpty(EmptyCheck.INTERNAL_CHANNEL, "c")
        book.when(goes(1, move("T"), writes=own, if_empty=close)).then(execute(2, "T-1"))


@rule("2.8.1")
def test_what_a_waiting_state_holds_does_not_count() -> None:
    both = (ChannelCondition("c"), ChannelCondition("never"))
    with Playbook() as book:
        book.when(start(waiting("W"))).then_of(type(wait_until(1, "W-1")), Index)
        book.when(waits(1, *both)).then()
        book.when(RpcWrote(RpcAnswer(writes=Writes(messages=(Message("c", X),)), movements=(move("S"),)))).then(
            execute(2, "S-1")
        )
        book.when(goes(2, move("T"), if_empty=CloseIfEmpty(EmptyCheck.INTERNAL_CHANNEL, "c"))).then(
            executing(), completed()
        )


@rule("2.8.1")
def test_closing_when_all_channels_are_empty_is_graceful() -> None:
    """The reference refuses this; the protocol has it."""
    close = CloseIfEmpty(EmptyCheck.ALL_CHANNELS, output=Y)
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(SignalReceived("anything", X)).then()
        book.when(goes(1, waiting("T"), if_empty=close)).then(wait_until(2, "T-1"), executing("T"))
        book.when(waits(2, signal("anything"))).then_of(type(execute(3, "T-1")))
        book.when(goes(3, move("T"), if_empty=close)).then(executing(), completed(("T-1", Y)))


@rule("2.8.1")
def test_the_other_way_out_of_a_conditional_close_may_not_be_a_closing() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(SignalReceived("c")).then()
        close = CloseIfEmpty(EmptyCheck.SIGNAL_CHANNEL, "c")
        book.when(goes(1, move("T"), Closing(FAIL), if_empty=close)).then(
            failed(
                RunErrorType.INVALID_WORKFLOW_CODE,
                "invalid ConditionUnmetDecision with stateId: _SYS_FORCE_FAILING_WORKFLOW",
            )
        )


@rule("2.8.1")
def test_a_conditional_close_without_a_type_fails_the_run() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        text = "invalid state decisions. Unsupported ConditionalCloseType "
        book.when(goes(1, move("T"), if_empty=CloseIfEmpty(None))).then(
            failed(RunErrorType.INVALID_WORKFLOW_CODE, text)
        )


@rule("2.9")
def test_completions_are_reported_for_the_states_the_start_named() -> None:
    options = StartOptions(wait_for_states=frozenset({StateId("A")}), wait_for_state_executions=frozenset({"B-1"}))
    with Playbook() as book:
        book.when(start(move("S"), options=options)).then(execute(1, "S-1"))
        book.when(goes(1, move("A"), move("A", key="k"), move("B"))).then_of(*[type(execute(1, "S-1"))] * 3)
        book.when(goes(2, Closing(DEAD_END, X))).then(CompleteState(StateId("A"), StateExecutionId("A-1"), None, X))
        book.when(goes(3, move("B"))).then(
            CompleteState(StateId("A"), StateExecutionId("A-2"), "k", None), execute(5, "B-2")
        )
        book.when(goes(4, Closing(GRACEFUL, Y))).then(CompleteState(StateId("B"), StateExecutionId("B-1"), None, Y))
        book.when(goes(5, Closing(GRACEFUL, Y))).then(completed(("B-1", Y), ("B-2", Y)))


@rule("3.4", "2.10")
def test_a_call_that_cannot_succeed_fails_the_run_at_once_and_drops_outputs() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(goes(1, move("A"), move("B"), move("C"))).then_of(*[type(execute(1, "S-1"))] * 3)
        book.when(goes(2, Closing(GRACEFUL, X))).then()
        book.when(gives_up(3)).then(Abandon(CallId(4)), failed(RunErrorType.STATE_CALL, "ValueError: no"))


@rule("3.4", "B15")
def test_after_a_failed_wait_until_a_state_may_execute_all_the_same() -> None:
    with Playbook() as book:
        book.when(start(move("S", X, StateOptions(proceed_on_wait_until_failure=True)))).then_of(
            type(wait_until(1, "S-1")), Index
        )
        book.when(gives_up(1)).then_of(type(execute(2, "S-1")))
        call = book.execution.outstanding()[0].call
        assert call.wait_until_failed
        assert call.results == ()


@rule("3.4")
def test_after_a_failed_execute_a_configured_state_takes_over_with_the_same_input() -> None:
    options = StateOptions(skip_wait_until=True, recover_state_id=StateId("undo"), recover_options=StateOptions())
    with Playbook() as book:
        book.when(start(move("S", X, options))).then(execute(1, "S-1", state_input=X))
        book.when(gives_up(1)).then(wait_until(2, "undo-1", state_input=X), executing("undo"))


@rule("4.2")
def test_an_answer_that_can_never_be_accepted_fails_the_run_saying_why() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(CallRejected(CallId(1), "X is INT here, found KEYWORD")).then(
            failed(RunErrorType.INVALID_WORKFLOW_CODE, "X is INT here, found KEYWORD")
        )


@rule("3.2")
def test_a_calls_limit_is_the_shorter_of_its_own_and_the_workflows_timeout() -> None:
    def limit_ms(duration_ms: int, timeout_ms: int) -> int:
        retry = RetryPolicy(maximum_duration_ms=duration_ms)
        options = StateOptions(skip_wait_until=True, execute=CallOptions(retry=retry))
        book = Playbook().when(start(move("S", None, options), options=StartOptions(timeout_ms=timeout_ms)))
        return book.execution.outstanding()[0].limit_ms

    assert [limit_ms(0, 0), limit_ms(5, 0), limit_ms(0, 7), limit_ms(5, 7), limit_ms(9, 7)] == [0, 5, 7, 5, 7]


@rule("2.1", "4.6")
def test_each_method_is_called_with_its_own_options() -> None:
    options = StateOptions(
        wait_until=CallOptions(timeout_ms=1_000, data_loading=LoadingPolicy(locks=())),
        execute=CallOptions(timeout_ms=2_000, retry=RetryPolicy(maximum_attempts=3)),
    )
    with Playbook() as book:
        book.when(start(move("S", None, options))).then(wait_until(1, "S-1", timeout_ms=1_000), executing("S"))
        expected = execute(2, "S-1", results=(), timeout_ms=2_000)
        book.when(waits(1)).then(replace(expected, retry=RetryPolicy(maximum_attempts=3)))


@rule("8.1", "2.10", "6.5")
@pytest.mark.parametrize(
    ("stop", "outcome"),
    [
        (Stopped(StopKind.CANCEL, "why"), Outcome(RunStatus.CANCELED)),
        (Stopped(StopKind.TERMINATE, "why"), Outcome(RunStatus.TERMINATED)),
        (Stopped(StopKind.FAIL, "why"), Outcome(RunStatus.FAILED, None, RunErrorType.CLIENT, "why")),
        (Stopped(StopKind.FAIL), Outcome(RunStatus.FAILED, None, RunErrorType.CLIENT, None)),
    ],
)
def test_a_stop_abandons_calls_drops_outputs_and_keeps_what_can_be_read(stop: Stopped, outcome: Outcome) -> None:
    with Playbook() as book:
        book.when(start(move("S"), data=(DataAttribute("a", X),))).then_of(type(execute(1, "S-1")))
        book.when(SignalReceived("c", X)).then()
        book.when(goes(1, move("A"), move("B"))).then_of(*[type(execute(1, "S-1"))] * 2)
        book.when(goes(2, Closing(GRACEFUL, X))).then()
        book.when(stop).then(Abandon(CallId(3)), Close(outcome))
        book.restarted()
        assert book.execution.load().data == (DataAttribute("a", X),)
        assert book.execution.channel_sizes(ChannelKind.SIGNAL) == {"c": 1}
        book.refused(stop, RefusalKind.CLOSED)


@rule("8.2", "2.7")
def test_the_workflows_timeout_comes_before_a_timer_of_the_same_moment() -> None:
    with Playbook() as book:
        book.when(start(waiting("S"), expires_at_ms=100)).then_of(type(wait_until(1, "S-1")), Index)
        book.when(waits(1, TimerCondition(duration_ms=100))).then().deadline(100)
        book.when(DeadlinePassed(), at_ms=100).then(executing(), Close(Outcome(RunStatus.TIMED_OUT)))


@rule("4.1", "4.2", "1.10")
def test_attributes_are_written_by_key_and_read_by_the_next_call() -> None:
    found = SearchAttribute("City", SearchAttributeType.KEYWORD, "Ulm")
    with Playbook() as book:
        book.when(start(move("S"), data=(DataAttribute("b", X),))).then_of(type(execute(1, "S-1")))
        book.when(AttributesSet((DataAttribute("a", X), DataAttribute("b")), (found,))).then(Index((found,)))
        seen = LoadedAttributes((DataAttribute("a", Y), DataAttribute("b")), (found,))
        written = Writes(data=(DataAttribute("a", Y),))
        book.when(goes(1, move("T"), writes=written)).then(execute(2, "T-1", attributes=seen))
        book.when(AttributesSet((DataAttribute("a", X),))).then()
        assert book.execution.outstanding()[0].call.attributes == seen, "every attempt sees what the first one saw"


@rule("4.4")
def test_what_wait_until_leaves_reaches_execute_of_that_state_execution_only() -> None:
    left = (DataAttribute("note", X), DataAttribute("note", Y))
    with Playbook() as book:
        book.when(start(waiting("S"))).then_of(type(wait_until(1, "S-1")), Index)
        answered = replace(waits(1), answer=WaitUntilAnswer(Wait(), locals=left))
        book.when(answered).then_of(type(execute(2, "S-1")))
        assert book.execution.outstanding()[0].call.locals == left
        book.when(goes(2, move("S"))).then_of(type(execute(3, "S-2")), Index)
        assert book.execution.outstanding()[0].call.locals == ()


@rule("4.7", "B13")
def test_a_call_waits_for_what_it_locks_and_sees_what_the_holder_wrote() -> None:
    locking = StateOptions(skip_wait_until=True, execute=CallOptions(data_loading=LoadingPolicy(locks=("k",))))
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(goes(1, move("A", None, locking), move("B", None, locking))).then(execute(2, "A-1"))
        book.restarted()
        book.refused(RpcOpened(1, data_locks=("k",)), RefusalKind.LOCKED)
        book.when(AttributesSet((DataAttribute("k", X),))).then()
        seen = LoadedAttributes(data=(DataAttribute("k", Y),))
        written = Writes(data=(DataAttribute("k", Y),))
        book.when(goes(2, Closing(DEAD_END), writes=written)).then(execute(3, "B-1", attributes=seen))
        book.when(goes(3, Closing(GRACEFUL))).then(completed())


@rule("4.7")
def test_a_state_takes_search_attribute_keys_first_and_keeps_them_while_it_waits_for_the_others() -> None:
    both = StateOptions(
        skip_wait_until=True,
        execute=CallOptions(data_loading=LoadingPolicy(locks=("d",)), search_loading=LoadingPolicy(locks=("s",))),
    )
    with Playbook() as book:
        book.when(start(None)).then()
        book.when(RpcOpened(1, data_locks=("d",))).then()
        book.when(RpcWrote(RpcAnswer(movements=(move("S", None, both),)))).then()
        book.refused(RpcOpened(2, search_locks=("s",)), RefusalKind.LOCKED)
        book.restarted()
        book.refused(RpcOpened(2, search_locks=("s",)), RefusalKind.LOCKED)
        book.when(RpcClosed(1, None)).then(execute(1, "S-1"))


@rule("4.7")
def test_nothing_is_locked_while_a_state_waits() -> None:
    locking = StateOptions(wait_until=CallOptions(data_loading=LoadingPolicy(locks=("k",))))
    with Playbook() as book:
        book.when(start(move("S", None, locking))).then_of(type(wait_until(1, "S-1")), Index)
        book.refused(RpcOpened(1, data_locks=("k",)), RefusalKind.LOCKED)
        book.when(waits(1, signal("c"))).then()
        book.when(RpcOpened(1, data_locks=("k",))).then()


@rule("5.3")
def test_a_locking_rpc_is_one_step_from_the_outside() -> None:
    with Playbook() as book:
        book.when(start(None)).then()
        assert book.execution.next_rpc_number == 1
        book.when(RpcOpened(1, data_locks=("a",))).then()
        book.refused(RpcOpened(2, data_locks=("a",)), RefusalKind.LOCKED)
        book.when(RpcOpened(2, data_locks=("b",))).then()
        assert set(book.execution.open_rpcs) == {1, 2}
        book.restarted()
        answer = RpcAnswer(X, Writes(data=(DataAttribute("a", X),), messages=(Message("c", X),)), (move("S"),))
        seen = LoadedAttributes(data=(DataAttribute("a", X),))
        book.when(RpcClosed(1, answer)).then(execute(1, "S-1", attributes=seen))
        book.refused(RpcClosed(1, answer), RefusalKind.STALE)
        book.when(RpcClosed(2, None)).then()
        assert set(book.execution.open_rpcs) == set()
        assert book.execution.channel_sizes(ChannelKind.INTERNAL) == {"c": 1}


@rule("4.3")
@pytest.mark.parametrize(
    ("mode", "listed"),
    [
        (ExecutingStatesMode.ALL, ["A", "W"]),
        (ExecutingStatesMode.WITH_WAIT_UNTIL, ["W"]),
        (ExecutingStatesMode.NONE, []),
        (None, ["W"]),
    ],
)
def test_which_executing_states_the_index_lists(mode: ExecutingStatesMode | None, listed: list[str]) -> None:
    options = StartOptions(config=WorkflowConfig(executing_states=mode))
    book = Playbook().when(start(None, options=options)).then()
    book.when(RpcWrote(RpcAnswer(movements=(move("A"), waiting("W")))))
    book.then_of(type(execute(1, "A-1")), type(execute(1, "A-1")), *[Index] * bool(listed))
    if listed:
        assert book.effects[-1] == executing(*listed)


@rule("4.3", "9.2")
def test_a_changed_mode_counts_for_states_that_start_later_and_none_stays_listed_for_ever() -> None:
    with Playbook() as book:
        book.when(start(move("A"))).then(execute(1, "A-1"))
        book.when(ConfigUpdated(WorkflowConfig(executing_states=ExecutingStatesMode.ALL))).then()
        book.when(goes(1, move("B"))).then(execute(2, "B-1"), executing("B"))
        book.when(goes(2, Closing(DEAD_END))).then(executing())


@rule("9.2")
def test_a_config_update_changes_what_it_names_and_never_the_kind_of_timers() -> None:
    old = WorkflowConfig(continue_as_new_threshold=7, optimize_timer=False)
    book = Playbook().when(start(None, options=StartOptions(config=old))).then()
    book.when(ConfigUpdated(WorkflowConfig(optimize_activity=True, optimize_timer=True))).then()
    assert book.execution.config == replace(old, optimize_activity=True)


@rule("7")
def test_a_reset_run_calls_again_what_was_under_way_and_keeps_what_was_waited_for() -> None:
    options = StartOptions(timeout_ms=1_000)
    base = Playbook().when(start(move("S"), options=options, expires_at_ms=1_000)).then_of(type(execute(1, "S-1")))
    base.when(goes(1, move("A", X), waiting("W"))).then_of(*[type(execute(1, "S-1"))] * 2, Index)
    base.when(waits(3, TimerCondition(duration_ms=300))).then()
    base.when(RpcOpened(1, data_locks=("k",))).then()
    with Playbook() as book:
        resumed = Resumed(base.execution.snapshot(), RunId("run-2"), ResumeCause.RESET)
        book.when(resumed, at_ms=5_000).then(executing("W"))
        book.when(AttributesSet((DataAttribute("a", Y),))).then()
        book.restarted()
        again = execute(4, "A-1", state_input=X, limit_ms=1_000, attributes=LoadedAttributes((DataAttribute("a", Y),)))
        run = replace(again.run, run_id=RunId("run-2"), started_ms=5_000)
        book.when(Released()).then(replace(again, run=run))
        assert book.execution.open_rpcs == (), "nobody is left to close it"
        book.when(RpcOpened(2, data_locks=("k",))).then()
        book.deadline(300).when(DeadlinePassed()).then_of(type(execute(5, "W-1")))
        book.deadline(6_000)


def left(book: Playbook) -> list[str]:
    return [call.name for call in book.execution.asked_again]


@rule("7")
def test_rpcs_that_a_reset_asks_again_are_opened_one_after_the_other_until_each_has_ended() -> None:
    base = Playbook().when(start(None)).then()
    base.when(RpcOpened(1, data_locks=("k",))).then()
    first, second = (
        RpcCall(WorkflowId("ada"), name, data_loading=LoadingPolicy(locks=("k",))) for name in ("first", "second")
    )
    wrote = RpcAnswer(writes=Writes(data=(DataAttribute("k", X),)))
    with Playbook() as book:
        book.when(
            Resumed(base.execution.snapshot(), RunId("run-2"), ResumeCause.RESET, asked_again=(first, second))
        ).then()
        book.refused(RpcOpened(2, again=True), RefusalKind.INVALID)
        book.when(Released()).then()
        book.when(RpcOpened(2, data_locks=("k",))).then()
        book.refused(RpcOpened(3, data_locks=("k",), again=True), RefusalKind.LOCKED)
        book.when(RpcClosed(2, wrote)).then()
        assert left(book) == ["first", "second"], "it was another RPC that ended"
        book.when(RpcOpened(3, data_locks=("k",), again=True)).then()
        book.restarted()
        book.refused(RpcOpened(4, again=True), RefusalKind.INVALID)
        book.when(RpcClosed(3, None, abandoned=True)).then()
        assert left(book) == ["first", "second"], "nobody knows how it ended"
        book.when(RpcOpened(4, data_locks=("k",), again=True)).then()
        book.when(RpcClosed(4, wrote)).then()
        assert left(book) == ["second"]
        book.when(RpcOpened(5, data_locks=("k",), again=True)).then()
        book.when(RpcClosed(5, None)).then()
        assert left(book) == [], "it has failed, as RPCs may"
        book.refused(RpcOpened(6, again=True), RefusalKind.INVALID)


@rule("7")
def test_rpcs_that_a_reset_asks_again_end_with_the_run() -> None:
    base = Playbook().when(start(None)).then()
    call = RpcCall(WorkflowId("ada"), "first", data_loading=LoadingPolicy(locks=("k",)))
    with Playbook() as book:
        resumed = Resumed(base.execution.snapshot(), RunId("run-2"), ResumeCause.RESET, asked_again=(call,))
        book.when(resumed).then()
        book.when(Stopped(StopKind.TERMINATE)).then_of(Close)
        assert left(book) == []


@rule("1.3", "1.16")
def test_an_ended_run_still_knows_which_timers_it_waited_for() -> None:
    timer = TimerRef(StateExecutionId("W-1"), "t")
    with Playbook() as book:
        book.when(start(waiting("W"))).then_of(type(wait_until(1, "W-1")), Index)
        book.when(waits(1, TimerCondition("t", 500))).then()
        book.when(Stopped(StopKind.FAIL)).then(executing(), failed(RunErrorType.CLIENT))
        book.restarted().deadline(None)
        book.refused(TimerSkipped(timer), RefusalKind.CLOSED)
        book.refused(TimerSkipped(replace(timer, timer_id="u")), RefusalKind.NO_TIMER)


@rule("7", "2.7")
def test_a_skip_handed_over_before_its_timer_exists_ends_that_timer_alone() -> None:
    """The reference lets the timer beside it end as well."""
    with Playbook() as book:
        book.when(start(waiting("S"))).then_of(type(wait_until(1, "S-1")), Index)
        book.refused(TimerSkipped(TimerRef(StateExecutionId("S-1"), "b")), RefusalKind.NO_TIMER)
        book.execution.handle(TimerSkipped(TimerRef(StateExecutionId("S-1"), "b")), 0)
        book.restarted()
        book.when(waits(1, TimerCondition("a", 500), TimerCondition("b", 900))).then().deadline(500)
        fired = (TimerResult("a", fired=True), TimerResult("b", fired=True))
        book.when(DeadlinePassed(), at_ms=500).then(execute(2, "S-1", results=fired))


@rule("2.5")
def test_who_leaves_a_line_lets_the_next_take_what_is_there() -> None:
    """A message too few for the first in line is not kept from the second for ever."""
    got = ChannelResult("", "c", ChannelKind.SIGNAL, received=True, values=(X,))
    none = replace(got, received=False, values=())
    with Playbook() as book:
        book.when(start(None)).then()
        book.when(RpcWrote(RpcAnswer(movements=(waiting("A"), waiting("B"))))).then_of(
            *[type(execute(1, "A-1"))] * 2, Index
        )
        book.when(waits(1, signal("c", at_least=2), TimerCondition(duration_ms=500), mode=WaitMode.ANY)).then()
        book.when(waits(2, signal("c"))).then()
        book.when(SignalReceived("c", X)).then()
        book.when(DeadlinePassed(), at_ms=500).then(
            execute(3, "A-1", results=(none, TimerResult("", fired=True))), execute(4, "B-1", results=(got,))
        )


@rule("2.5")
def test_a_condition_that_needs_no_message_does_not_block_behind_one_that_does() -> None:
    with Playbook() as book:
        book.when(start(None)).then()
        book.when(RpcWrote(RpcAnswer(movements=(waiting("A"), waiting("B"))))).then_of(
            *[type(execute(1, "A-1"))] * 2, Index
        )
        book.when(waits(1, signal("c", at_least=2))).then()
        book.when(SignalReceived("c", X)).then()
        nothing = ChannelResult("", "c", ChannelKind.SIGNAL, received=True)
        book.when(waits(2, signal("c", at_least=0, at_most=5))).then(execute(3, "B-1", results=(nothing,)))


@rule("2.5")
@pytest.mark.parametrize("first", ["few", "many"])
def test_what_more_a_condition_may_have_does_not_depend_on_its_place(first: str) -> None:
    """Its own neighbour, which ends with it, is nobody it has to leave a message to."""
    few, many = signal("c", "few", at_most=9), signal("c", "many", at_least=3)
    timer = TimerCondition("timer", 500)
    conditions = (few, many, timer) if first == "few" else (timer, few, many)
    wait = Wait(conditions, WaitMode.COMBINATION, (("few", "timer"),))
    with Playbook() as book:
        book.when(start(waiting("A"))).then_of(type(execute(1, "A-1")), Index)
        book.when(CallSucceeded(CallId(1), WaitUntilAnswer(wait))).then()
        book.when(SignalReceived("c", X)).then()
        book.when(SignalReceived("c", Y)).then()
        book.when(DeadlinePassed(), at_ms=500).then_of(type(execute(2, "A-1")))
        results = book.execution.outstanding()[0].call.results or ()
        assert ChannelResult("few", "c", ChannelKind.SIGNAL, received=True, values=(X, Y)) in results


@rule("4.7")
def test_who_waits_for_a_lock_comes_before_who_asks_for_it_in_the_moment_it_is_freed() -> None:
    """Else a state that goes to another with the same lock would keep all others out."""
    locking = StateOptions(skip_wait_until=True, execute=CallOptions(data_loading=LoadingPolicy(locks=("k",))))
    with Playbook() as book:
        book.when(start(move("A", None, locking))).then(execute(1, "A-1"))
        book.when(RpcWrote(RpcAnswer(movements=(move("B", None, locking),)))).then()
        book.when(goes(1, move("A", None, locking))).then(execute(2, "B-1"))
        book.when(goes(2, Closing(DEAD_END))).then(execute(3, "A-2"))


@rule("4.7", "3.4")
def test_a_state_that_proceeds_after_a_failed_wait_until_lines_up_for_its_lock_again() -> None:
    call = CallOptions(data_loading=LoadingPolicy(locks=("k",)))
    both = StateOptions(wait_until=call, execute=call, proceed_on_wait_until_failure=True)
    with Playbook() as book:
        book.when(start(move("A", None, both))).then_of(type(execute(1, "A-1")), Index)
        book.when(RpcWrote(RpcAnswer(movements=(move("B", None, replace(both, skip_wait_until=True)),)))).then()
        book.when(gives_up(1)).then(execute(2, "B-1"))
        book.when(goes(2, Closing(DEAD_END))).then_of(type(execute(3, "A-1")))


def test_what_could_never_happen_is_invalid_and_changes_nothing() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        book.when(RpcOpened(1, data_locks=("k",))).then()
        before = book.execution.snapshot()
        again = Resumed(before, RunId("run-2"), ResumeCause.RESET)
        for never in (start(move("T")), again, waits(1, signal("c")), RpcOpened(1, data_locks=("l",))):
            book.refused(never, RefusalKind.INVALID)
            assert book.execution.handle(never, 0) == []
        book.refused(RpcOpened(2, data_locks=("k", "l")), RefusalKind.LOCKED)
        assert book.execution.handle(RpcOpened(2, data_locks=("k", "l")), 0) == []
        assert book.execution.snapshot() == before
        book.when(RpcOpened(2, data_locks=("l",))).then()


def test_late_and_repeated_answers_are_refused_as_stale_and_change_nothing() -> None:
    with Playbook() as book:
        book.when(start(move("S"))).then(execute(1, "S-1"))
        answer = goes(1, move("T"))
        book.when(answer).then(execute(2, "T-1"))
        before = book.execution.snapshot()
        for late in (answer, gives_up(1), CallRejected(CallId(1), "no"), goes(99, move("T"))):
            book.refused(late, RefusalKind.STALE)
            assert book.execution.handle(late, 0) == []
        assert book.execution.snapshot() == before


def test_ten_thousand_parallel_waits_are_no_burden() -> None:
    """Counted in steps, not in seconds: what one step visits must not grow with what waits."""
    execution = Execution()
    execution.handle(start(None), 0)
    execution.handle(RpcWrote(RpcAnswer(movements=tuple(waiting("S") for _ in range(10_000)))), 0)
    conditions = (TimerCondition(duration_ms=500), signal("c"))
    for number in range(1, 10_001):
        execution.handle(waits(number, *conditions, mode=WaitMode.ANY), number)
        assert execution.next_deadline_ms() == 501
    for _ in range(5_000):
        assert len(execution.handle(SignalReceived("c"), 400)) == 1
    assert len(execution.handle(DeadlinePassed(), 20_000)) == 5_000
    assert execution.snapshot().run.run_id == RUN


def test_a_value_that_is_absent_and_one_that_is_empty_stay_apart() -> None:
    book = Playbook().when(start(None, data=(DataAttribute("none"), DataAttribute("empty", EncodedValue())))).then()
    assert book.execution.load().data == (DataAttribute("empty", EncodedValue()), DataAttribute("none"))
