import json
import re
from pathlib import Path

import pytest

from perdure.cli.main import main


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])

    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_what_cannot_be_done_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "--port", "70000"]) == 1
    assert capsys.readouterr().err == "perdure: port is 70000, expected 0 to 65535\n"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("perdure ")


def test_every_command_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = re.findall(r"^    (\w+) +\S", capsys.readouterr().out, re.MULTILINE)
    assert {"server", "doctor", "backup", "resume"} <= set(shown)
    page = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"
    told = re.findall(r"^\| `perdure (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(shown)


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        (["server", "--port", "70000", "--log-format", "json"], None),
        (["server", "--port", "70000"], "PERDURE_LOG_FORMAT"),
        (["worker", "--port", "70000", "no:thing"], "PERDURE_WORKER_LOG_FORMAT"),
    ],
)
def test_what_cannot_be_done_is_json_where_the_log_is(
    arguments: list[str],
    variable: str | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable is not None:
        monkeypatch.setenv(variable, "json")
    assert main(arguments) == 1
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "error"
    assert line["message"] == "port is 70000, expected 0 to 65535"
    assert line["error_type"] == "InvalidRequest"
