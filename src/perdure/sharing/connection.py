"""The other end: one connection to the process that owns a file, for everything that is asked of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from perdure.client.remote import Unsent
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.sharing.channel import Channel
from perdure.sharing.frames import (
    FRAME_BYTES_MAX,
    VERSION,
    Greeting,
    MalformedFrame,
    Request,
    decode_answer,
    decode_greeting,
    encode_request,
)

CONNECT_SECONDS = 5.0
"""Until the owner has greeted: it may be under way with something that takes its loop."""
REQUEST_BYTES_MAX = FRAME_BYTES_MAX - 1_024


class Connection:
    """Belongs to the loop it is opened on."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path
        self._channel = Channel(take=self._take, malformed=self._break, lost=self._lose)
        self._waiting: dict[int, asyncio.Future[tuple[int, bytes]]] = {}
        self._last_number = 0
        self._greeted: asyncio.Future[Greeting] = asyncio.get_running_loop().create_future()
        self._problem = ""
        self.lost = asyncio.Event()
        """The connection has ended, whoever ended it."""

    @classmethod
    async def open(cls, socket_path: Path) -> Connection:
        """Connect, and hear who is there.

        Raises:
            Unsent: nobody is there who answers; somebody may be soon.
            UnavailableError: it cannot be spoken to, now or later.
        """
        connection = cls(socket_path)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_unix_connection(lambda: connection._channel, str(socket_path))
                greeting = await connection._greeted
        except TimeoutError:
            connection._channel.abort()
            raise Unsent(f"nobody has greeted at {socket_path} within {CONNECT_SECONDS:g} s") from None
        except PermissionError as error:
            raise UnavailableError(
                f"{socket_path} may not be connected to ({error.strerror}): only the user may whose process made it"
            ) from error
        except OSError as error:
            raise Unsent(f"nobody listens at {socket_path}: {error.strerror or error}") from error
        except BaseException:
            connection._channel.abort()
            raise
        if greeting.version != VERSION:
            connection._channel.abort()
            raise UnavailableError(
                f"process {greeting.pid} speaks version {greeting.version} of the protocol of {socket_path}, expected "
                f"{VERSION}: it runs another release of Perdure. Restart it with this one"
            )
        return connection

    @property
    def greeting(self) -> Greeting:
        """Who is there."""
        return self._greeted.result()

    async def send(self, path: str, body: bytes, *, seconds: float) -> tuple[int, bytes]:
        """As ``Transport.send``, on this connection's loop."""
        if self.lost.is_set():
            raise Unsent(f"process {self.greeting.pid} has gone, which owned the file")
        if len(body) > REQUEST_BYTES_MAX:
            raise InvalidRequest(f"found a request of {len(body)} bytes, expected no more than {REQUEST_BYTES_MAX}")
        self._last_number += 1
        number = self._last_number
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._channel.send(encode_request(Request(number, path, body)))
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise UnavailableError(f"process {self.greeting.pid} has not answered within {seconds:g} s") from None
        finally:
            # Still there if nobody waits for the answer any more: then the owner need not, either.
            if self._waiting.pop(number, None) is not None:
                self._channel.send(encode_request(Request(number, "")))

    async def close(self) -> None:
        """End the connection; who still waits gets ``UnavailableError``."""
        self._problem = self._problem or "the client was closed before its question was answered"
        # Nobody waits for what is not sent yet; an owner that has stopped reading would be waited for without end.
        self._channel.abort()
        await self.lost.wait()

    def _take(self, content: bytes) -> None:
        if not self._greeted.done():
            self._greeted.set_result(decode_greeting(content))
            return
        answer = decode_answer(content)
        if not answer.number:
            raise MalformedFrame(answer.body.decode("utf-8", "replace"))
        waiting = self._waiting.pop(answer.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result((answer.status, answer.body))

    def _break(self, problem: MalformedFrame) -> None:
        self._problem = f"the connection at {self._path} cannot go on: {problem}"
        self._channel.abort()

    def _lose(self) -> None:
        self.lost.set()
        if not self._greeted.done():
            self._greeted.set_exception(Unsent(self._problem or f"the owner hung up at {self._path} before it greeted"))
            return
        problem = self._problem or f"process {self.greeting.pid} has gone before it answered, which owned the file"
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(UnavailableError(problem))
