"""The owner's end: answers what other processes ask over the socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from perdure.sharing.channel import Channel
from perdure.sharing.desk import Desk
from perdure.sharing.frames import (
    FRAME_BYTES_MAX,
    Answer,
    MalformedFrame,
    Request,
    decode_request,
    encode_answer,
    encode_greeting,
)
from perdure.sharing.inheritance import keep_from_children, released
from perdure.sharing.place import BACKLOG, Place
from perdure.wire import document

logger = logging.getLogger(__name__)

ANSWER_BYTES_MAX = FRAME_BYTES_MAX - 1_024
FLUSH_SECONDS = 2.0
"""For answers that are ready when the engine closes, and an end that reads slowly."""


class Listener:
    """Serves a backend at a place. Belongs to the loop it is opened on; costs no thread."""

    def __init__(self, desk: Desk, place: Place) -> None:
        self._desk = desk
        self._place = place
        self._server: asyncio.Server | None = None
        self._callers: set[_Caller] = set()

    @property
    def address(self) -> str:
        """What others are to be told."""
        return self._place.address

    @property
    def callers_count(self) -> int:
        """How many connections are open."""
        return len(self._callers)

    @property
    def requests_count(self) -> int:
        """How many requests have not been answered."""
        return sum(len(caller.tasks) for caller in self._callers)

    async def open(self) -> None:
        """Begin to take connections."""
        keep_from_children(self._place.listening.fileno())
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._welcome, sock=self._place.listening, backlog=BACKLOG)

    def stop_listening(self) -> None:
        """Take no connections any more; those there are go on."""
        self._place.remove()
        if self._server is not None:
            released(self._place.listening.fileno())
            self._server.close()
            self._server = None

    async def close(self) -> None:
        """Send the answers that are ready, or will be in a moment, and end all connections."""
        self.stop_listening()
        tasks = [task for caller in self._callers for task in caller.tasks.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=FLUSH_SECONDS)
        ends = [asyncio.ensure_future(caller.end()) for caller in self._callers]
        if ends:
            await asyncio.wait(ends, timeout=FLUSH_SECONDS)
        for caller in list(self._callers):
            caller.abort()
        await asyncio.gather(*ends)

    def _welcome(self) -> Channel:
        caller = _Caller(self._desk, ended=self._callers.discard)
        self._callers.add(caller)
        return caller


class _Caller(Channel):
    """A connection and what is asked over it. Its requests end with it."""

    def __init__(
        self,
        desk: Desk,
        *,
        ended: Callable[[_Caller], None],
    ) -> None:
        super().__init__(take=self._ask, malformed=self._refuse, lost=self._leave, reads_only_for_readers=True)
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self._desk = desk
        self._tell_ended = ended
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.send(encode_greeting(self._desk.greeting))

    async def end(self) -> None:
        """Send what is to be sent, and return when the connection has ended."""
        self.close()
        await self._gone.wait()

    def _ask(self, content: bytes) -> None:
        request = decode_request(content)
        if not request.path:
            task = self.tasks.get(request.number)
            if task is not None:
                task.cancel()
            return
        if request.number in self.tasks:
            raise MalformedFrame(f"found a second request {request.number} before the first is answered")
        task = asyncio.ensure_future(self._answer(request))
        self.tasks[request.number] = task
        task.add_done_callback(lambda _: self.tasks.pop(request.number))

    async def _answer(self, request: Request) -> None:
        response = await self._desk.answer(request.path, request.body)
        status, body = response.status, response.body
        if len(body) > ANSWER_BYTES_MAX:
            detail = f"the answer has {len(body)} bytes, expected no more than {ANSWER_BYTES_MAX}; ask for less at once"
            status, body = 400, document.write({"detail": detail})
        self.send(encode_answer(Answer(request.number, status, body)))

    def _refuse(self, problem: MalformedFrame) -> None:
        logger.warning("a connection is ended that does not keep to the protocol: %s", problem)
        self.send(encode_answer(Answer(0, 400, str(problem).encode())))
        self.close()

    def _leave(self) -> None:
        for task in list(self.tasks.values()):
            task.cancel()
        self._gone.set()
        self._tell_ended(self)
