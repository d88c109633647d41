"""iWF's own Python SDK, as it is on PyPI, as client and as worker, against a real server."""

from __future__ import annotations

import fcntl
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.process import ServerProcess

ROOT = Path(__file__).parents[2]
PATTERN = "test_*.py"
LOCK = ROOT / "requirements" / "iwf-sdk.txt"
PROGRAM = Path(__file__).parent / "iwf_sdk" / "program.py"


@pytest.fixture(scope="module")
def sdk() -> Path:
    """Return the Python of an environment with the SDK, made the first time: it wants other versions than we do."""
    mark = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / f".venv-iwf-sdk-{mark}"
    python = folder / "bin" / "python"
    with (ROOT / ".venv-iwf-sdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".made").exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", LOCK], check=True)
            (folder / ".made").touch()
    return python


@pytest.mark.timeout(300)  # the environment is made first
def test_a_program_of_iwfs_python_sdk_runs(sdk: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--max-wait-seconds", "5") as server:  # the program waits once in vain
        ended = subprocess.run(
            [sdk, "-W", "ignore", PROGRAM, server.url], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.long
def test_the_tests_that_the_sdk_brings_pass(sdk: Path, tmp_path: Path) -> None:
    found = "import iwf; print(iwf.__path__[0])"
    package = Path(subprocess.check_output([sdk, "-I", "-c", found], cwd=tmp_path, text=True).strip())
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
