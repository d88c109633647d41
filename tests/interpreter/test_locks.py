from perdure.interpreter.locks import LockKey, Locks, Table
from perdure.testing import rule

A, B, C = (LockKey(Table.DATA, key) for key in "abc")


def given_back(locks: Locks, owner: int) -> list[int]:
    """Release all of an owner's keys and say who got some of them, in turn."""
    freed, got = locks.release(owner), list[int]()
    while (who := locks.grant(freed)) is not None:
        got.append(who)
    return got


@rule("4.7")
def test_the_oldest_waiter_comes_first() -> None:
    locks = Locks()
    locks.take(1, [A])
    locks.wait(3, (A,))
    locks.wait(2, (A,))
    assert given_back(locks, 1) == [2]
    assert given_back(locks, 2) == [3]
    assert given_back(locks, 3) == []
    assert locks.free([A])


@rule("4.7")
def test_who_waits_for_two_keys_holds_neither_and_lets_a_younger_one_pass() -> None:
    locks = Locks()
    locks.take(1, [A])
    locks.take(9, [B])
    locks.wait(2, (A, B))
    locks.wait(3, (B,))
    assert given_back(locks, 9) == [3]
    assert given_back(locks, 1) == []
    assert given_back(locks, 3) == [2]
    assert not locks.free([A])
    assert not locks.free([B])


def test_a_key_named_twice_is_one_key() -> None:
    locks = Locks()
    locks.take(1, [A, A])
    locks.wait(2, (A, A))
    assert given_back(locks, 1) == [2]
    assert given_back(locks, 2) == []


def test_the_two_tables_are_apart() -> None:
    locks = Locks()
    locks.take(1, [LockKey(Table.SEARCH, "a")])
    assert locks.free([A])


def test_several_waiters_go_on_at_once_when_their_keys_differ() -> None:
    locks = Locks()
    locks.take(1, [A, B, C])
    locks.wait(2, (A,))
    locks.wait(3, (B, C))
    assert given_back(locks, 1) == [2, 3]


@rule("4.7")
def test_the_oldest_comes_first_whichever_key_was_freed_first() -> None:
    locks = Locks()
    locks.take(1, [B, A])
    locks.wait(2, (A, C))
    locks.wait(3, (B, C))
    assert given_back(locks, 1) == [2]
    assert given_back(locks, 2) == [3]
