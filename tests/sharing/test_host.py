from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from perdure.engine.owner import Owned, said_of
from perdure.model.errors import UnavailableError
from perdure.sharing.connection import Connection
from perdure.sharing.host import Host
from perdure.sharing.place import path_of
from tests.sharing.opened import offer
from tests.sharing.workflows import Greeting


def greeted_by(path: Path) -> int:
    async def ask() -> int:
        _, address = said_of(path)
        assert address
        connection = await Connection.open(path_of(path, address))
        pid = connection.greeting.pid
        await connection.close()
        return pid

    return asyncio.run(ask())


def test_engine_is_open_to_others_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    host = Host.open(offer(path, Greeting()))
    assert greeted_by(path) == os.getpid()
    with pytest.raises(Owned):
        Host.open(offer(path))
    host.close()
    host.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.db", "x.db.lock"]
    Host.open(offer(path)).close()


def test_file_whose_path_is_too_long_for_a_socket_is_open_to_others_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    path = tmp_path / ("long" * 20) / ("path" * 20) / "x.db"
    path.parent.mkdir(parents=True)
    host = Host.open(offer(path))
    assert greeted_by(path) == os.getpid()
    host.close()
    assert list((runtime / "perdure").iterdir()) == []


def test_engine_works_where_no_socket_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.db"
    (tmp_path / "x.db.sock").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))
    with caplog.at_level(logging.WARNING):
        host = Host.open(offer(path))
    assert "no other process can use the engine" in caplog.text
    assert host.engine.idle
    assert said_of(path) == (os.getpid(), "")
    host.close()


def test_file_that_cannot_be_used_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_text("no database, but long enough to be read as if it were one" * 10)
    for _ in range(2):
        with pytest.raises(UnavailableError) as told:
            Host.open(offer(path))
        assert not isinstance(told.value, Owned)


def test_fork_of_the_owner_owns_nothing_and_can_close_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    host = Host.open(offer(path))
    child = os.fork()
    if not child:
        host.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert greeted_by(path) == os.getpid()
    host.close()
