"""iWF's own Python SDK, as it is on PyPI, as client and as worker, against a real server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.server.process import ServerProcess
from tests.server.sdk_environment import find_package, make_environment

PATTERN = "test_*.py"
PROGRAM = Path(__file__).parent / "iwf_sdk" / "program.py"


@pytest.fixture(scope="module")
def sdk() -> Path:
    return make_environment()


@pytest.mark.timeout(300)  # the environment is made first
def test_a_program_of_iwfs_python_sdk_runs(sdk: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--max-wait-seconds", "5") as server:  # the program waits once in vain
        ended = subprocess.run(
            [sdk, "-W", "ignore", PROGRAM, server.url], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.long
def test_the_tests_that_the_sdk_brings_pass(sdk: Path, tmp_path: Path) -> None:
    package = find_package(sdk)
    # They look for a server at 8801, and serve their worker at 8802.
    with ServerProcess(tmp_path, "--port", "8801"):
        done = subprocess.run(
            [sdk, "-I", "-m", "unittest", "discover", "-s", package / "tests", "-t", package.parent, "-p", PATTERN],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Ran [1-9]\d* tests", done.stderr, re.MULTILINE), done.stderr
