from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.engine.blob_doctor import BlobCount, examine_blobs, noted_stores
from perdure.engine.doctor import Finding
from perdure.engine.engine import EngineSettings
from perdure.model.attributes import DataAttribute
from perdure.model.errors import InvalidRequest
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue
from perdure.testing.conformance.invoker import ScriptedInvoker
from tests.engine.stage import EngineStage

KIND = WorkflowType("T")


def stores(folder: Path, *store_ids: str, read_only: bool = True) -> Blobs:
    first, *others = (BlobFolder(folder / each, store_id=each, read_only=read_only) for each in store_ids)
    return Blobs(first, threshold_bytes=100, others=tuple(others))


def look(path: Path, blobs: Blobs) -> tuple[list[Finding], BlobCount]:
    counts: list[BlobCount] = []
    found = list(examine_blobs(path, blobs, tell=counts.append))
    return found, counts[0]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[EngineStage[ScriptedInvoker]]:
    """An engine at work: the file is looked at beside it."""
    settings = EngineSettings(
        synchronous="OFF", heartbeat_ms=None, blobs=stores(tmp_path, "new", "old", read_only=False)
    )
    async with EngineStage(tmp_path / "e.db", worker=ScriptedInvoker(), settings=settings) as stage:
        for name in ("ada", "bob"):
            data = tuple(DataAttribute(key, EncodedValue(f"{key} of {name}" * 100)) for key in "xy")
            await stage.backend.start(StartRequest(WorkflowId(name), KIND, data=data))
        yield stage


async def test_all_that_is_named_is_there(stage: EngineStage[ScriptedInvoker], tmp_path: Path) -> None:
    assert noted_stores(stage.path) == ("new", "old")
    assert look(stage.path, stores(tmp_path, "new", "old")) == ([], BlobCount(named=4, unnamed=0))


async def test_what_is_missing_is_told_with_its_workflow_also_of_an_ended_run(
    stage: EngineStage[ScriptedInvoker], tmp_path: Path
) -> None:
    folder = BlobFolder(tmp_path / "new")
    path = min(blob.path for blob in folder.list(""))
    folder.delete(path)
    for name in ("ada", "bob"):
        await stage.backend.stop(WorkflowId(name))
    (found,), count = look(stage.path, stores(tmp_path, "new", "old"))
    assert f"names {path} in the store 'new', which lacks it" in found.what
    assert found.what.startswith(("workflow 'ada'", "workflow 'bob'"))
    assert count == BlobCount(named=4, unnamed=0)


async def test_a_value_in_another_store_than_its_name_says_is_missing(
    stage: EngineStage[ScriptedInvoker], tmp_path: Path
) -> None:
    swapped = Blobs(
        BlobFolder(tmp_path / "old", store_id="new", read_only=True),
        others=(BlobFolder(tmp_path / "new", store_id="old", read_only=True),),
    )
    found, count = look(stage.path, swapped)
    assert len(found) == 4
    assert count == BlobCount(named=4, unnamed=4)


async def test_what_nothing_names_is_counted_if_it_is_of_this_file(
    stage: EngineStage[ScriptedInvoker], tmp_path: Path
) -> None:
    folder = BlobFolder(tmp_path / "old", store_id="old")
    folder.put(f"{stage.engine.store.file_id()}/aa/aabb/cc", b"left")
    folder.put("another/aa/aabb/cc", b"of another file")
    assert look(stage.path, stores(tmp_path, "new", "old")) == ([], BlobCount(named=4, unnamed=1))


async def test_a_store_that_is_not_given_is_told_if_something_is_in_it(
    stage: EngineStage[ScriptedInvoker], tmp_path: Path
) -> None:
    (found,), _ = look(stage.path, stores(tmp_path, "old"))
    assert found.what == "journals name values in the store 'new', which is not given: found 'old'"
    assert look(stage.path, stores(tmp_path, "new"))[0] == []


async def test_a_copy_names_what_its_original_has_put(stage: EngineStage[ScriptedInvoker], tmp_path: Path) -> None:
    stage.engine.store.backup(tmp_path / "copy.db")
    assert look(tmp_path / "copy.db", stores(tmp_path, "new", "old")) == ([], BlobCount(named=4, unnamed=0))


async def test_nothing_is_made_of_a_folder_that_is_not_there(
    stage: EngineStage[ScriptedInvoker], tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match=r"the folder .*/other for large values is not there"):
        look(stage.path, stores(tmp_path, "new", "other"))
    assert not (tmp_path / "other").exists()
