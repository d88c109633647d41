from __future__ import annotations

from perdure.engine.dispatcher import Dispatcher, Lane

SLOW, QUICK = Lane("slow"), Lane("quick")


def test_full_lane_holds_up_no_other() -> None:
    lanes: Dispatcher[str] = Dispatcher(lane_max=2)
    assert [lanes.admit(SLOW, who) for who in "abc"] == [True, True, False]
    assert lanes.admit(QUICK, "d")
    assert list(lanes.waiting()) == ["c"]


def test_slot_goes_to_who_waits_longest() -> None:
    lanes: Dispatcher[str] = Dispatcher(lane_max=1)
    for who in "abc":
        lanes.admit(SLOW, who)
    assert [lanes.release(SLOW), lanes.release(SLOW), lanes.release(SLOW)] == ["b", "c", None]
    assert lanes.under_way == 0
    assert lanes.admit(SLOW, "d")


def test_lane_may_be_narrower_than_the_others() -> None:
    lanes: Dispatcher[str] = Dispatcher(lane_max=100)
    assert lanes.admit(SLOW, "a", most=1)
    assert not lanes.admit(SLOW, "b", most=1)
    assert lanes.under_way == 1


def test_queue_of_a_lane_is_counted() -> None:
    lanes: Dispatcher[str] = Dispatcher(lane_max=1)
    for who in "abc":
        lanes.admit(SLOW, who)
    assert (lanes.queue_length(SLOW), lanes.queue_length(QUICK)) == (2, 0)
