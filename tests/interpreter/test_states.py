import pytest

from perdure.interpreter.locks import LockKey, Table
from perdure.interpreter.snapshot import Phase
from perdure.interpreter.states import StateExecution
from perdure.interpreter.waits import OpenWait
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import LoadedAttributes, StateMethod
from perdure.model.conditions import ChannelCondition, ChannelKind, Wait
from perdure.model.decisions import Movement
from perdure.model.ids import CallId, StateExecutionId, StateId
from perdure.model.options import CallOptions, StateOptions
from perdure.model.value import EncodedValue

NOTE = DataAttribute("note", EncodedValue("n"))
OPTIONS = StateOptions(
    wait_until=CallOptions(1_000, data_loading=LoadingPolicy(locks=("k", "k"))),
    execute=CallOptions(2_000, search_loading=LoadingPolicy(locks=("l",))),
)


def state(phase: Phase = Phase.CALLING, call_id: CallId | None = None) -> StateExecution:
    movement = Movement(StateId("A"), EncodedValue("in"), OPTIONS)
    return StateExecution(StateExecutionId("A-1"), movement, 7, phase, call_id, locals=(NOTE,))


def test_options_and_locks_are_those_of_the_method_it_calls() -> None:
    one = state()
    one.method = StateMethod.WAIT_UNTIL
    assert one.options is OPTIONS.wait_until
    assert one.locks() == ((), (LockKey(Table.DATA, "k"), LockKey(Table.DATA, "k")))
    one.method = StateMethod.EXECUTE
    assert one.options is OPTIONS.execute
    assert one.locks() == ((LockKey(Table.SEARCH, "l"),), ())


def test_only_execute_is_given_what_wait_until_noted() -> None:
    one = state()
    assert one.call(LoadedAttributes()).locals == (NOTE,)
    one.method = StateMethod.WAIT_UNTIL
    assert one.call(LoadedAttributes()).locals == ()


@pytest.mark.parametrize("phase", [Phase.LOCKING, Phase.HELD])
def test_a_call_that_is_still_to_be_made_is_in_the_snapshot(phase: Phase) -> None:
    one = state(phase)
    one.results, one.wait_until_failed = (), True
    saved = one.snapshot()
    assert saved.pending is not None
    assert StateExecution.restore(saved, saved.pending) == one


def test_a_call_under_way_comes_from_who_has_it() -> None:
    one = state(call_id=CallId(3))
    one.method = StateMethod.WAIT_UNTIL
    saved = one.snapshot()
    assert saved.pending is None
    assert StateExecution.restore(saved, one.call(LoadedAttributes())) == one


def test_a_wait_goes_with_its_state() -> None:
    one = state(Phase.WAITING)
    wait = Wait((ChannelCondition("c", ChannelKind.SIGNAL),))
    one.wait = OpenWait.begin(wait, number=2, state=7, now_ms=0)
    assert StateExecution.restore(one.snapshot(), None) == one
