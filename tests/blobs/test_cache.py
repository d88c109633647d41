from __future__ import annotations

from perdure.blobs.cache import Cache


def test_what_was_kept_comes_back_until_it_is_forgotten() -> None:
    cache = Cache(10)
    cache.keep("a", "1")
    assert (cache.get("a"), cache.get("b")) == ("1", None)
    cache.forget("a")
    cache.forget("b")
    assert cache.get("a") is None


def test_the_longest_unused_goes_first() -> None:
    cache = Cache(10)
    cache.keep("a", "1234")
    cache.keep("b", "1234")
    cache.get("a")
    cache.keep("c", "1234")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("1234", None, "1234")


def test_what_is_kept_twice_takes_its_room_once() -> None:
    cache = Cache(10)
    for _ in range(5):
        cache.keep("a", "1234")
    cache.keep("b", "123456")
    assert (cache.get("a"), cache.get("b")) == ("1234", "123456")


def test_what_is_larger_than_all_the_room_drives_nothing_out() -> None:
    cache = Cache(10)
    cache.keep("a", "1234")
    cache.keep("b", "x" * 11)
    assert (cache.get("a"), cache.get("b")) == ("1234", None)
