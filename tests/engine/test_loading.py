"""A run that cannot be brought back is quarantined alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from perdure.engine.core import AHEAD_MS
from perdure.model.ids import WorkflowId
from perdure.model.options import StateOptions
from perdure.model.outcome import RunStatus, StopKind
from tests.engine.script import (
    ADA,
    Worker,
    after,
    done,
    starting,
    text,
    wait_for,
)
from tests.engine.stage import SETTINGS, EngineStage

BOB = WorkflowId("bob")


DAMAGES = {
    "large value": "DELETE FROM value",
    "payload": "UPDATE event SET payload = 'json x' WHERE run = 1 AND seq = 1",
    "body": "UPDATE event SET body = '77' WHERE run = 1 AND seq = 1",
}


@pytest.fixture(params=DAMAGES)
def damage(request: pytest.FixtureRequest) -> str:
    return DAMAGES[request.param]


async def damaged(stage: EngineStage[Worker], damage: str, *others: WorkflowId) -> None:
    """Start a run that nobody can read afterwards, and others, and let them leave memory."""
    whole = starting("only", state=StateOptions())
    assert whole.first is not None
    await stage.backend.start(replace(whole, first=replace(whole.first, input=text("x" * 9_000))))
    for other in others:
        await stage.backend.start(starting("only", workflow_id=other, state=StateOptions()))
    await stage.settle()
    connection = apsw.Connection(str(stage.path))
    connection.execute(damage)
    connection.close()


async def test_run_that_cannot_be_read_is_quarantined_at_its_moment_and_stops_no_other(
    tmp_path: Path, damage: str
) -> None:
    worker = Worker({"only?": wait_for(after(1_000)), "only": done()})
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=replace(SETTINGS, resting_max=0)) as stage:
        await damaged(stage, damage, BOB)
        await stage.pass_time(2_000)
        assert (await stage.backend.describe(BOB)).status is RunStatus.COMPLETED
        assert "event 1 of run 1 cannot be read" in (await stage.backend.progress(ADA)).quarantine  # type: ignore[operator]  # or it fails
        assert [entry.kind for entry in await stage.backend.history(ADA)] == ["started", "call-succeeded"]
        await stage.backend.stop(ADA, StopKind.TERMINATE)
        await stage.backend.erase(ADA)


async def test_run_that_cannot_be_read_ahead_of_its_moment_stops_no_other(tmp_path: Path, damage: str) -> None:
    worker = Worker({"only?": wait_for(after(AHEAD_MS + 5_000)), "only": done()})
    settings = replace(SETTINGS, resting_max=10, heartbeat_ms=1_000)
    async with EngineStage(tmp_path / "engine.db", worker=worker, settings=settings) as stage:
        others = [WorkflowId(f"w{number}") for number in range(30)]
        await damaged(stage, damage, *others)
        await stage.pass_time(AHEAD_MS + 6_000)
        assert {(await stage.backend.describe(other)).status for other in others} == {RunStatus.COMPLETED}


async def test_busy_run_that_cannot_be_read_keeps_no_boot_from_its_end(tmp_path: Path, damage: str) -> None:
    worker = Worker()
    async with EngineStage(tmp_path / "engine.db", worker=worker) as stage:
        await damaged(stage, damage, BOB)
        worker.script = {"only?": wait_for(), "only": done()}
        await stage.crash()
        await stage.settle()
        assert (await stage.backend.describe(BOB)).status is RunStatus.COMPLETED
