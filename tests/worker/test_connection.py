"""What comes back on a connection, in whatever pieces, and what may follow it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from perdure.model.limits import REPLY_HEAD_BYTES_MAX
from perdure.wire.worker_answer import WorkerReply
from perdure.worker.connection import Connection

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Line:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Exchange:
    """A connection to which one request was sent."""

    def __init__(self, *, reply_bytes_max: int = 1_000) -> None:
        self.ends: list[WorkerReply | str] = []
        self.lost: list[Connection] = []
        self.line = Line()
        self.connection = Connection(reply_bytes_max=reply_bytes_max, lost=self.lost.append)
        self.connection.connection_made(cast("asyncio.Transport", self.line))
        self.connection.send(b"request", ended=self.ends.append)

    def receive(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.data_received(piece)


def test_a_reply_in_one_piece_or_in_many() -> None:
    whole, pieces = Exchange(), Exchange()
    whole.receive(OK)
    pieces.receive(*(OK[i : i + 1] for i in range(len(OK))))

    assert whole.ends == pieces.ends == [WorkerReply(200, b"{}", "application/json", "OK")]
    assert whole.connection.usable


def test_the_next_request_gets_the_next_reply() -> None:
    exchange = Exchange()
    exchange.receive(OK)
    exchange.connection.send(b"second", ended=exchange.ends.append)
    exchange.receive(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")

    assert exchange.line.written == b"requestsecond"
    assert exchange.ends[1] == WorkerReply(500, b"", "", "Oh")


def test_chunks_are_put_together() -> None:
    exchange = Exchange()
    exchange.receive(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n}\r\n0\r\n\r\n")

    assert exchange.ends == [WorkerReply(200, b"{}", "", "OK")]


def test_a_reply_may_end_with_the_connection_if_it_does_not_say_its_length() -> None:
    exchange = Exchange()
    exchange.receive(b"HTTP/1.0 500 Oh\r\n\r\nab", b"c")
    assert exchange.ends == []
    exchange.connection.connection_lost(None)

    assert exchange.ends == [WorkerReply(500, b"abc", "", "Oh")]
    assert not exchange.connection.usable


def test_a_word_to_go_on_is_no_reply() -> None:
    exchange = Exchange()
    exchange.receive(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)

    assert exchange.ends == [WorkerReply(200, b"{}", "application/json", "OK")]


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([b"SSH-2.0-OpenSSH\r\n"], "malformed HTTP response"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n"], "the response has more than 1000 bytes"),
        ([b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 600, b"x" * 600], "the response has more than 1000 bytes"),
        (
            [b"HTTP/1.1 200 OK\r\nx: " + b"a" * REPLY_HEAD_BYTES_MAX],
            "the response's headers have more than 65536 bytes. Send fewer of them",
        ),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"], "malformed HTTP response"),
        (
            [b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"],
            "the worker wants to speak another protocol",
        ),
    ],
)
def test_what_is_no_reply_ends_the_call_and_the_connection(pieces: list[bytes], reason: str) -> None:
    exchange = Exchange()
    exchange.receive(*pieces)

    assert len(exchange.ends) == 1
    assert str(exchange.ends[0]).startswith(reason)
    assert exchange.line.closed


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{"])
def test_a_connection_that_breaks_before_the_end_leaves_no_reply(begun: bytes) -> None:
    exchange = Exchange()
    if begun:
        exchange.receive(begun)
    exchange.connection.connection_lost(None)

    assert exchange.ends == ["EOF: the worker closed the connection before it answered"]


def test_a_broken_connection_says_what_the_network_said() -> None:
    exchange = Exchange()
    exchange.connection.connection_lost(ConnectionResetError(104, "Connection reset by peer"))

    assert exchange.ends == ["connection reset by peer"]


@pytest.mark.parametrize("reply", [OK + OK, OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")])
def test_a_connection_is_not_used_again_after_two_replies_or_a_word_of_parting(reply: bytes) -> None:
    exchange = Exchange()
    exchange.receive(reply)

    assert exchange.ends == [WorkerReply(200, b"{}", "application/json", "OK")]
    assert not exchange.connection.usable


def test_what_nobody_asked_for_closes_the_connection() -> None:
    exchange = Exchange()
    exchange.receive(OK)
    exchange.receive(OK)

    assert len(exchange.ends) == 1
    assert not exchange.connection.usable


def test_an_abandoned_call_hears_nothing_more() -> None:
    exchange = Exchange()
    exchange.connection.abandon()
    exchange.connection.connection_lost(None)

    assert exchange.ends == []
    assert exchange.line.closed
    assert exchange.lost == [exchange.connection]
