"""A real ``perdure worker`` in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from perdure import WorkflowFailed, connect
from perdure.cli.setting import Setting
from perdure.cli.settings import WORKER_SETTINGS
from perdure.server import serving
from perdure.worker import process
from tests.cli.served import CALLS, PIPE, Hopeless, Quick, Slow, SlowOnLoop
from tests.server.process import PERDURE, ROOT, ServerProcess, WorkerProcess
from tests.worker.test_signature import NEW, OLD, PUBLIC_PAIR

PAGE = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", WORKER_SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_documented(setting: Setting) -> None:
    flag = "" if setting.is_secret else f"`{setting.flag}`"
    assert re.search(rf"^\| {re.escape(flag)} *\| `{setting.variable}` \|", PAGE, re.MULTILINE)


def test_workflows_of_a_module_are_served(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path) as server,
        WorkerProcess(tmp_path, "tests.cli.served:every") as worker,
        connect(server.url, worker_url=worker.url) as client,
    ):
        assert client.start(Quick, "w", "work").result(timeout=60) == f"work of {worker.process.pid}"
    assert worker.said("Hopeless, Old, Quick, Slow, SlowOnLoop, Steady")
    assert worker.said("of whoever reaches it")
    assert worker.output[-1] == "Stopped; no call is under way."


def test_what_is_not_signed_is_refused_by_a_worker_with_keys(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(PUBLIC_PAIR)
    with (
        ServerProcess(tmp_path, env={"PERDURE_SIGNING_KEYS": NEW}) as server,
        WorkerProcess(
            tmp_path,
            "tests.cli.served:Quick",
            "--verify-keys-file",
            "keys",
            env={"PERDURE_WORKER_VERIFY_KEYS": f"{OLD} {NEW}"},
        ) as worker,
        connect(server.url, worker_url=worker.url) as client,
    ):
        assert client.start(Quick, "w", "work").result(timeout=60)
    assert worker.said("signed by its server only")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tests.cli.served:Quik"], "perdure: tests.cli.served has no Quik; did you mean Quick?"),
        (["tests.cli.served:Quick", "--threads", "0"], "threads is 0, expected 1 or more"),
        (["tests.cli.served:Quick", "--port", "70000"], "port is 70000, expected 0 to 65535"),
        (["tests.cli.served:Quick", "--port", "x"], "--port is 'x', expected PORT"),
        (["tests.cli.served:Quick", "--traces", "on"], "traces is 'on', expected off or otlp"),
        (["tests.cli.served:Quick", "--host", "192.0.2.1"], "cannot be listened at"),
        (["tests.cli.served:Quick", "--verify-keys-file", "none"], "the file of keys none cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    ended = subprocess.run(
        [*PERDURE, "worker", *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("workflow", [Slow, SlowOnLoop])
def test_a_call_under_way_is_finished_when_a_worker_is_told_to_stop(
    tmp_path: Path, workflow: type[Slow | SlowOnLoop]
) -> None:
    os.mkfifo(tmp_path / PIPE)
    with (
        ServerProcess(tmp_path) as server,
        WorkerProcess(tmp_path, f"tests.cli.served:{workflow.__name__}") as worker,
        connect(server.url, worker_url=worker.url) as client,
    ):
        handle = client.start(workflow, "w", str(tmp_path))
        with (tmp_path / PIPE).open("w") as pipe:  # opens once the call reads from it
            worker.process.send_signal(signal.SIGTERM)
            wait_until_refused(worker.url)
            pipe.write("finished")
        assert worker.process.wait(60) == 0
        assert handle.result(timeout=60) == "finished"
    assert (tmp_path / CALLS).read_text() == "called\n"


def test_who_is_told_to_stop_is_gone_within_ten_seconds() -> None:
    """What the documentation promises; that neither waits for longer than its grace is what the next tests hold."""
    assert process.GRACE_SECONDS < 10
    assert serving.GRACE_SECONDS < 10


@pytest.mark.parametrize("workflow", [Slow, SlowOnLoop])
def test_a_call_that_hangs_does_not_keep_a_worker_from_stopping(
    tmp_path: Path, workflow: type[Slow | SlowOnLoop]
) -> None:
    os.mkfifo(tmp_path / PIPE)
    with (
        ServerProcess(tmp_path) as server,
        WorkerProcess(tmp_path, f"tests.cli.served:{workflow.__name__}") as worker,
        connect(server.url, worker_url=worker.url) as client,
    ):
        client.start(workflow, "w", str(tmp_path))
        with (tmp_path / PIPE).open("w"):
            assert worker.stop() == 0  # after its grace


def test_a_failure_that_no_attempt_would_mend_is_tried_once(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path) as server,
        WorkerProcess(tmp_path, "tests.cli.served:Hopeless") as worker,
        connect(server.url, worker_url=worker.url) as client,
        pytest.raises(WorkflowFailed, match="there is no such account"),
    ):
        client.start(Hopeless, "w", str(tmp_path)).result(timeout=60)
    assert (tmp_path / CALLS).read_text() == "called\n"


def wait_until_refused(url: str) -> None:
    """Return once a process that was told to stop takes no more calls."""
    host, _, port = url.removeprefix("http://").partition(":")
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except ConnectionError:
            return


@pytest.mark.parametrize("workflow", [Slow, SlowOnLoop])
def test_a_call_under_way_is_finished_when_its_server_is_told_to_stop(
    tmp_path: Path, workflow: type[Slow | SlowOnLoop]
) -> None:
    os.mkfifo(tmp_path / PIPE)
    with WorkerProcess(tmp_path, f"tests.cli.served:{workflow.__name__}") as worker:
        with ServerProcess(tmp_path) as server, connect(server.url, worker_url=worker.url) as client:
            client.start(workflow, "w", str(tmp_path))
            with (tmp_path / PIPE).open("w") as pipe:  # opens once the call reads from it
                server.process.send_signal(signal.SIGTERM)
                wait_until_refused(server.url)
                pipe.write("finished")
            assert server.process.wait(60) == 0
        with ServerProcess(tmp_path) as server, connect(server.url) as client:
            assert client.get(workflow, "w").result(timeout=60) == "finished"
    assert (tmp_path / CALLS).read_text() == "called\n"


def test_a_call_that_hangs_does_not_keep_a_server_from_stopping(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / PIPE)
    with WorkerProcess(tmp_path, "tests.cli.served:Slow") as worker:
        with ServerProcess(tmp_path) as server, connect(server.url, worker_url=worker.url) as client:
            client.start(Slow, "w", str(tmp_path))
            with (tmp_path / PIPE).open("w"):
                assert server.stop() == 0  # after its grace
        worker.kill()


def test_a_worker_s_log_is_json_for_who_wants_it(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, "tests.cli.served:every", "--log-format", "json") as worker:
        pass
    began, ended = [json.loads(line) for line in worker.output]
    assert (began["level"], began["url"], began["signed"]) == ("info", worker.url, False)
    assert "Quick" in began["workflow_types"]
    assert ended["message"] == "stopped; no call is under way"


def test_a_worker_sends_its_spans_to_a_collector(tmp_path: Path) -> None:
    received: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            received.append(self.path)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
        with (
            ServerProcess(tmp_path) as server,
            WorkerProcess(tmp_path, "tests.cli.served:Quick", "--traces", "otlp", env=env) as worker,
            connect(server.url, worker_url=worker.url) as client,
        ):
            assert client.start(Quick, "w", "work").result(timeout=30)
        collector.shutdown()
    assert set(received) == {"/v1/traces"}
