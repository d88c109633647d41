"""A batch that the store refuses for what is in it takes only its cause with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from perdure.engine.inputs import Prune
from perdure.engine.sieve import Sieve
from perdure.engine.writer import Done, InlineWriter
from perdure.model.attributes import DataAttribute
from perdure.model.errors import InternalError
from perdure.model.ids import WorkflowId
from perdure.model.outcome import RunStatus, StopKind
from perdure.model.value import Message
from perdure.store.rows import Batch, RunKey
from tests.engine.script import ADA, Worker, done, go_to, name_of, starting, straight, text
from tests.engine.stage import EngineStage

OTHERS = [WorkflowId(f"other-{number}") for number in range(9)]


class PickyWriter(InlineWriter):
    """Refuses batches with events of some runs, or with anything of others."""

    events: ClassVar[set[RunKey]] = set()
    rows: ClassVar[set[RunKey]] = set()
    refused = 0

    def write(self, batch: Batch, done: Done) -> None:
        touched = {row.key for row in batch.runs} & PickyWriter.rows
        if touched or {row.run for row in batch.events} & PickyWriter.events:
            PickyWriter.refused += 1
            done(InternalError("a type clash"))
        else:
            super().write(batch, done)


@pytest.fixture
async def picky(tmp_path: Path) -> AsyncIterator[EngineStage[Worker]]:
    PickyWriter.events, PickyWriter.rows, PickyWriter.refused = set(), set(), 0
    async with EngineStage(tmp_path / "engine.db", worker=Worker(), make_writer=PickyWriter) as stage:
        yield stage
        PickyWriter.events, PickyWriter.rows = set(), set()


def test_sieve_halves_until_one_is_left() -> None:
    sieve = Sieve()
    bad, good = Prune(0), [Prune(number) for number in range(1, 8)]
    sieve.refused([*good[:5], bad, *good[5:]])
    handled: list[object] = []
    while (part := sieve.take()) is not None:
        if bad not in part:
            sieve.passed()
            handled += part
        elif sieve.culprit is bad:
            sieve.passed()
        else:
            sieve.refused(part)
    assert handled == good, "each once, in their order"
    assert not sieve.sifting


async def test_answer_that_the_store_refuses_quarantines_its_run_and_no_other(picky: EngineStage[Worker]) -> None:
    await asyncio.gather(*[picky.backend.start(starting(workflow_id=name)) for name in (*OTHERS[:5], ADA, *OTHERS[5:])])
    await picky.settle()
    PickyWriter.events = {RunKey(6)}
    for request, answer in [(held.request, held.answer) for held in picky.worker.waiting]:
        bad = request.run.workflow_id == ADA
        answer(go_to("next") if bad else done("well"))
    picky.worker.waiting.clear()
    await picky.settle()
    for name in OTHERS:
        assert (await picky.backend.wait_for_result(name)).status is RunStatus.COMPLETED
    called = sorted(f"{request.run.workflow_id} {name_of(request)}" for request in picky.worker.requests)
    assert called == sorted(f"{name} only" for name in (ADA, *OTHERS)), "no call was repeated"
    with pytest.raises(InternalError, match=r"quarantined.*type clash"):
        await picky.backend.get_data_attributes(ADA)
    await picky.crash()
    with pytest.raises(InternalError, match=r"quarantined.*type clash"):
        await picky.backend.get_data_attributes(ADA)
    await picky.backend.stop(ADA, StopKind.TERMINATE)
    assert (await picky.backend.describe(ADA)).status is RunStatus.TERMINATED


async def test_caller_whose_words_the_store_refuses_is_told_and_the_run_goes_on(picky: EngineStage[Worker]) -> None:
    names = (*OTHERS[:5], ADA, *OTHERS[5:])
    for name in names:
        await picky.backend.start(starting(None, workflow_id=name))
    PickyWriter.events = {RunKey(names.index(ADA) + 1)}
    sent = [picky.backend.set_data_attributes(name, [DataAttribute("k", text("set"))]) for name in names]
    told = await asyncio.gather(*sent, return_exceptions=True)
    (refusal,) = (answer for answer in told if answer is not None)
    assert told[names.index(ADA)] is refusal
    assert isinstance(refusal, InternalError)
    assert "nothing was written" in str(refusal)
    for name in OTHERS:
        assert await picky.backend.get_data_attributes(name) == (DataAttribute("k", text("set")),)
    assert await picky.backend.get_data_attributes(ADA) == ()
    PickyWriter.events = set()
    await picky.backend.signal(ADA, Message("letters"))


async def test_run_of_which_nothing_can_be_written_is_quarantined_all_the_same(picky: EngineStage[Worker]) -> None:
    picky.worker.script = {"next": done("well")}
    for name in (ADA, *OTHERS):
        await picky.backend.start(starting(workflow_id=name))
    await picky.settle()
    PickyWriter.rows = {RunKey(1)}
    for held in picky.worker.waiting:
        held.answer(go_to("next", options=straight()))
    picky.worker.waiting.clear()
    await picky.settle()
    for name in OTHERS:
        assert (await picky.backend.wait_for_result(name)).status is RunStatus.COMPLETED
    before = PickyWriter.refused
    await picky.pass_time(60_000)
    assert PickyWriter.refused == before, "it is not tried again and again"
    with pytest.raises(InternalError, match="quarantined"):
        await picky.backend.signal(ADA, Message("letters"))


async def test_start_that_the_store_refuses_leaves_nothing(picky: EngineStage[Worker]) -> None:
    PickyWriter.events = {RunKey(number) for number in (1, 2, 3, 4, 5)}
    with pytest.raises(InternalError, match="the store refuses"):
        await picky.backend.start(starting())
    PickyWriter.events = set()
    await picky.pass_time(5_000)
    assert not picky.worker.requests
    await picky.backend.start(starting())
