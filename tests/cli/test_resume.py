from __future__ import annotations

from pathlib import Path

import pytest

from perdure.cli.main import main
from perdure.store.store import Store


def test_a_copy_is_let_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original = Store.open(tmp_path / "a.db")
    copy = str(tmp_path / "b.db")
    original.backup(copy)
    assert main(["resume", copy]) == 0
    assert main(["resume", copy]) == 0
    assert capsys.readouterr().out == (
        f"{copy} may work now; its original may not any more.\n{copy} is not paused; nothing is changed.\n"
    )
    store = Store.open(copy)
    assert not store.paused()
    store.close()
    original.close()


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resume", str(tmp_path / "none.db")]) == 1
    assert "found no file" in capsys.readouterr().err
