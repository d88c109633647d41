from __future__ import annotations

import threading

from perdure.blobs.hold import DOUBT_MS, Holds
from perdure.testing.clock import VirtualClock


def removable(holds: Holds, path: str, record: set[str]) -> bool:
    with holds.removing(path, record) as free:
        return free


def test_what_is_held_is_not_removed_and_goes_once_it_is_released() -> None:
    holds = Holds(VirtualClock().monotonic_ms)
    one, other = holds.begin(), holds.begin()
    one.take("a")
    other.take("a")
    one.release()
    with holds.recording() as record:
        assert not removable(holds, "a", record)
        assert removable(holds, "b", record)
    other.release()
    with holds.recording() as record:
        assert removable(holds, "a", record)


def test_what_was_held_since_the_looking_began_is_not_removed_although_it_is_released() -> None:
    holds = Holds(VirtualClock().monotonic_ms)
    early, late = holds.begin(), holds.begin()
    early.take("a")
    with holds.recording() as record:
        early.release()
        late.take("b")
        late.release()
        assert not removable(holds, "a", record)
        assert not removable(holds, "b", record)


def test_a_request_of_unknown_end_is_held_longer() -> None:
    clock = VirtualClock()
    holds = Holds(clock.monotonic_ms)
    hold = holds.begin()
    hold.take("a")
    hold.release(doubtful=True)
    with holds.recording() as record:
        assert not removable(holds, "a", record)
    clock.settle_at(DOUBT_MS)
    with holds.recording() as record:
        assert removable(holds, "a", record)


def test_what_is_put_for_a_caller_who_has_gone_is_in_doubt_too() -> None:
    holds = Holds(VirtualClock().monotonic_ms)
    hold = holds.begin()
    hold.release(doubtful=True)
    hold.take("a")  # in its thread, which went on
    with holds.recording() as record:
        assert not removable(holds, "a", record)
    assert not holds.counts


def test_who_wants_what_is_being_removed_waits_until_it_is_gone() -> None:
    holds = Holds(VirtualClock().monotonic_ms)
    done: list[str] = []

    def take() -> None:
        holds.begin().take("a")
        done.append("taken")

    taker = threading.Thread(target=take)
    with holds.recording() as record, holds.removing("a", record) as free:
        assert free
        taker.start()
        taker.join(0.05)  # it can't come further, however long this is
        done.append("removed")
    taker.join(60)
    assert done == ["removed", "taken"]


def test_two_who_clean_do_not_remove_the_same() -> None:
    holds = Holds(VirtualClock().monotonic_ms)
    with holds.recording() as record, holds.removing("a", record):
        assert not removable(holds, "a", record)
