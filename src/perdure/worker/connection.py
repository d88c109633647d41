"""One connection to a worker: a request goes out, its reply comes back, then perhaps the next.

What httptools does not do is here: who waits for which reply, limits, and replies that end with the
connection. Nothing is ever sent twice, and no reply is taken for another request's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from perdure.model.limits import FEWER_HEADERS, REPLY_HEAD_BYTES_MAX, SMALLER_REPLY
from perdure.wire.worker_answer import WorkerReply

Ended = Callable[[WorkerReply | str], None]
"""Takes the reply, or why there is none."""


class Connection(asyncio.Protocol):
    """HTTP/1.1 to one worker. ``usable`` says whether another request may follow."""

    def __init__(self, *, reply_bytes_max: int, lost: Callable[[Connection], None]) -> None:
        """Wait to be connected.

        Args:
            lost: told when the connection is over while nobody waits for a reply.
        """
        self._reply_bytes_max = reply_bytes_max
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._ended: Ended | None = None
        self.idle_since = 0.0
        """For the pool, in the loop's time."""
        self._is_complete = False
        self._status = 0
        self._begin_reply()

    def send(self, request: bytes, *, ended: Ended) -> None:
        """Send a whole request; *ended* hears of its end once, unless ``abandon`` comes first."""
        assert self._transport is not None
        assert self._ended is None
        self._ended = ended
        self._begin_reply()
        self._transport.write(request)

    def abandon(self) -> None:
        """Wait no more, and close: a reply that may still come would be taken for the next one's."""
        self._ended = None
        self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def usable(self) -> bool:
        return self._keeps_alive and self._transport is not None and not self._transport.is_closing()

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._ended is None:
            self._keeps_alive = False  # nobody asked: whatever this answers, it is not the next request
            self.close()
            return
        if not self._headers_are_read:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end("the worker wants to speak another protocol")
        except httptools.HttpParserError as error:
            self._end(f"malformed HTTP response: {error}")
        if self._is_complete:
            self._finish()
        elif not self._headers_are_read and self._head_bytes > REPLY_HEAD_BYTES_MAX:
            self._end(f"the response's headers have more than {REPLY_HEAD_BYTES_MAX} bytes. {FEWER_HEADERS}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._keeps_alive = False
        if self._ended is None:
            self._lost(self)
        elif exc is None and self._ends_with_connection:
            self._finish()
        else:
            reason = (
                _words(exc) if isinstance(exc, OSError) else "EOF: the worker closed the connection before it answered"
            )
            self._end(reason)

    # What the parser tells

    def on_message_begin(self) -> None:
        if self._is_complete:
            self._keeps_alive = False  # a second reply to one request: the two sides do not agree

    def on_status(self, status: bytes) -> None:
        if not self._is_complete:
            self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_complete:
            return
        match name.lower():
            case b"content-type":
                self._content_type = value
            case b"content-length":
                self._has_length = True
                if value.isdigit() and int(value) > self._reply_bytes_max:
                    self._end(self._too_long())
            case b"transfer-encoding":
                self._has_length = True

    def on_headers_complete(self) -> None:
        self._headers_are_read = True

    def on_body(self, body: bytes) -> None:
        if self._is_complete:
            return
        self._body_bytes += len(body)
        if self._body_bytes > self._reply_bytes_max:
            self._end(self._too_long())
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._is_complete:
            return
        if self._parser.get_status_code() < 200:  # "go on" and its like: the answer follows
            self._begin_message()
        else:
            self._is_complete = True
            self._status = self._parser.get_status_code()
            self._keeps_alive = bool(self._parser.should_keep_alive())

    # Ends

    def _begin_reply(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._keeps_alive = True
        self._head_bytes = 0
        self._is_complete = False
        self._status = 0
        self._begin_message()

    def _begin_message(self) -> None:
        self._headers_are_read = False
        self._has_length = False
        self._reason = b""
        self._content_type = b""
        self._body: list[bytes] = []
        self._body_bytes = 0

    @property
    def _ends_with_connection(self) -> bool:
        return self._headers_are_read and not self._has_length

    def _finish(self) -> None:
        self._tell(
            WorkerReply(
                self._status or self._parser.get_status_code(),
                b"".join(self._body),
                self._content_type.decode("latin-1"),
                self._reason.decode("latin-1"),
            )
        )

    def _end(self, reason: str) -> None:
        """There is no reply; the connection cannot be used any more."""
        self._keeps_alive = False
        self.close()
        self._tell(reason)

    def _tell(self, end: WorkerReply | str) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(end)

    def _too_long(self) -> str:
        return f"the response has more than {self._reply_bytes_max} bytes. {SMALLER_REPLY}"


def _words(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
