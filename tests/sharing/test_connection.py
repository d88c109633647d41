"""A backend behind a socket is as good as the engine itself, and ends as it should when its owner does."""

from __future__ import annotations

import asyncio
import struct
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from perdure.client.remote import RemoteBackend, Unsent
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.ports.backend import Backend
from perdure.sharing.connection import REQUEST_BYTES_MAX, Connection
from perdure.sharing.desk import Desk
from perdure.sharing.frames import Answer, Greeting, Request, decode_request, encode_answer, encode_greeting, framed
from perdure.sharing.listener import Listener
from perdure.sharing.place import make_place
from perdure.testing.conformance import BackendConformance, InspectorConformance, Stage
from tests.client.stage import RemoteStage

HELLO = framed(encode_greeting(Greeting(7, ("Greeting",))))


class Wire:
    """A connection as a transport, for a backend on its loop."""

    needs_worker_url = False
    name = "the owner"

    def __init__(self, connection: Connection) -> None:
        self.send = connection.send
        self.close = connection.close


class SocketStage(RemoteStage):
    async def open_door(self, served: Backend) -> RemoteBackend:
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name) / "engine.db"
        place = make_place(file)
        types = ("conformance", "old", "young")
        self.listener = Listener(Desk(served, workflows=types, now_ms=self.clock.now_ms), place)
        await self.listener.open()
        return RemoteBackend(Wire(await Connection.open(place.path)), monotonic_ms=self.clock.monotonic_ms)

    async def close_door(self) -> None:
        await self.listener.close()
        self._folder.cleanup()


class TestSocket(BackendConformance, InspectorConformance):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[Stage]:
        stage = SocketStage()
        await stage.open()
        yield stage
        await stage.close()


class Owner:
    """Something at a socket that says what a test wants it to, and notes what it hears."""

    def __init__(self, path: Path, *, first: bytes = HELLO) -> None:
        self.path = path
        self._first = first
        self.heard: asyncio.Queue[Request] = asyncio.Queue()
        self.writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Owner:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        if self.writer is not None:
            self.writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        writer.write(self._first)
        try:
            while True:
                (length,) = struct.unpack("!I", await reader.readexactly(4))
                self.heard.put_nowait(decode_request(await reader.readexactly(length)))
        except asyncio.IncompleteReadError:
            writer.close()

    def say(self, content: bytes) -> None:
        assert self.writer is not None
        self.writer.write(framed(content))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.sock"


async def test_answers_find_their_requests_in_whatever_order_they_come(path: Path) -> None:
    async with Owner(path) as owner:
        connection = await Connection.open(path)
        assert connection.greeting == Greeting(7, ("Greeting",))
        first = asyncio.ensure_future(connection.send("/a", b"1", seconds=60))
        second = asyncio.ensure_future(connection.send("/b", b"2", seconds=60))
        asked = [await owner.heard.get(), await owner.heard.get()]
        assert [(request.path, request.body) for request in asked] == [("/a", b"1"), ("/b", b"2")]
        for request in reversed(asked):
            owner.say(encode_answer(Answer(request.number, 200, request.body)))
        assert (await first, await second) == ((200, b"1"), (200, b"2"))
        await connection.close()


async def test_request_that_nobody_waits_for_is_taken_back(path: Path) -> None:
    async with Owner(path) as owner:
        connection = await Connection.open(path)
        asking = asyncio.ensure_future(connection.send("/a", b"", seconds=60))
        number = (await owner.heard.get()).number
        asking.cancel()
        assert await owner.heard.get() == Request(number, "")
        owner.say(encode_answer(Answer(number, 200, b"too late, and harmless")))
        with pytest.raises(UnavailableError, match=r"process 7 has not answered within 0\.05 s"):
            await connection.send("/b", b"", seconds=0.05)
        assert [(await owner.heard.get()).path for _ in range(2)] == ["/b", ""]
        await connection.close()


async def test_who_waits_is_told_when_the_owner_goes(path: Path) -> None:
    async with Owner(path) as owner:
        connection = await Connection.open(path)
        asking = asyncio.ensure_future(connection.send("/a", b"", seconds=60))
        await owner.heard.get()
        assert owner.writer is not None
        owner.writer.close()
        with pytest.raises(UnavailableError, match="process 7 has gone before it answered") as told:
            await asking
        assert not isinstance(told.value, Unsent)  # it may have been done
        assert connection.lost.is_set()
        with pytest.raises(Unsent):
            await connection.send("/a", b"", seconds=60)


async def test_who_waits_is_told_when_the_connection_is_closed_here(path: Path) -> None:
    async with Owner(path) as owner:
        connection = await Connection.open(path)
        asking = asyncio.ensure_future(connection.send("/a", b"", seconds=60))
        await owner.heard.get()
        await connection.close()
        with pytest.raises(UnavailableError, match="the client was closed"):
            await asking


@pytest.mark.parametrize(
    "nonsense",
    [b"\x00", encode_answer(Answer(0, 400, b"found a frame")), b""],
    ids=["too short", "the owner's complaint", "empty"],
)
async def test_what_is_no_answer_ends_the_connection(path: Path, nonsense: bytes) -> None:
    async with Owner(path) as owner:
        connection = await Connection.open(path)
        asking = asyncio.ensure_future(connection.send("/a", b"", seconds=60))
        await owner.heard.get()
        owner.say(nonsense)
        with pytest.raises(UnavailableError, match="cannot go on: found a frame"):
            await asking


async def test_request_that_is_too_long_is_refused_before_it_is_sent(path: Path) -> None:
    async with Owner(path) as owner:
        connection = await Connection.open(path)
        with pytest.raises(InvalidRequest, match="expected no more than"):
            await connection.send("/a", bytes(REQUEST_BYTES_MAX + 1), seconds=60)
        assert owner.heard.empty()
        await connection.close()


def unused(path: Path) -> None:
    """There is nothing at this path."""


def left_over(path: Path) -> None:
    make_place(path.with_name("x")).listening.close()
    path.with_name("x.sock").rename(path)


@pytest.mark.parametrize("make", [unused, left_over])
async def test_nobody_there_may_be_somebody_soon(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(Unsent, match="nobody listens at"):
        await Connection.open(path)


async def test_owner_of_another_release_is_told_apart(path: Path) -> None:
    async with Owner(path, first=framed(encode_greeting(Greeting(7, (), version=9)))):
        with pytest.raises(UnavailableError, match=r"process 7 speaks version 9 .*expected 1"):
            await Connection.open(path)


async def test_something_else_at_the_socket_is_not_taken_for_an_owner(path: Path) -> None:
    async with Owner(path, first=framed(b"HTTP/1.1 400 Bad Request")):
        with pytest.raises(UnavailableError, match="expected the greeting of a Perdure engine"):
            await Connection.open(path)
