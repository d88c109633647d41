"""The guide for those who come from iWF does what it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "move-from-iwf.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_its_program_and_its_test_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module: dict[str, object] = {"__name__": "guide"}

    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec"), module)

    assert (tmp_path / "greetings.db").exists()


def test_its_command_changes_imports_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "deep" / "program.py"
    program.parent.mkdir()
    program.write_text("from iwf.client import Client\nfrom iwfish import swim\nfrom iwf import rpc\n")
    (command,) = blocks("sh")

    subprocess.run(command, shell=True, cwd=tmp_path, check=True)

    assert program.read_text() == (
        "from perdure.iwf.client import Client\nfrom iwfish import swim\nfrom perdure.iwf import rpc\n"
    )
