from __future__ import annotations

import asyncio
import time

from perdure.engine.clock import SystemClock


async def test_clock_tells_the_machines_time_and_calls_later() -> None:
    loop = asyncio.get_running_loop()
    clock = SystemClock(loop)
    assert abs(clock.now_ms() - time.time() * 1000) < 5_000  # noqa: TID251  # what the clock is compared with
    called = loop.create_future()
    before = clock.monotonic_ms()
    clock.call_later(20, lambda: called.set_result(None))
    clock.call_later(10, lambda: called.set_exception(AssertionError("was canceled"))).cancel()
    await called
    assert clock.monotonic_ms() - before >= 19
