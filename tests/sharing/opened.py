"""Engines that tests open, with a door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from perdure.authoring.inspection import AnyWorkflow
from perdure.sharing.host import Offer
from perdure.worker.local import LocalInvoker
from perdure.worker.runnable import registered, runnables_of


def offer(path: Path, *workflows: AnyWorkflow) -> Offer:
    known = registered(workflows)
    return Offer(path, lambda loop: LocalInvoker(known, loop=loop), frozenset(runnables_of(known)))


async def until(true: Callable[[], bool]) -> None:
    """Wait for what other threads and processes do."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - what is waited for happens elsewhere, and tells nobody
            await asyncio.sleep(0.005)
