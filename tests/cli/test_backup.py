from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from perdure.cli.main import main
from perdure.engine import open_engine
from perdure.store.store import Store
from perdure.testing.conformance.invoker import ScriptedInvoker


def perdure(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "perdure.cli", *arguments], capture_output=True, text=True, check=False
    )


def test_a_file_that_another_process_owns_is_copied(tmp_path: Path) -> None:
    file, copy = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    engine = open_engine(file, ScriptedInvoker())
    engine.start()
    try:
        done = perdure("backup", file, copy)
    finally:
        engine.close()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{copy} is a copy of {file}, ")
    store = Store.open(copy)
    assert store.paused()
    store.close()


def test_a_copy_replaces_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.db"
    Store.open(file).close()
    assert main(["backup", str(file), str(file)]) == 1
    assert capsys.readouterr().err == f"perdure: {file} exists already: give the backup a name of its own\n"


def test_what_is_no_database_is_not_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", str(tmp_path / "none.db"), str(tmp_path / "b.db")]) == 1
    assert f"{tmp_path / 'none.db'} cannot be opened" in capsys.readouterr().err
    (tmp_path / "empty.db").touch()
    assert main(["backup", str(tmp_path / "empty.db"), str(tmp_path / "b.db")]) == 1
    assert "has version 0" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]
