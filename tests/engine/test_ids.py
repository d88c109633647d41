from __future__ import annotations

from uuid import UUID

from perdure.engine.ids import UuidV7


def test_ids_are_version_7_and_carry_the_time() -> None:
    made = UUID(UuidV7(lambda: 1_700_000_000_123).new_run_id())
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == 1_700_000_000_123


def test_ids_only_go_up_within_a_millisecond_and_when_the_clock_goes_back() -> None:
    times = iter([5, 5, 5, 6, 6, 3, 3, 7] + [7] * 1_000)
    ids = UuidV7(lambda: next(times))
    drawn = [ids.new_run_id() for _ in range(1_000)]
    assert drawn == sorted(set(drawn))


def test_ids_of_two_engines_differ() -> None:
    one, other = UuidV7(lambda: 5), UuidV7(lambda: 5)
    assert not {one.new_run_id() for _ in range(100)} & {other.new_run_id() for _ in range(100)}
