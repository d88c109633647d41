"""How runs end, and which runs follow."""

from __future__ import annotations

import asyncio

import pytest

from perdure.model.attributes import DataAttribute
from perdure.model.calls import RpcAnswer
from perdure.model.decisions import ClosingKind
from perdure.model.errors import (
    WorkflowClosed,
)
from perdure.model.options import IdReusePolicy, RetryPolicy, StartOptions
from perdure.model.outcome import RunErrorType, RunStatus, StopKind
from perdure.model.requests import RpcCall
from perdure.model.value import Message
from perdure.testing.rule import rule
from tests.engine.script import (
    ADA,
    Worker,
    done,
    starting,
    text,
)
from tests.engine.stage import EngineStage


async def test_failed_run_is_retried_and_waiters_follow_to_the_last(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": [done("no", ClosingKind.FORCE_FAIL), done("yes")]}
    first = await stage.backend.start(starting(options=StartOptions(retry=RetryPolicy(1_000))))
    waiting = asyncio.ensure_future(stage.backend.wait_for_result(ADA, run_id=first))
    await stage.pass_time(999)
    assert not waiting.done()
    assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.FAILED
    await stage.pass_time(1)
    info = await waiting
    assert (info.run_id, info.status) == (first, RunStatus.COMPLETED)
    await stage.crash()
    late = await stage.backend.wait_for_result(ADA, run_id=first)
    assert (late.run_id, late.status) == (first, RunStatus.COMPLETED)
    assert (await stage.backend.describe(ADA)).run_id != first


@rule("B14")
async def test_run_a_client_failed_can_be_read_and_asked_and_its_id_started_again(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"look!": RpcAnswer(text("still here"))}
    first = await stage.backend.start(starting(None))
    await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("v"))])
    await stage.backend.stop(ADA, StopKind.FAIL, reason="a mistake")

    info = await stage.backend.wait_for_result(ADA)
    assert info.outcome is not None
    assert (info.run_id, info.status) == (first, RunStatus.FAILED)
    assert (info.outcome.error_type, info.outcome.error_message) == (RunErrorType.CLIENT, "a mistake")
    with pytest.raises(WorkflowClosed):
        await stage.backend.signal(ADA, Message("letters", text("late")))
    assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("k", text("v")),)
    assert await stage.backend.call_rpc(RpcCall(ADA, "look")) == text("still here")

    again = StartOptions(id_reuse=IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED)
    second = await stage.backend.start(starting(None, options=again))
    now = await stage.backend.describe(ADA)
    assert (now.run_id, now.status) == (second, RunStatus.RUNNING)
    assert second != first


async def test_schedule_runs_again_until_it_is_stopped(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": done()}
    await stage.backend.start(starting(options=StartOptions(cron="* * * * *")))
    await stage.pass_time(3 * 60_000)
    assert len(stage.worker.calls("only")) == 3
    await stage.backend.stop(ADA)
    await stage.pass_time(3 * 60_000)
    assert len(stage.worker.calls("only")) == 3
