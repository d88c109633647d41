"""One end of a connection: frames in and out, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from perdure.sharing.frames import FRAME_BYTES_MAX, FrameReader, MalformedFrame, framed
from perdure.sharing.inheritance import keep_from_children, released


class Channel(asyncio.Protocol):
    """A connection on the running loop. Its methods belong to that loop's thread."""

    def __init__(
        self,
        *,
        take: Callable[[bytes], None],
        malformed: Callable[[MalformedFrame], None],
        lost: Callable[[], None],
        reads_only_for_readers: bool = False,
        frame_bytes_max: int = FRAME_BYTES_MAX,
    ) -> None:
        """Serve one connection.

        Args:
            take: given the content of each frame; may raise ``MalformedFrame``.
            malformed: told what is wrong, once; nothing is taken afterwards. It is to ``close``.
            lost: the connection has ended, for whatever reason.
            reads_only_for_readers: take nothing more from an end that does not read what it is sent.
                One of two ends only, or both might wait for the other.
        """
        self._take = take
        self._malformed = malformed
        self._lost = lost
        self._reads_only_for_readers = reads_only_for_readers
        self._reader = FrameReader(bytes_max=frame_bytes_max)
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._descriptor = transport.get_extra_info("socket").fileno()
        keep_from_children(self._descriptor)

    def data_received(self, data: bytes) -> None:
        try:
            for content in self._reader.feed(data):
                if self._ended:
                    return
                self._take(content)
        except MalformedFrame as problem:
            if not self._ended:
                self._ended = True
                self._malformed(problem)

    def connection_lost(self, _error: Exception | None) -> None:
        released(self._descriptor)
        self._ended = True
        self._transport = None
        self._lost()

    def pause_writing(self) -> None:
        if self._reads_only_for_readers and self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._reads_only_for_readers and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def send(self, content: bytes) -> None:
        """Send a frame, if anybody is still there."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(framed(content))

    def close(self) -> None:
        """Send what is to be sent, and end the connection."""
        self._ended = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the connection now."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()
