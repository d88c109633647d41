"""Ports for servers that a test starts in another process, or starts again."""

from __future__ import annotations

import contextlib
import socket
from random import Random

_DICE = Random()
"""Not by a seed: two runs of the tests on one machine would take each other's servers for their own."""


def quiet_port() -> int:
    """Return a port that nobody listens on, and that no connection gets as its own end.

    Those from 32768 on are given to connections. Whatever connects to somewhere just then could get the port of a server
    that is not there yet, or not there any more, and the server would not come.
    """
    while True:
        port = _DICE.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
