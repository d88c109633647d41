"""Stores that a file is opened without: those it has values in, and those it has none in any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.engine.blob_stores import claim_blob_stores
from perdure.engine.engine import EngineSettings, open_engine
from perdure.model.attributes import DataAttribute
from perdure.model.errors import InvalidRequest
from perdure.model.ids import StateId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue
from perdure.store.store import Store
from perdure.testing.conformance.invoker import ScriptedInvoker
from perdure.testing.conformance.lines import complete, straight
from tests.engine.stage import SETTINGS, EngineStage

ADA = WorkflowId("ada")
KIND = WorkflowType("T")
LARGE = EncodedValue("x" * 1_000, "json")
SMALL = EncodedValue("x", "json")


def settings(folder: Path, *store_ids: str) -> EngineSettings:
    """Have these stores, the first of which is written to."""
    first, *others = (BlobFolder(folder / each, store_id=each) for each in store_ids)
    return replace(SETTINGS, blobs=Blobs(first, threshold_bytes=100, others=tuple(others), min_age_ms=0))


async def keep(path: Path, value: EncodedValue, chosen: EngineSettings, *, workflow_id: WorkflowId = ADA) -> None:
    async with EngineStage(path, worker=ScriptedInvoker(), settings=chosen) as stage:
        await stage.backend.start(StartRequest(workflow_id, KIND, data=(DataAttribute("a", value),)))


def noted(path: Path) -> tuple[str, ...]:
    store = Store.open(path)
    try:
        return store.blob_stores()
    finally:
        store.close()


async def test_a_file_is_not_opened_without_a_store_that_it_has_values_in(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    await keep(path, LARGE, settings(tmp_path, "old"))
    await keep(path, LARGE, settings(tmp_path, "new", "old"), workflow_id=WorkflowId("bob"))
    for chosen, says in (
        (
            SETTINGS,
            r"e\.db has large values in the stores 'new' and 'old', found no store: .*store_id='new'",
        ),
        (settings(tmp_path, "new"), r"in the store 'old', found 'new' only: .* `perdure server --config`"),
        (settings(tmp_path, "other", "old"), r"in the store 'new', found 'old' and 'other' only"),
    ):
        for _ in range(2):
            with pytest.raises(InvalidRequest, match=says):
                open_engine(path, ScriptedInvoker(), settings=chosen)
    async with EngineStage(path, worker=ScriptedInvoker(), settings=settings(tmp_path, "old", "new")) as stage:
        assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("a", LARGE),)


async def test_a_store_that_nothing_was_ever_put_in_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    await keep(path, SMALL, settings(tmp_path, "old"))
    assert noted(path) == ("old",)
    await keep(path, EncodedValue("x" * 20_000, "json"), SETTINGS, workflow_id=WorkflowId("bob"))
    assert noted(path) == ()


async def test_a_store_whose_values_have_all_gone_with_their_runs_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    await keep(path, LARGE, settings(tmp_path, "old"))
    async with EngineStage(path, worker=ScriptedInvoker(), settings=settings(tmp_path, "new", "old")) as stage:
        await stage.backend.stop(ADA)
        await stage.backend.erase(ADA)
    await keep(path, LARGE, settings(tmp_path, "new"), workflow_id=WorkflowId("bob"))
    assert noted(path) == ("new",)
    with pytest.raises(InvalidRequest, match="in the store 'new'"):
        open_engine(path, ScriptedInvoker(), settings=SETTINGS)


async def test_a_store_is_missed_also_for_a_result_that_somebody_may_wait_for(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    options = StartOptions(wait_for_states=frozenset({StateId("s")}))
    async with EngineStage(path, worker=ScriptedInvoker(), settings=settings(tmp_path, "old")) as stage:
        stage.worker.on_execute("s", complete(LARGE))
        await stage.backend.start(StartRequest(ADA, KIND, straight("s"), options))
        await stage.settle()
    with pytest.raises(InvalidRequest, match="in the store 'old'"):
        open_engine(path, ScriptedInvoker(), settings=SETTINGS)


async def test_a_restored_copy_is_not_opened_without_them_either(tmp_path: Path) -> None:
    path, copy = tmp_path / "e.db", tmp_path / "copy.db"
    await keep(path, LARGE, settings(tmp_path, "old"))
    original = Store.open(path)
    original.backup(copy)
    original.close()
    restored = Store.open(copy)
    restored.resume()
    restored.close()
    with pytest.raises(InvalidRequest, match=r"copy\.db has large values in the store 'old'"):
        open_engine(copy, ScriptedInvoker(), settings=SETTINGS)


async def test_a_store_that_only_somebody_outside_has_named_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    await keep(path, EncodedValue(None, "json", "theirs", "some/where"), SETTINGS)
    async with EngineStage(path, worker=ScriptedInvoker()) as stage:
        [found] = await stage.backend.get_data_attributes(ADA)
    assert found.value == EncodedValue(None, "json", "theirs", "some/where")


def test_nothing_is_written_and_no_journal_read_while_the_stores_stay_the_same(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "e.db")
    blobs = settings(tmp_path, "b", "a").blobs
    claim_blob_stores(store, "e.db", blobs)
    assert store.blob_stores() == ("a", "b")
    asked: list[str] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            asked.append(name)
            return getattr(store, name)

    claim_blob_stores(Watched(), "e.db", blobs)  # type: ignore[arg-type]  # a store that tells what it was asked
    assert asked == ["blob_stores"]
    store.close()
