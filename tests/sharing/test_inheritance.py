from __future__ import annotations

import os
import socket

from perdure.sharing.inheritance import keep_from_children, released


def write_in_child(descriptor: int) -> None:
    child = os.fork()
    if not child:
        os.write(descriptor, b"!")  # to nothing, if it is kept from children
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def received(end: socket.socket) -> bytes | None:
    try:
        return end.recv(10)
    except BlockingIOError:
        return None


def test_child_holds_no_connection_of_its_parent() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.setblocking(False)
        keep_from_children(here.fileno())
        write_in_child(here.fileno())
        assert received(there) is None
        here.send(b"?")  # the parent's own is as it was
        assert received(there) == b"?"

        released(here.fileno())
        write_in_child(here.fileno())
        assert received(there) == b"!"
