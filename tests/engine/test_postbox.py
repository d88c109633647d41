from __future__ import annotations

import asyncio
import threading

import pytest

from perdure.engine.postbox import Postbox


async def test_what_comes_together_is_taken_together() -> None:
    taken: list[list[int]] = []
    box: Postbox[int] = Postbox(asyncio.get_running_loop(), taken.append)
    for n in range(5):
        box.post(n)
    assert box
    await asyncio.sleep(0)
    assert taken == [[0, 1, 2, 3, 4]]
    assert not box


async def test_nothing_posted_from_many_threads_is_lost_or_out_of_order() -> None:
    taken: list[tuple[int, int]] = []
    box: Postbox[tuple[int, int]] = Postbox(asyncio.get_running_loop(), taken.extend)

    def post(who: int) -> None:
        for n in range(1_000):
            box.post((who, n))

    threads = [threading.Thread(target=post, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    assert len(taken) == 4_000
    for who in range(4):
        assert [n for other, n in taken if other == who] == list(range(1_000))


def test_closed_loop_takes_nothing() -> None:
    loop = asyncio.new_event_loop()
    box: Postbox[int] = Postbox(loop, lambda _: None)
    loop.close()
    with pytest.raises(RuntimeError):
        box.post(1)
