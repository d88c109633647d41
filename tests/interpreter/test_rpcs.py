from perdure.interpreter.events import RpcClosed, RpcOpened
from perdure.interpreter.locks import LockKey, Table
from perdure.interpreter.rpcs import LockingRpcs, locks_of
from perdure.model.ids import WorkflowId
from perdure.model.requests import RpcCall

FIRST, SECOND = RpcCall(WorkflowId("ada"), "first"), RpcCall(WorkflowId("ada"), "second")


def again(rpcs: LockingRpcs) -> RpcOpened:
    return RpcOpened(rpcs.number + 1, again=True)


def test_one_that_is_open_closes_once() -> None:
    rpcs = LockingRpcs()
    rpcs.open(RpcOpened(3))
    assert (rpcs.numbers, 3 in rpcs) == ((3,), True)
    assert rpcs.close(RpcClosed(3, None))
    assert not rpcs.close(RpcClosed(3, None))
    assert (rpcs.numbers, rpcs.number) == ((), 3), "its number is not given again"


def test_those_asked_again_come_one_after_the_other() -> None:
    rpcs = LockingRpcs()
    rpcs.asked_again = (FIRST, SECOND)
    before = rpcs.may_ask_again
    rpcs.open(again(rpcs))
    assert (before, rpcs.may_ask_again) == (True, False)
    assert rpcs.close(RpcClosed(1, None, abandoned=True))
    assert (rpcs.asked_again, rpcs.may_ask_again) == ((FIRST, SECOND), True), "nobody knows how it ended"
    rpcs.open(again(rpcs))
    assert rpcs.close(RpcClosed(2, None))
    assert [call.name for call in rpcs.asked_again] == ["second"]


def test_another_one_that_ends_leaves_those_asked_again() -> None:
    rpcs = LockingRpcs()
    rpcs.asked_again = (FIRST,)
    rpcs.open(RpcOpened(1))
    assert rpcs.may_ask_again
    rpcs.close(RpcClosed(1, None))
    assert rpcs.asked_again == (FIRST,)


def test_given_up_are_those_under_way_only() -> None:
    rpcs = LockingRpcs()
    rpcs.asked_again = (FIRST,)
    rpcs.open(again(rpcs))
    rpcs.give_up()
    assert (rpcs.numbers, rpcs.asked_again) == ((), (FIRST,))


def test_a_snapshot_says_who_is_under_way() -> None:
    rpcs, other = LockingRpcs(), LockingRpcs()
    rpcs.open(RpcOpened(1, ("k",), ("l",)))
    rpcs.open(RpcOpened(2, again=True))
    opened = other.restore(rpcs.number, rpcs.snapshot(), (FIRST,))
    assert [rpc.number for rpc in opened] == [1, 2]
    assert (other.snapshot(), other.number, other.may_ask_again) == (rpcs.snapshot(), 2, False)


def test_keys_of_both_tables_are_locked() -> None:
    assert locks_of(RpcOpened(1, ("k",), ("k",))) == (LockKey(Table.DATA, "k"), LockKey(Table.SEARCH, "k"))
