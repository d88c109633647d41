from __future__ import annotations

import asyncio

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.errors import InvalidRequest, WaitTimedOut
from perdure.model.ids import StateId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.model.requests import StateWait
from perdure.testing.rule import rule
from tests.engine.script import ADA, Worker, done, starting, text
from tests.engine.stage import EngineStage


async def test_data_is_read_sorted_and_without_what_is_not_there(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    await stage.backend.set_data_attributes(ADA, [DataAttribute("b", text("2")), DataAttribute("a", text("1"))])
    assert [item.key for item in await stage.backend.get_data_attributes(ADA)] == ["a", "b"]
    assert [item.key for item in await stage.backend.get_data_attributes(ADA, ["b", "z", "b"])] == ["b"]


async def test_search_attributes_are_read_as_the_type_asked_for(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    await stage.backend.set_search_attributes(ADA, [SearchAttribute("age", SearchAttributeType.INT, 3)])
    (found,) = await stage.backend.get_search_attributes(ADA, [("age", SearchAttributeType.DOUBLE)])
    assert (found.type, found.value) == (SearchAttributeType.DOUBLE, 3.0)
    with pytest.raises(InvalidRequest, match="unable to convert value 3 to type BOOL for key age"):
        await stage.backend.get_search_attributes(ADA, [("age", SearchAttributeType.BOOL)])
    assert [item.key for item in await stage.backend.get_search_attributes(ADA)] == ["age"]


@rule("C3")
async def test_read_waits_for_what_it_would_show_to_be_durable(stage: EngineStage[Worker]) -> None:
    """All of it is asked in one turn of the loop: the reads come after the write that is not durable yet."""
    await stage.backend.start(starting(None))
    results = await asyncio.gather(
        stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("new"))]),
        stage.backend.set_search_attributes(ADA, [SearchAttribute("age", SearchAttributeType.INT, 3)]),
        stage.backend.get_data_attributes(ADA),
        stage.backend.get_search_attributes(ADA),
    )
    assert results[2] == (DataAttribute("k", text("new")),)
    assert results[3] == (SearchAttribute("age", SearchAttributeType.INT, 3),)


async def test_wait_without_time_looks_once(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    with pytest.raises(WaitTimedOut):
        await stage.backend.wait_for_result(ADA, wait_ms=0)
    with pytest.raises(WaitTimedOut):
        await stage.backend.wait_for_state(StateWait(ADA, state_id=StateId("s"), key="k"), wait_ms=0)
    with pytest.raises(InvalidRequest, match="neither"):
        await stage.backend.wait_for_state(StateWait(ADA, state_id=StateId("s")))


async def test_ended_run_tells_its_results_after_a_crash(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": done("out")}
    await stage.backend.start(starting())
    told = await stage.backend.wait_for_result(ADA)
    await stage.crash()
    assert await stage.backend.describe(ADA) == told
    assert await stage.backend.wait_for_result(ADA) == told
    assert told.status is RunStatus.COMPLETED


async def test_search_sees_what_was_acknowledged(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None, workflow_id=WorkflowId("one")))
    await stage.backend.start(starting(None, workflow_id=WorkflowId("two")))
    await stage.backend.stop(WorkflowId("one"))
    page = await stage.backend.search("ExecutionStatus = 'Running'")
    assert [run.workflow_id for run in page.runs] == ["two"]
