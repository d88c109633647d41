"""HTTP as uvicorn reads it, with an end to the headers of a request: neither uvicorn nor httptools has one."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from perdure.model.limits import FEWER_HEADERS, REQUEST_HEAD_BYTES_MAX


class BoundedHead(HttpToolsProtocol):
    """Refuses a request whose headers do not end within the limit, and what the loop reads at once."""

    _in_head = False
    _head_bytes = 0
    """What has come of the head since the piece that it began in, which may have the end of another request too."""
    _heads_begun = 0

    def data_received(self, data: bytes) -> None:
        before = self._heads_begun
        super().data_received(data)
        if not self._in_head or self._heads_begun != before:
            return
        self._head_bytes += len(data)
        if self._head_bytes > REQUEST_HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response(f"the headers have more than {REQUEST_HEAD_BYTES_MAX} bytes. {FEWER_HEADERS}")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._heads_begun += 1

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
