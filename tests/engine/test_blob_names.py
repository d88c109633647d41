from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure.blobs.paths import folder_of
from perdure.engine import blob_names
from perdure.engine.blob_names import FileBlobNames
from perdure.model.attributes import DataAttribute
from perdure.model.ids import StateId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue
from perdure.testing.conformance.invoker import ScriptedInvoker
from perdure.testing.conformance.lines import complete, straight
from tests.engine.stage import EngineStage


def path(workflow_id: str, content: str) -> str:
    return folder_of("file", WorkflowId(workflow_id)) + content


def apart(workflow_id: str, content: str) -> EncodedValue:
    """A value as it is when it is kept apart."""
    return EncodedValue(None, "json", "folder", path(workflow_id, content))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[EngineStage[ScriptedInvoker]]:
    async with EngineStage(tmp_path / "engine.db", worker=ScriptedInvoker()) as stage:
        yield stage


async def start(stage: EngineStage[ScriptedInvoker], workflow_id: str, *contents: str) -> None:
    data = tuple(DataAttribute(content, apart(workflow_id, content)) for content in contents)
    await stage.backend.start(StartRequest(WorkflowId(workflow_id), WorkflowType("T"), data=data))


async def test_what_a_journal_names_is_named_and_nothing_else(
    stage: EngineStage[ScriptedInvoker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_names, "PAGE", 3)
    monkeypatch.setattr(blob_names, "RUNS_TOGETHER", 2)
    for number in range(10):
        await start(stage, f"w{number}", "a", "b")
    names = FileBlobNames(stage.engine.store.open_beside)
    kept = {path(f"w{number}", content) for number in range(10) for content in "ab"}
    unnamed = {path("w3", "c"), path("nobody", "a"), "f/elsewhere"}
    assert names.named(kept | unnamed) == kept
    assert names.named([]) == set()
    assert names.named_by(WorkflowId("w3")) == {path("w3", "a"), path("w3", "b")}
    assert names.named_by(WorkflowId("nobody")) == set()
    names.close()


async def test_values_of_every_kind_of_event_are_named_also_once_they_are_overwritten(
    stage: EngineStage[ScriptedInvoker],
) -> None:
    ada = WorkflowId("ada")
    stage.worker.on_execute("s", complete(apart("ada", "output")))
    options = StartOptions(wait_for_states=frozenset({StateId("s")}))
    first = straight("s", value=apart("ada", "input"))
    await stage.backend.start(StartRequest(ada, WorkflowType("T"), first, options, (DataAttribute("a", None),)))
    await stage.settle()
    await start(stage, "ada", "old")
    for value in (apart("ada", "new"), EncodedValue("small"), EncodedValue("[quoted]\n")):
        await stage.backend.set_data_attributes(ada, [DataAttribute("old", value)])
    names = FileBlobNames(stage.engine.store.open_beside)
    assert names.named_by(ada) == {path("ada", each) for each in ("input", "output", "old", "new")}
    names.close()


async def test_what_was_erased_is_named_no_more(stage: EngineStage[ScriptedInvoker]) -> None:
    await start(stage, "ada", "a")
    await stage.backend.stop(WorkflowId("ada"))
    await stage.backend.erase(WorkflowId("ada"))
    names = FileBlobNames(stage.engine.store.open_beside)
    assert names.named_by(WorkflowId("ada")) == set()
    names.close()
