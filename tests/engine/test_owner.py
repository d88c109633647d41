from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perdure.engine.owner import Owned, Owner, said_of
from perdure.model.errors import UnavailableError


@contextmanager
def another_process(path: Path, *, address: str | None) -> Iterator[int]:
    """Let another process own *path*, and yield its id."""
    script = f"""
import pathlib, sys
from perdure.engine.owner import Owner
owner = Owner.take(pathlib.Path({str(path)!r}), address={address!r})
print(flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:8801", r"a server\. Connect to it at http://127\.0\.0\.1:8801, or stop it"),
        ("unix:engine.db.sock", r"Use its engine: connect\('sqlite:////.*engine\.db'\), or stop it"),
        ("", r"which lets no other use its engine\. Stop it"),
        (None, "which has not said yet how others can use its engine"),
    ],
)
def test_second_owner_is_told_who_the_first_is_and_how_to_reach_it(
    tmp_path: Path, address: str | None, told: str
) -> None:
    path = tmp_path / "engine.db"
    with another_process(path, address=address) as pid:
        with pytest.raises(Owned, match=rf"in use by process {pid}.*{told}") as owned:
            Owner.take(path)
        assert (owned.value.pid, owned.value.address, owned.value.is_here) == (pid, address, False)
        assert said_of(path) == (pid, address)
    Owner.take(path).release()


def test_process_that_owns_the_file_itself_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    first = Owner.take(path)
    with pytest.raises(Owned, match=rf"this very process \({os.getpid()}\), which has opened it before") as owned:
        Owner.take(path)
    assert owned.value.is_here
    first.release()
    first.release()
    Owner.take(path).release()


def test_link_to_the_file_is_the_file(tmp_path: Path) -> None:
    path, link, again = tmp_path / "engine.db", tmp_path / "link.db", tmp_path / "again" / "engine.db"
    again.parent.mkdir()
    link.symlink_to(path)  # which is not made yet
    again.symlink_to(link)
    owner = Owner.take(again, address="unix:engine.db.sock")
    for other in (path, link):
        with pytest.raises(Owned):
            Owner.take(other)
        assert said_of(other) == (os.getpid(), "unix:engine.db.sock")
    owner.release()


def test_address_may_be_said_later(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    assert said_of(path) == (None, None)
    owner = Owner.take(path, address=None)
    assert said_of(path) == (os.getpid(), None)
    owner.announce("unix:a.sock")
    assert said_of(path) == (os.getpid(), "unix:a.sock")
    owner.announce("")
    assert said_of(path) == (os.getpid(), "")
    owner.release()
    assert said_of(path) == (None, None)


@pytest.mark.parametrize("told", ["", "{", "[]", "7", '{"pid": "a", "address": ""}', '{"pid": 7, "address": 7}'])
def test_lock_that_cannot_be_read_says_nothing(tmp_path: Path, told: str) -> None:
    (tmp_path / "engine.db.lock").write_text(told)
    assert said_of(tmp_path / "engine.db") == (None, None)


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


def test_lock_that_cannot_be_written_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    lock = tmp_path / "engine.db.lock"
    lock.symlink_to("/dev/full")
    for _ in range(2):
        with pytest.raises(UnavailableError, match=r"engine\.db\.lock cannot be written: ") as refused:
            Owner.take(path)
        assert not isinstance(refused.value, Owned)


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="missing"):
        Owner.take(tmp_path / "missing" / "engine.db")


def test_a_folder_is_no_file_and_has_no_lock_made_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(UnavailableError, match=r"data is a folder, expected a file, such as .*data/perdure\.db"):
        Owner.take(folder)
    assert list(tmp_path.iterdir()) == [folder]
