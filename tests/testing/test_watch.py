"""Who asks an engine that goes away is told, and who is answered notices nothing."""

from __future__ import annotations

import asyncio

import pytest

from perdure.model.errors import UnavailableError
from perdure.testing.watch import Watch, WatchedBackend


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def test_answer_is_passed_on() -> None:
    assert await Watch().answer_of(answer(3)) == 3


async def test_error_is_passed_on() -> None:
    async def fail() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError):
        await Watch().answer_of(fail())


async def test_everybody_who_waits_is_interrupted_and_nobody_else() -> None:
    watch = Watch()
    never = asyncio.Event()
    waiting = [asyncio.ensure_future(watch.answer_of(never.wait())) for _ in range(2)]
    await asyncio.sleep(0)
    watch.interrupt(UnavailableError("gone"))
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, UnavailableError)
    assert await watch.answer_of(answer(4)) == 4


async def test_question_of_a_caller_who_leaves_is_cancelled() -> None:
    cancelled: list[bool] = []

    async def ask() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    waiting = asyncio.ensure_future(Watch().answer_of(ask()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert cancelled == [True]


async def test_calls_go_to_the_backend_there_is_at_the_moment() -> None:
    class Backend:
        def __init__(self, name: str) -> None:
            self.name = name

        async def describe(self, workflow_id: str, *, run_id: str | None = None) -> str:
            return f"{self.name} describes {workflow_id}, {run_id}"

    backends = [Backend("first"), Backend("second")]
    watched = WatchedBackend(lambda: backends[0], Watch())  # type: ignore[arg-type, return-value]  # one method of it is enough here
    assert await watched.describe("ada", run_id="r") == "first describes ada, r"
    del backends[0]
    assert await watched.describe("ada") == "second describes ada, None"
