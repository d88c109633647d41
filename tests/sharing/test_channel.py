from __future__ import annotations

import asyncio
import socket

from perdure.sharing.channel import Channel
from perdure.sharing.frames import MalformedFrame, framed


class End:
    """A channel, and what it was told."""

    def __init__(self, *, reads_only_for_readers: bool = False) -> None:
        self.taken: asyncio.Queue[bytes] = asyncio.Queue()
        self.problems: list[str] = []
        self.lost = asyncio.Event()
        self.channel = Channel(
            take=self.take,
            malformed=self.malformed,
            lost=self.lost.set,
            reads_only_for_readers=reads_only_for_readers,
            frame_bytes_max=1_000_000,
        )

    def take(self, content: bytes) -> None:
        if content == b"nonsense":
            raise MalformedFrame("nonsense")
        self.taken.put_nowait(content)

    def malformed(self, problem: MalformedFrame) -> None:
        self.problems.append(str(problem))
        self.channel.close()


async def connected(end: End) -> socket.socket:
    here, there = socket.socketpair()
    there.setblocking(False)
    await asyncio.get_running_loop().create_unix_connection(lambda: end.channel, sock=here)
    return there


async def test_frames_go_both_ways() -> None:
    end = End()
    with await connected(end) as there:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(there, framed(b"one") + framed(b"two"))
        assert [await end.taken.get(), await end.taken.get()] == [b"one", b"two"]
        end.channel.send(b"three")
        assert await loop.sock_recv(there, 100) == framed(b"three")
        end.channel.close()
        await end.lost.wait()
        end.channel.send(b"nobody is there, and that is no error")


async def test_nothing_is_taken_after_nonsense() -> None:
    end = End()
    with await connected(end) as there:
        await asyncio.get_running_loop().sock_sendall(there, framed(b"nonsense") + framed(b"one") + framed(b"nonsense"))
        await end.lost.wait()
        assert end.problems == ["nonsense"]
        assert end.taken.empty()


async def test_end_that_does_not_read_is_not_read_until_it_does() -> None:
    end = End(reads_only_for_readers=True)
    loop = asyncio.get_running_loop()
    with await connected(end) as there:
        end.channel.send(bytes(900_000))  # more than the system takes
        await loop.sock_sendall(there, framed(b"one"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert end.taken.empty()
        left = 900_004
        while left:
            left -= len(await loop.sock_recv(there, left))
        assert await end.taken.get() == b"one"
        end.channel.abort()
        await end.lost.wait()
