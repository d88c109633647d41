"""A copy of an engine's file does nobody's work until it is let; then it goes on where the original was."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.engine.doctor import examine
from perdure.engine.owner import Owner
from perdure.engine.restored import resume
from perdure.model.conditions import ChannelCondition
from perdure.model.errors import UnavailableError
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.outcome import RunStatus
from perdure.model.requests import StartRequest
from perdure.model.value import Message
from perdure.store.backup import write_backup
from perdure.testing.conformance.invoker import ScriptedInvoker
from perdure.testing.conformance.lines import complete, move, wait_for
from tests.engine.stage import EngineStage

ADA = WorkflowId("ada")


def worker() -> ScriptedInvoker:
    script = ScriptedInvoker()
    script.on_wait("wait", wait_for(ChannelCondition("letters")))
    script.on_execute("wait", complete())
    return script


async def test_a_copy_of_a_file_in_use_goes_on_once_it_is_resumed(tmp_path: Path) -> None:
    copy = tmp_path / "b.db"
    async with EngineStage(tmp_path / "a.db", worker=worker()) as original:
        await original.backend.start(StartRequest(ADA, WorkflowType("T"), move("wait")))
        await original.settle()
        write_backup(tmp_path / "a.db", copy)
        await original.backend.publish(ADA, [Message("letters")])
        await original.backend.wait_for_result(ADA)
    with pytest.raises(UnavailableError, match=r"original may still be at work.*perdure resume .*b\.db"):
        EngineStage(copy, worker=worker())
    assert list(examine(copy)) == []
    assert resume(copy)
    assert not resume(copy)
    async with EngineStage(copy, worker=worker()) as restored:
        assert (await restored.backend.describe(ADA)).status is RunStatus.RUNNING
        await restored.backend.publish(ADA, [Message("letters")])
        assert (await restored.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED


async def test_a_file_in_use_is_not_resumed(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "a.db", worker=worker()):
        with pytest.raises(UnavailableError, match="is in use by this very process"):
            resume(tmp_path / "a.db")


def test_no_file_is_made_by_resuming_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="found no file"):
        resume(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_resuming_leaves_the_file_to_its_next_owner(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_text("no database at all, but long enough to be looked at" * 100)
    with pytest.raises(UnavailableError):
        resume(tmp_path / "other.db")
    Owner.take(tmp_path / "other.db").release()
