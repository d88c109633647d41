"""What goes over the socket, as bytes: frames, each of four bytes that tell its length, then its content.

Rule 1: the owner speaks first: one ``Greeting``. From then on it sends only answers.
Rule 2: each request has a number that no other open request of its connection has; its answer bears it.
Rule 3: a request without a path takes back the one of that number, which is then not answered.
Rule 4: an answer to number 0 says what is wrong with the connection, and is the last thing on it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass

VERSION = 1
FRAME_BYTES_MAX = 64 * 1024 * 1024
"""Far more than an answer has: a page of a thousand runs, or a value that belongs elsewhere."""

_LENGTH = struct.Struct("!I")
_HEAD = struct.Struct("!QH")
"""A request's number and the length of its path; an answer's number and its status."""


class MalformedFrame(Exception):
    """The other end does not keep to the rules. The connection cannot go on."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """Who owns the file."""

    pid: int
    workflows: tuple[str, ...]
    """The types it runs."""
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Request:
    number: int
    path: str
    """Empty: forget the request of this number."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    number: int
    status: int
    body: bytes


def framed(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


def encode_greeting(greeting: Greeting) -> bytes:
    told = {"perdure": greeting.version, "pid": greeting.pid, "workflows": greeting.workflows}
    return json.dumps(told).encode()


def decode_greeting(content: bytes) -> Greeting:
    """Return a greeting, of whatever version; later ones may say more.

    Raises:
        MalformedFrame: it is none.
    """
    try:
        told = json.loads(content)
        return Greeting(int(told["pid"]), tuple(map(str, told["workflows"])), int(told["perdure"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedFrame(f"found {content[:100]!r}, expected the greeting of a Perdure engine") from error


def encode_request(request: Request) -> bytes:
    path = request.path.encode()
    return _HEAD.pack(request.number, len(path)) + path + request.body


def decode_request(content: bytes) -> Request:
    """Return a request.

    Raises:
        MalformedFrame: it is none.
    """
    number, length = _head(content)
    path = content[_HEAD.size : _HEAD.size + length]
    if len(path) != length or not number:
        raise MalformedFrame(f"found a request {number} of {len(content)} bytes with a path of {length}")
    try:
        return Request(number, path.decode(), content[_HEAD.size + length :])
    except UnicodeDecodeError:
        raise MalformedFrame(f"found the path {path!r}, expected UTF-8") from None


def encode_answer(answer: Answer) -> bytes:
    return _HEAD.pack(answer.number, answer.status) + answer.body


def decode_answer(content: bytes) -> Answer:
    """Return an answer.

    Raises:
        MalformedFrame: it is none.
    """
    number, status = _head(content)
    return Answer(number, status, content[_HEAD.size :])


def _head(content: bytes) -> tuple[int, int]:
    if len(content) < _HEAD.size:
        raise MalformedFrame(f"found a frame of {len(content)} bytes, expected {_HEAD.size} or more")
    number, other = _HEAD.unpack_from(content)
    return number, other


class FrameReader:
    """Puts frames together from the pieces in which they come."""

    def __init__(self, *, bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a piece, and return the contents of the frames that are whole now.

        Raises:
            MalformedFrame: a frame says that it is longer than any may be.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > self._bytes_max:
                raise MalformedFrame(f"found a frame of {length} bytes, expected no more than {self._bytes_max}")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            content = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield content
