from pathlib import Path

import apsw
import pytest

from perdure.cli.main import main
from perdure.model.outcome import RunStatus
from perdure.store.rows import Batch
from perdure.store.store import Store
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
