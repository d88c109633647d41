from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perdure.cli.target import worker_at
from perdure.model.errors import DefinitionError, InvalidRequest
from perdure.worker.serving import Worker
from tests.cli import served
from tests.worker.test_signature import SECRET


def at(target: str) -> Worker:
    return worker_at(target, threads=None, keys=())


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("registry", {"Quick"}),
        ("instance", {"Quick"}),
        ("Quick", {"Quick"}),
        ("Old", {"Old"}),
        ("every", {"Quick", "Slow", "SlowOnLoop", "Steady", "Hopeless", "Old"}),
    ],
)
def test_registries_workflows_and_lists_of_them_are_served(name: str, types: set[str]) -> None:
    assert at(f"tests.cli.served:{name}").workflow_types == types


def test_a_worker_is_served_as_it_is() -> None:
    assert at("tests.cli.served:worker") is served.worker
    with pytest.raises(InvalidRequest, match="has its own threads and keys"):
        worker_at("tests.cli.served:worker", threads=3, keys=())
    with pytest.raises(InvalidRequest, match="has its own threads and keys"):
        worker_at("tests.cli.served:worker", threads=None, keys=[SECRET])


def test_threads_and_keys_are_the_workers() -> None:
    assert worker_at("tests.cli.served:Quick", threads=3, keys=[SECRET]).signed
    assert not at("tests.cli.served:Quick").signed
    with pytest.raises(ValueError, match="threads is 0"):
        worker_at("tests.cli.served:Quick", threads=0, keys=())


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("tests.cli.served", "expected module:name"),
        (":Quick", "expected module:name"),
        ("tests.cli.served:", "expected module:name"),
        ("tests.cli.nowhere:Quick", "there is no module 'tests.cli.nowhere', looked for from "),
        ("./tests/cli/served.py:Quick", "with the name of a file, expected that of its module"),
        ("nowhere.at.all:Quick", "there is no module 'nowhere'"),
        ("tests.cli.served:Quik", "has no Quik; did you mean Quick"),
        ("tests.cli.served:zzz", "has no zzz$"),
        ("tests.cli.served:number", "is a int, expected a Worker, a Registry"),
        ("tests.cli.served:make", "is the function make, expected"),
        ("tests.cli.served:os", "is the module os"),
        ("tests.cli.served:policy", "is the class IDReusePolicy, which is no workflow"),
        ("tests.cli.served:nothing", "has no workflow in it"),
        (
            "tests.cli.served:NeedsMail",
            r"the class NeedsMail, which needs send, sender; .* NeedsMail\(send=…, sender=…\)",
        ),
    ],
)
def test_what_cannot_be_served_is_told(target: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        at(target)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def test_modules_are_looked_for_where_the_command_is_given(here: Path) -> None:
    (here / "of_mine_one.py").write_text("from tests.cli.served import Quick\nflows = (Quick,)\n")
    assert at("of_mine_one:flows").workflow_types == {"Quick"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import not_installed_at_all", "No module named 'not_installed_at_all'"),
        ("raise ValueError('no mail server')", "ValueError: no mail server"),
        ("def x(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_raises_is_told_with_its_stack(here: Path, text: str, told: str) -> None:
    name = f"broken_{abs(hash(text))}"
    (here / f"{name}.py").write_text(text)
    with pytest.raises(InvalidRequest, match=f"module '{name}' cannot be imported:\n") as raised:
        at(f"{name}:flows")
    assert told in str(raised.value)
    assert f'{name}.py", line 1' in str(raised.value)


def test_a_class_that_is_wrong_is_told_by_its_registry(here: Path) -> None:
    (here / "of_mine_two.py").write_text(
        "from perdure import Workflow\nclass Empty(Workflow[str, str]): ...\nflows = [Empty]\n"
    )
    with pytest.raises(DefinitionError, match="Empty"):
        at("of_mine_two:flows")
