from __future__ import annotations

import asyncio
import os
import signal
import socket

import pytest

from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.worker.process import listen, options, serve_worker, url_of
from perdure.worker.serving import Worker
from tests.worker.service import Service


def test_a_port_that_is_taken_is_told() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert url_of("127.0.0.1", taken) == f"http://127.0.0.1:{port}"
        with pytest.raises(UnavailableError, match=f"port {port} of 127.0.0.1 cannot be listened at: .* --port"):
            listen("127.0.0.1", port)


def test_an_empty_host_is_not_every_address() -> None:
    with pytest.raises(InvalidRequest, match="host is empty, expected an address"):
        listen("", 0)


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(UnavailableError, match="cannot be listened at"):
        listen("a..b", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_six_is_written_in_brackets() -> None:
    with listen("::1", 0) as six:
        assert url_of("::1", six) == f"http://[::1]:{six.getsockname()[1]}"


def test_a_server_of_programs_asks_for_no_more_than_it_needs() -> None:
    assert options(grace_seconds=3)["timeout_graceful_shutdown"] == 3


async def test_a_worker_serves_until_it_is_told_to_stop() -> None:
    urls: list[str] = []

    def ready(url: str) -> None:
        urls.append(url)
        os.kill(os.getpid(), signal.SIGTERM)

    app = Worker(Service()).asgi_app()
    await asyncio.wait_for(serve_worker(app, host="127.0.0.1", port=0, ready=ready), 60)
    (url,) = urls
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
