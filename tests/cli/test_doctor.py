import asyncio
import json
from pathlib import Path

import apsw
import pytest

from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.cli.main import main
from perdure.engine.engine import EngineSettings, open_engine
from perdure.model.attributes import DataAttribute
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.outcome import RunStatus
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue
from perdure.store.rows import Batch
from perdure.store.store import Store
from perdure.testing.conformance.invoker import ScriptedInvoker
from tests.store.samples import event, run


@pytest.fixture
def file(tmp_path: Path) -> str:
    store = Store.open(tmp_path / "a.db")
    store.write(Batch(runs=(run(1, events=1, status=RunStatus.COMPLETED, closed_ms=5),), events=(event(1, 1),)))
    store.close()
    return str(tmp_path / "a.db")


def test_a_file_that_is_well_is_said_to_be(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", file]) == 0
    assert capsys.readouterr().out == f"{file} is well, 0 open runs looked at.\n"


def test_what_is_found_is_told_with_what_to_do(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    apsw.Connection(file).execute("UPDATE run SET events = 9")
    assert main(["doctor", file]) == 1
    assert capsys.readouterr().out == (
        "run 1 says it has 9 events, its journal ends at 1\n"
        "  restore a backup, and keep this file for a repair\n"
        f"{file}: 1 found, 0 open runs looked at.\n"
    )


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(tmp_path / "none.db")]) == 1
    assert "found no file" in capsys.readouterr().err


def test_large_values_are_looked_for_where_they_are_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = tmp_path / "a.db", tmp_path / "values"
    settings = EngineSettings(blobs=Blobs(BlobFolder(folder), threshold_bytes=10))
    engine = open_engine(file, ScriptedInvoker(), settings=settings)
    engine.start()
    data = (DataAttribute("k", EncodedValue("large" * 10)),)
    starting = engine.backend.start(StartRequest(WorkflowId("ada"), WorkflowType("T"), data=data))
    asyncio.run_coroutine_threadsafe(starting, engine.loop).result()
    engine.close()

    assert main(["doctor", str(file)]) == 0
    assert capsys.readouterr().out == (
        f"{file} is well, 1 open runs looked at, but not its large values in 'folder': to have them looked at, say where that is with --config "
        "or --external-storage.\n"
    )
    stored = {"status": "active", "storageId": "folder", "storageType": "folder", "folder": str(folder)}
    written = {"enabled": True, "supportedStorages": [stored]}
    (tmp_path / "settings.yaml").write_text(json.dumps({"externalStorage": written}))
    assert main(["doctor", str(file), "--config", str(tmp_path / "settings.yaml")]) == 0
    assert capsys.readouterr().out == (
        f"{file} is well, 1 open runs looked at, 1 large values named, 0 kept that nothing names.\n"
    )
    [blob] = BlobFolder(folder).list("")
    BlobFolder(folder).delete(blob.path)
    monkeypatch.setenv("PERDURE_EXTERNAL_STORAGE", json.dumps(written))
    assert main(["doctor", str(file)]) == 1
    assert capsys.readouterr().out == (
        f"workflow 'ada' names {blob.path} in the store 'folder', which lacks it\n"
        "  restore it from a copy of the store: until then whatever needs it fails\n"
        f"{file}: 1 found, 1 open runs looked at, 1 large values named, 0 kept that nothing names.\n"
    )
