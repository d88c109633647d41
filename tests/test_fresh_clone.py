"""What a stranger does first: clone, ``make demo``, look."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.ports import quiet_port

ROOT = Path(__file__).parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "perdure"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.fixture
def demo(clone: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "PYENV_", "LANG"))}
    environment |= {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
    arguments = f"ARGS=--port {quiet_port()} --smtp-port {quiet_port()} --remind-every 1m"
    process = subprocess.Popen(
        ["make", "demo", f"PYTHON={sys.executable}", arguments],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.mark.timeout(600)
def test_make_demo_works_from_a_fresh_clone_with_an_empty_home(demo: subprocess.Popen[str]) -> None:
    assert demo.stdout is not None
    said = []
    for line in demo.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            break
    text = "".join(said)
    pages = dict(re.findall(r"(sign up|read mail)\s+(http://\S+)", text))
    assert pages.keys() == {"sign up", "read mail"}, text
    for url in pages.values():
        with urlopen(url, timeout=60) as page:
            assert page.status == 200


def test_make_test_tells_why_browser_tests_are_skipped_where_it_may_install_no_chromium(tmp_path: Path) -> None:
    somebody = tmp_path / "id"
    somebody.write_text("#!/bin/sh\necho 1000\n")
    somebody.chmod(0o755)
    done = subprocess.run(
        [ROOT / "requirements/chromium.sh"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert "browser tests are skipped. To run them: sudo apt-get install chromium" in done.stderr
