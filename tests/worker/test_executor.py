from __future__ import annotations

import asyncio
import threading

import pytest

from perdure.worker.executor import AbandonableExecutor


async def test_what_a_handler_hands_over_is_run_in_a_thread() -> None:
    asyncio.get_running_loop().set_default_executor(AbandonableExecutor())
    assert await asyncio.to_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(divmod, 1, 0)


def test_a_loop_ends_while_a_call_hangs() -> None:
    hanging, over = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        over.wait(60)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(AbandonableExecutor())
        loop.run_in_executor(None, hang)
        assert await asyncio.to_thread(hanging.wait, 60)

    asyncio.run(main())
    assert not over.is_set()
    over.set()


def test_a_call_that_was_cancelled_before_it_began_is_not_made() -> None:
    executor, over = AbandonableExecutor(1), threading.Event()
    made: list[str] = []
    first = executor.submit(over.wait, 60)
    second = executor.submit(made.append, "called")
    assert second.cancel()
    over.set()
    assert first.result(60)
    executor.submit(int).result(60)
    assert not made
    executor.shutdown()
