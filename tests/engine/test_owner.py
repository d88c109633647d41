from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perdure.engine.owner import Owner
from perdure.model.errors import UnavailableError


def test_second_owner_is_told_who_the_first_is_and_how_to_reach_it(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    first = Owner.take(path, address="http://127.0.0.1:8801")
    with pytest.raises(UnavailableError, match=rf"process {os.getpid()}.*http://127\.0\.0\.1:8801"):
        Owner.take(path)
    first.release()
    first.release()
    Owner.take(path).release()


def test_owner_that_dies_owns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    script = f"import os, pathlib\nfrom perdure.engine.owner import Owner\nOwner.take(pathlib.Path({str(path)!r}))\nos._exit(0)"
    subprocess.run([sys.executable, "-c", script], check=True)
    Owner.take(path).release()


def test_child_that_outlives_the_owner_owns_nothing(tmp_path: Path) -> None:
    path, told = tmp_path / "engine.db", tmp_path / "pid"
    script = f"""
import os, pathlib, time
from perdure.engine.owner import Owner
owner = Owner.take(pathlib.Path({str(path)!r}))
ready, tell = os.pipe()
child = os.fork()
if not child:
    os.write(tell, b"!")
    time.sleep(60)
os.read(ready, 1)
pathlib.Path({str(told)!r}).write_text(str(child))
os._exit(0)
"""
    quiet = subprocess.DEVNULL
    subprocess.run([sys.executable, "-c", script], check=True, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        Owner.take(path).release()
    finally:
        os.kill(int(told.read_text()), signal.SIGKILL)


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="missing"):
        Owner.take(tmp_path / "missing" / "engine.db")
