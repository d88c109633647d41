from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure.client.client import AsyncClient
from perdure.client.handle import AsyncHandle
from perdure.client.remote import RemoteBackend
from perdure.model.errors import UnavailableError
from perdure.sharing.connection import Connection
from perdure.sharing.frames import Request, encode_request, framed
from perdure.sharing.host import Host
from perdure.sharing.listener import Listener
from perdure.sharing.place import BACKLOG
from perdure.wire.paths import API, Call
from tests.sharing.opened import offer, until
from tests.sharing.test_connection import Wire
from tests.sharing.workflows import Greeting

PATH = API + Call.GET_WITH_WAIT
WAIT = b'{"workflowId": "ada", "waitTimeSeconds": 60}'


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    host = await Host.open_here(offer(tmp_path / "x.db", Greeting()))
    yield host
    await host.aclose()


def socket_of(host: Host, tmp_path: Path) -> Path:
    assert host.listener is not None
    return tmp_path / host.listener.address.removeprefix("unix:")


@pytest.fixture
async def connection(host: Host, tmp_path: Path) -> AsyncIterator[Connection]:
    connection = await Connection.open(socket_of(host, tmp_path))
    yield connection
    await connection.close()


@pytest.fixture
def listener(host: Host) -> Listener:
    assert host.listener is not None
    return host.listener


@pytest.fixture
async def ada(connection: Connection) -> AsyncHandle[Greeting, str]:
    return await AsyncClient(RemoteBackend(Wire(connection))).start(Greeting, "ada", "Ada")


async def test_thousand_long_polls_cost_no_thread_and_are_all_answered(
    host: Host, ada: AsyncHandle[Greeting, str]
) -> None:
    await until(lambda: host.engine.idle)
    threads = threading.active_count()
    polls = [asyncio.ensure_future(ada.result()) for _ in range(1_000)]
    await until(lambda: host.engine.callers_waiting == 1_000)
    assert threading.active_count() == threads
    await ada.publish(Greeting.go_on)
    assert len(set(await asyncio.gather(*polls))) == 1


async def test_many_may_come_while_the_engine_is_busy(listener: Listener, host: Host, tmp_path: Path) -> None:
    callers = [socket.socket(socket.AF_UNIX) for _ in range(BACKLOG)]
    for caller in callers:  # nothing of the loop runs meanwhile
        caller.setblocking(False)
        caller.connect(str(socket_of(host, tmp_path)))
    await until(lambda: listener.callers_count == BACKLOG)
    for caller in callers:
        caller.close()


async def test_wait_that_is_cancelled_is_forgotten(
    host: Host, listener: Listener, ada: AsyncHandle[Greeting, str]
) -> None:
    polls = [asyncio.ensure_future(ada.result()) for _ in range(3)]
    await until(lambda: host.engine.callers_waiting == 3)
    polls[1].cancel()
    await until(lambda: host.engine.callers_waiting == 2)
    assert listener.requests_count == 2
    await ada.publish(Greeting.go_on)
    assert (await polls[0]) == (await polls[2])


async def test_connection_that_ends_leaves_nothing_behind(
    host: Host, listener: Listener, connection: Connection, ada: AsyncHandle[Greeting, str]
) -> None:
    polls = [asyncio.ensure_future(ada.result()) for _ in range(10)]
    await until(lambda: host.engine.callers_waiting == 10)
    for poll in polls:
        poll.cancel()
    await connection.close()
    await until(lambda: not host.engine.callers_waiting)
    assert (listener.callers_count, listener.requests_count) == (0, 0)


@pytest.mark.parametrize(
    ("nonsense", "complaint"),
    [
        (struct.pack("!I", 2**31), b"found a frame of 2147483648 bytes"),
        (framed(b"GET / HTTP/1.1"), b"found a request"),
        (framed(encode_request(Request(1, PATH, WAIT))) * 2, b"found a second request 1"),
    ],
    ids=["too long", "another protocol", "a number twice"],
)
async def test_nonsense_ends_its_connection_and_touches_no_other(
    host: Host,
    listener: Listener,
    ada: AsyncHandle[Greeting, str],
    tmp_path: Path,
    nonsense: bytes,
    complaint: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    waiting = asyncio.ensure_future(ada.result())
    await until(lambda: host.engine.callers_waiting == 1)
    reader, writer = await asyncio.open_unix_connection(str(socket_of(host, tmp_path)))
    with caplog.at_level(logging.WARNING):
        writer.write(nonsense)
        assert complaint in await reader.read()
    writer.close()
    assert "does not keep to the protocol" in caplog.text
    await until(lambda: listener.callers_count == 1 and listener.requests_count == 1)
    await ada.publish(Greeting.go_on)
    assert (await waiting).startswith("hello Ada")


async def test_request_that_makes_no_sense_is_answered_and_nothing_ends(connection: Connection) -> None:
    assert (await connection.send("/nowhere", b"", seconds=60))[0] == 404
    assert (await connection.send(PATH, b"[[[", seconds=60))[0] == 400


async def test_what_is_asked_while_the_engine_closes_is_answered(
    host: Host, connection: Connection, ada: AsyncHandle[Greeting, str]
) -> None:
    waiting = asyncio.ensure_future(connection.send(PATH, WAIT, seconds=60))
    await until(lambda: host.engine.callers_waiting == 1)
    await host.aclose()
    assert (await waiting)[0] == 503
    await connection.lost.wait()
    with pytest.raises(UnavailableError):
        await connection.send(PATH, WAIT, seconds=60)
