"""The environment with iWF's own Python SDK, as it is on PyPI: it wants other versions than we do."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "iwf-sdk.txt"


def make_environment() -> Path:
    """Return the Python of the environment, which is made the first time."""
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


def find_package(python: Path) -> Path:
    """Return the folder of the SDK, its tests in it."""
    found = subprocess.check_output([python, "-I", "-c", "import iwf; print(iwf.__path__[0])"], text=True)
    return Path(found.strip())
