"""Workers in processes of their own: one that is slow or dead is no other's trouble, and one that comes back is found."""

from __future__ import annotations

import signal
from pathlib import Path

from perdure import connect
from tests.cli.served import Quick, Steady
from tests.ports import quiet_port
from tests.server.process import ServerProcess, WorkerProcess

CALLS_MAX = 10


def refusals(server: ServerProcess) -> int:
    """How many attempts have failed so far."""
    return sum("Steady.execute" in line for line in server.output)


def test_a_worker_that_answers_nothing_holds_up_no_other(tmp_path: Path) -> None:
    """Stopped in the middle, it takes connections and says nothing; more calls wait for it than are let out."""
    with (
        ServerProcess(tmp_path, "--worker-calls-max", str(CALLS_MAX)) as server,
        WorkerProcess(tmp_path, "tests.cli.served:every") as slow,
        WorkerProcess(tmp_path, "tests.cli.served:every") as quick,
        connect(server.url, worker_url=quick.url) as client,
    ):
        slow.pause()
        for number in range(CALLS_MAX + 20):
            client.start(Quick, f"stuck-{number}", "work", worker_url=slow.url)
        dead = client.start(Steady, "dead", "work", worker_url=f"http://127.0.0.1:{quiet_port()}")
        # The same type elsewhere, and another type at the same place, are both their own lanes.
        assert client.start(Quick, "elsewhere", "work").result(timeout=60) == f"work of {quick.process.pid}"
        assert client.start(Steady, "other-type", "work").result(timeout=60) == "work"
        assert not server.said("Quick.execute"), "none of the others has been given up meanwhile"
        assert client.start(Quick, "rpc", "work").call(Quick.look) == "seen"
        assert not dead.describe().status.closed

        slow.process.send_signal(signal.SIGCONT)
        for number in range(CALLS_MAX + 20):
            assert client.get(Quick, f"stuck-{number}").result(timeout=60) == f"work of {slow.process.pid}"


def test_a_worker_that_comes_back_is_found_within_one_backoff(tmp_path: Path) -> None:
    port = quiet_port()
    with (
        ServerProcess(tmp_path) as server,
        connect(server.url, worker_url=f"http://127.0.0.1:{port}") as client,
    ):
        handle = client.start(Steady, "w", "work")
        while not server.said("connection refused"):
            assert not handle.describe().status.closed
        with WorkerProcess(tmp_path, "tests.cli.served:every", port=port):
            before = refusals(server)
            assert handle.result(timeout=60) == "work"
            assert refusals(server) <= before + 1  # one may have been under way as the worker came back


def test_a_worker_that_is_killed_in_a_call_is_found_again(tmp_path: Path) -> None:
    port = quiet_port()
    with (
        ServerProcess(tmp_path) as server,
        connect(server.url, worker_url=f"http://127.0.0.1:{port}") as client,
    ):
        with WorkerProcess(tmp_path, "tests.cli.served:every", port=port) as first:
            first.pause()
            handle = client.start(Steady, "w", "work")
            first.kill()
        while not server.said("Steady.execute"):
            assert not handle.describe().status.closed
        with WorkerProcess(tmp_path, "tests.cli.served:every", port=port) as second:
            before = refusals(server)
            assert handle.result(timeout=60) == "work"
            assert refusals(server) <= before + 1  # one may have been under way as the worker came back
            second.kill()
