"""What the pages say: their programs run, their names are those of the code, their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

import perdure
from perdure.engine.engine import EngineSettings
from perdure.model.errors import PerdureError
from perdure.model.limits import LIMITS
from perdure.testing.environment import Environment
from perdure.wire.openapi import CALLS, EVERY_CALL
from perdure.wire.paths import path_of as path_of_call

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
TESTED_ELSEWHERE = {
    "tutorial/first-workflow.md": "below",
    "howto/test-a-workflow.md": "tests/testing",
    "howto/move-from-iwf.md": "tests/iwf",
}
"""Pages whose programs have tests of their own, and where."""


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def path_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def programs() -> list[Path]:
    pages = [page for page in PAGES if page.is_relative_to(DOCS) and blocks(page)]
    return [page for page in pages if page.relative_to(DOCS).as_posix() not in TESTED_ELSEWHERE]


@pytest.mark.parametrize("page", programs(), ids=path_of)
def test_the_programs_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module: dict[str, object] = {"__name__": "shown"}
    for block in blocks(page):
        # Compiled without this file's own `from __future__`, as a reader would run it.
        exec(compile(block, str(page), "exec", dont_inherit=True), module)


@pytest.mark.parametrize("page", PAGES, ids=path_of)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    broken = [to for to in targets if "://" not in to and not (page.parent / to.partition("#")[0]).exists()]
    assert broken == []


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in index} == set()


def names_in_tables(page: str) -> set[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return {name for name in re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) if name}


def test_the_reference_names_what_is_public_and_nothing_else() -> None:
    assert names_in_tables("reference/api.md") == set(perdure.__all__)


def public_errors() -> dict[str, type[Exception]]:
    public = {name: getattr(perdure, name) for name in perdure.__all__}
    return {name: kind for name, kind in public.items() if isinstance(kind, type) and issubclass(kind, Exception)}


def test_every_error_has_its_advice() -> None:
    branches = {"PerdureError", "RequestError", "WorkflowEnded", "WorkerError"}
    assert names_in_tables("reference/errors.md") == set(public_errors()) - branches


def test_the_tree_of_errors_is_the_one_there_is() -> None:
    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    shown: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in text[text.index("```text") :].split("```")[1].splitlines()[1:]:
        name = line.strip("│├└─ ")
        depth = line.index(name) // 4
        above[depth] = name
        shown[name] = above.get(depth - 1, "Exception")

    kinds = {name: kind for name, kind in public_errors().items() if issubclass(kind, PerdureError)}
    assert shown == {name: kind.__bases__[0].__name__ for name, kind in kinds.items()}


SCENARIOS = ROOT / "tests" / "recordings" / "scenarios"


def test_what_proves_a_difference_is_there() -> None:
    text = (DOCS / "reference" / "differences-from-iwf.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| iWF's server")]
    assert rows
    for row in rows:
        proofs = re.findall(r"`([^`]+)`", row.rstrip("| ").rpartition("|")[2])
        assert proofs, row
        for proof in proofs:
            file, _, test = proof.partition("::")
            if test:
                assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), proof
            else:
                assert (SCENARIOS / f"{proof}.yaml").exists(), proof


def test_every_answer_of_ours_that_mends_a_defect_is_among_the_differences() -> None:
    text = (DOCS / "reference" / "differences-from-iwf.md").read_text(encoding="utf-8")
    defects = {
        path.stem for path in SCENARIOS.glob("*.yaml") if re.search(r"^defect:", path.read_text("utf-8"), re.MULTILINE)
    }
    assert {name for name in defects if f"`{name}`" not in text} == set()


def test_the_settings_of_an_engine_are_told_with_their_defaults() -> None:
    text = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    told = {
        name: default
        for name, default in re.findall(r"^\| `(\w+)` \| .* \| (.*?) ?\|$", text, re.MULTILINE)
        if name in EngineSettings.__slots__
    }
    assert set(told) == set(EngineSettings.__slots__)
    for name, default in told.items():
        value = getattr(EngineSettings(), name)
        shown = f"{value:,}" if type(value) is int else str(value)
        assert shown in default.replace("none", ""), f"{name} is {value!r}, and {default!r} is told"


def test_the_calls_of_a_server_are_those_of_the_code() -> None:
    text = (DOCS / "reference" / "server.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(/api/[^`]+)` \| (.*) \| (.*?) ?\|$", text, re.MULTILINE)
    assert [(path, does, more.strip()) for path, does, more in told] == [
        (
            path_of_call(call),
            described.summary,
            ", ".join(str(status) for status in sorted(described.statuses) if status not in EVERY_CALL),
        )
        for call, described in CALLS.items()
    ]


def test_the_limits_are_those_of_the_code() -> None:
    text = (DOCS / "reference" / "limits.md").read_text(encoding="utf-8")
    table = re.search(r"\|---\|---\|---\|---\|---\|---\|\n((?:\|.*\n)+)", text)
    assert table is not None
    told = [tuple(cell.strip() for cell in row.split("|")[1:-1]) for row in table[1].splitlines()]
    assert told == [
        (
            limit.what,
            f"{limit.most:,} {limit.unit}".strip(),
            limit.where,
            limit.beyond,
            limit.remedy,
            f"`--{limit.setting.replace('_', '-')}`" if limit.setting else "",
        )
        for limit in LIMITS
    ]


def test_the_example_of_the_readme_runs() -> None:
    mails: list[str] = []
    module: dict[str, object] = {"__name__": "readme"}
    (block,) = blocks(ROOT / "README.md")
    exec(compile(block, "README.md", "exec", dont_inherit=True), module)
    module["send_mail"] = lambda to, text: mails.append(text)
    signup: Any = module["Signup"]

    with Environment(signup()) as env:
        ada = env.client.start(signup, "ada", cast("Any", module["Form"])("ada@example.org"))
        env.advance(timedelta(hours=25))
        env.restart()
        ada.call(signup.confirm)
        assert ada.result() == "verified"
    assert mails == ["Please verify your address.", "A reminder: please verify your address.", "Welcome!"]


def test_the_example_of_the_readme_runs_as_it_is_copied(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "README.md")
    (tmp_path / "signup.py").write_text(block, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "signup.py"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert said.splitlines() == [
        "to ada@example.org: Please verify your address.",
        "to ada@example.org: Welcome!",
        "verified",
    ]


def test_the_first_own_workflow_is_killed_goes_on_and_is_tested(tmp_path: Path) -> None:
    program, test = blocks(DOCS / "tutorial" / "first-workflow.md")
    (tmp_path / "invitation.py").write_text(program.replace("seconds=5", "milliseconds=100"), encoding="utf-8")
    with started(tmp_path) as first:
        assert [read_line(first) for _ in range(2)] == ["Ada, will you come?", "Ada, this is reminder 1"]
        first.kill()
    with started(tmp_path) as second:
        line = read_line(second)
        assert re.fullmatch(r"Ada, this is reminder \d+", line), f"{line!r}: she is not invited again"
        said, _ = second.communicate("yes\n", timeout=60)
        assert said.splitlines()[-1] == "Ada says: yes"

    (tmp_path / "invitation.py").write_text(program, encoding="utf-8")
    (tmp_path / "test_invitation.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_invitation.py"]
    outcome = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stdout


def started(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "invitation.py"]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")
