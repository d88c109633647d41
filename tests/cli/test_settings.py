from __future__ import annotations

import logging
from pathlib import Path

import pytest

from perdure.cli.main import main
from perdure.cli.settings import VARIABLES, unknown_variables


def test_a_variable_that_nobody_reads_is_told_with_the_one_that_may_be_meant() -> None:
    environment = {
        "PERDURE_WORKER_URL_ALOW": "10.0.0.0/8",
        "PERDURE_RETENTION": "30",
        "PERDURE_XYZZY": "1",
        "PERDURE_DB": "x.db",
        "PATH": "/bin",
    }
    assert unknown_variables(environment) == [
        "PERDURE_RETENTION (did you mean PERDURE_RETENTION_DAYS?)",
        "PERDURE_WORKER_URL_ALOW (did you mean PERDURE_WORKER_URL_ALLOW?)",
        "PERDURE_XYZZY",
    ]


def test_what_another_command_reads_and_what_is_empty_are_no_mistakes() -> None:
    assert unknown_variables({**dict.fromkeys(VARIABLES, "x"), "PERDURE_PROT": ""}) == []


@pytest.mark.parametrize("arguments", [["server"], ["worker", "tests.cli.served:Quick"]])
def test_a_command_that_serves_warns_of_them(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PERDURE_PROT", "9000")
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        assert main([*arguments, "--host", "192.0.2.1"]) == 1
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert "these variables of the environment set nothing: PERDURE_PROT (did you mean PERDURE_PORT?)" in caplog.text
