"""What is not durable never happened, and what cannot be handled stops nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure.engine.writer import Done, InlineWriter
from perdure.interpreter.execution import Execution
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.errors import (
    InternalError,
    UnavailableError,
    WorkflowNotFound,
)
from perdure.model.ids import WorkflowId
from perdure.model.options import RetryPolicy
from perdure.model.outcome import RunStatus, StopKind
from perdure.model.value import Message
from perdure.store.rows import Batch
from perdure.testing.rule import rule
from tests.engine.script import (
    ADA,
    Worker,
    done,
    starting,
    straight,
    text,
)
from tests.engine.stage import EngineStage

BOB = WorkflowId("bob")
LOCK_K = LoadingPolicy(locks=("k",))


class FailingWriter(InlineWriter):
    """Refuses to write while it is told to."""

    broken = False

    def write(self, batch: Batch, done: Done) -> None:
        if self.broken:
            done(UnavailableError("the disk is full"))
        else:
            super().write(batch, done)


@pytest.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[EngineStage[Worker]]:
    FailingWriter.broken = False
    stage = EngineStage(tmp_path / "engine.db", worker=Worker(), make_writer=FailingWriter)
    async with stage:
        yield stage
        FailingWriter.broken = False


@rule("C1")
async def test_failed_commit_is_told_and_nothing_of_it_stays(fragile: EngineStage[Worker]) -> None:
    await fragile.backend.start(starting(None))
    await fragile.backend.set_data_attributes(ADA, [DataAttribute("k", text("before"))])
    FailingWriter.broken = True
    with pytest.raises(UnavailableError, match="disk is full"):
        await fragile.backend.set_data_attributes(ADA, [DataAttribute("k", text("lost"))])
    with pytest.raises(UnavailableError):
        await fragile.backend.start(starting(None, workflow_id=BOB))
    FailingWriter.broken = False
    assert await fragile.backend.get_data_attributes(ADA) == (DataAttribute("k", text("before")),)
    with pytest.raises(WorkflowNotFound):
        await fragile.backend.describe(BOB)
    await fragile.backend.start(starting(None, workflow_id=BOB))


async def test_worker_is_not_called_for_what_was_not_written(fragile: EngineStage[Worker]) -> None:
    FailingWriter.broken = True
    with pytest.raises(UnavailableError):
        await fragile.backend.start(starting())
    await fragile.pass_time(5_000)
    assert not fragile.worker.requests


@rule("C2")
async def test_answer_whose_commit_failed_is_taken_again_without_another_call(fragile: EngineStage[Worker]) -> None:
    await fragile.backend.start(starting(state=straight(RetryPolicy(maximum_attempts=1))))
    await fragile.settle()
    FailingWriter.broken = True
    fragile.worker.answer(done("kept"))
    await fragile.pass_time(3_000)
    FailingWriter.broken = False
    await fragile.pass_time(1_000)
    info = await fragile.backend.wait_for_result(ADA)
    assert info.status is RunStatus.COMPLETED
    assert fragile.worker.attempts("only") == [1]


async def test_waiter_for_a_result_survives_a_failed_commit(fragile: EngineStage[Worker]) -> None:
    await fragile.backend.start(starting(None))
    waiting = asyncio.ensure_future(fragile.backend.wait_for_result(ADA))
    await fragile.settle()
    FailingWriter.broken = True
    with pytest.raises(UnavailableError):
        await fragile.backend.stop(ADA)
    await fragile.settle()
    assert not waiting.done()
    FailingWriter.broken = False
    await fragile.backend.stop(ADA)
    assert (await waiting).status is RunStatus.CANCELED


async def test_run_whose_rules_raise_is_quarantined_and_the_others_go_on(
    stage: EngineStage[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.backend.start(starting(None))
    await stage.backend.start(starting(None, workflow_id=BOB))
    genuine = Execution.handle

    def handle(execution: Execution, event: object, now_ms: int) -> object:
        if execution.run.workflow_id == ADA:
            raise ValueError("a belief of ours is wrong")
        return genuine(execution, event, now_ms)  # type: ignore[arg-type]  # as it was given

    with monkeypatch.context() as broken:
        broken.setattr(Execution, "handle", handle)
        with pytest.raises(InternalError, match="a belief of ours is wrong"):
            await stage.backend.signal(ADA, Message("letters"))
        await stage.backend.signal(BOB, Message("letters"))
    with pytest.raises(InternalError, match="quarantined"):
        await stage.backend.get_data_attributes(ADA)
    await stage.crash()
    with pytest.raises(InternalError, match="quarantined"):
        await stage.backend.signal(ADA, Message("letters"))
    assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
    await stage.backend.stop(ADA, StopKind.TERMINATE)
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.TERMINATED
    await stage.backend.start(starting(None))
