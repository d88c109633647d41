"""What callers ask happens once and whole, or is refused by name."""

from __future__ import annotations

import pytest

from perdure.model.errors import (
    InvalidRequest,
    WorkflowAlreadyStarted,
    WorkflowClosed,
    WorkflowNotFound,
)
from perdure.model.ids import RunId, WorkflowId
from perdure.model.options import IdReusePolicy, StartOptions
from perdure.model.outcome import RunStatus
from perdure.model.value import Message
from tests.engine.script import (
    ADA,
    Worker,
    done,
    starting,
    text,
)
from tests.engine.stage import EngineStage


async def test_start_that_may_terminate_replaces_the_run_in_one_step(stage: EngineStage[Worker]) -> None:
    first = await stage.backend.start(starting())
    await stage.settle()
    again = starting(None, options=StartOptions(id_reuse=IdReusePolicy.TERMINATE_IF_RUNNING))
    second = await stage.backend.start(again)
    assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.TERMINATED
    assert (await stage.backend.describe(ADA)).run_id == second
    stage.worker.answer(done("late"))
    await stage.settle()
    assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.TERMINATED


async def test_taken_id_is_refused_by_name(stage: EngineStage[Worker]) -> None:
    run_id = await stage.backend.start(starting(None))
    with pytest.raises(WorkflowAlreadyStarted, match="already running") as refused:
        await stage.backend.start(starting(None))
    assert refused.value.run_id == run_id


async def test_whoever_is_meant_and_not_there_is_told_so(stage: EngineStage[Worker]) -> None:
    unknown = RunId("00000000-0000-7000-8000-000000000000")
    with pytest.raises(WorkflowNotFound, match=r"^workflow not found for ID: ada$"):
        await stage.backend.signal(ADA, Message("letters"))
    await stage.backend.start(starting(None))
    text_ = f'workflow execution not found for workflow ID "ada" and run ID "{unknown}"'
    with pytest.raises(WorkflowNotFound, match=f"^{text_}$"):
        await stage.backend.signal(ADA, Message("letters"), run_id=unknown)
    await stage.backend.stop(ADA)
    with pytest.raises(WorkflowClosed, match=r"^workflow execution already completed$"):
        await stage.backend.signal(ADA, Message("letters"))


async def test_text_that_no_file_can_hold_is_refused_and_harms_nobody(stage: EngineStage[Worker]) -> None:
    half = "\ud800"
    await stage.backend.start(starting(None))
    for doomed in (
        stage.backend.start(starting(None, workflow_id=WorkflowId(half))),
        stage.backend.describe(WorkflowId(half)),
        stage.backend.stop(ADA, reason=half),
        stage.backend.search(half),
    ):
        with pytest.raises(InvalidRequest, match="UTF-8"):
            await doomed
    await stage.backend.signal(ADA, Message(half, text(half)))
    await stage.crash()
    assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
