from __future__ import annotations

import socket
from pathlib import Path

import pytest

from perdure.model.limits import REQUEST_HEAD_BYTES_MAX
from tests.server.process import ServerProcess

ENDLESS = 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"GET /", b"a" * 65_536),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: ", b"a" * 65_536),
        (b"GET / HTTP/1.1\r\nhost: x\r\n", b"x: aaaaaaaaaaa\r\n" * 4_096),
    ],
)
def test_headers_without_an_end_are_refused(tmp_path: Path, beginning: bytes, piece: bytes) -> None:
    with ServerProcess(tmp_path) as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as caller:
            caller.sendall(beginning)
            with pytest.raises(ConnectionError):
                caller.sendall(piece * (ENDLESS // len(piece)))
        with socket.create_connection((host, int(port)), timeout=60) as caller:
            caller.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * (REQUEST_HEAD_BYTES_MAX - 100) + b"\r\n\r\n")
            assert caller.recv(100).startswith(b"HTTP/1.1 200 ")
