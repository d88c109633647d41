from __future__ import annotations

import asyncio
import threading

from perdure.worker.loop import LoopThread

SECONDS = 20


def test_it_starts_when_it_is_asked_for_and_only_once() -> None:
    names = {thread.name for thread in threading.enumerate()}
    loop_thread = LoopThread("test-loop")
    assert "test-loop" not in names
    assert loop_thread.loop is loop_thread.loop
    ran = asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "ran"), loop_thread.loop)
    assert ran.result(SECONDS) == "ran"
    loop_thread.close()


def test_closing_cancels_what_runs_and_ends_the_thread() -> None:
    loop_thread = LoopThread("closing-loop")
    cancelled, started = threading.Event(), threading.Event()

    async def run() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    asyncio.run_coroutine_threadsafe(run(), loop_thread.loop)
    assert started.wait(SECONDS)
    loop_thread.close()
    loop_thread.close()
    assert cancelled.wait(SECONDS)
    for thread in threading.enumerate():
        if thread.name == "closing-loop":
            thread.join(SECONDS)
            assert not thread.is_alive()


def test_closing_what_never_started_does_nothing() -> None:
    LoopThread("never").close()
