"""A real server process: its begin, its end, and what is in flight then."""

from __future__ import annotations

import http.client
import http.server
import json
import resource
import socket
import subprocess
import threading
import time
from pathlib import Path
from queue import Queue
from typing import Any, ClassVar

import pytest

from tests.server.process import COMMAND, ServerProcess

API = "/api/v1/workflow/"
LONG_POLL_SECONDS = 50
"""Less than the 58 s after which a server ends a call that waits by itself."""


def post(url: str, call: str, body: dict[str, Any]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.request("POST", API + call, json.dumps(body), {"content-type": "application/json"})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def start(url: str, workflow_id: str, **more: object) -> tuple[int, Any]:
    body = {"workflowId": workflow_id, "iwfWorkflowType": "T", "workflowTimeoutSeconds": 600}
    return post(url, "start", {**body, "iwfWorkerUrl": "http://127.0.0.1:1", **more})


def test_what_was_started_is_there_after_a_restart_and_after_a_kill(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        assert start(server.url, "one")[0] == 200
    with ServerProcess(tmp_path) as server:
        assert post(server.url, "get", {"workflowId": "one"})[1]["workflowStatus"] == "RUNNING"
        assert start(server.url, "two")[0] == 200
        server.kill()
    with ServerProcess(tmp_path) as server:
        assert post(server.url, "get", {"workflowId": "two"})[1]["workflowStatus"] == "RUNNING"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="this system does not tell the limits of another process")
def test_a_server_takes_as_many_connections_as_it_may(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        server = ServerProcess(tmp_path).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    assert server.stop() == 0


def test_a_long_poll_is_told_to_ask_again_when_the_server_stops(tmp_path: Path) -> None:
    answers: list[tuple[int, Any]] = []
    with ServerProcess(tmp_path) as server:
        start(server.url, "w")
        sent = threading.Event()

        def wait() -> None:
            with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as line:
                body = b'{"workflowId": "w"}'
                line.sendall(
                    b"POST /api/v1/workflow/getWithWait HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n%s"
                    % (len(body), body)
                )
                sent.set()
                reply = http.client.HTTPResponse(line)
                reply.begin()
                answers.append((reply.status, json.loads(reply.read())))

        caller = threading.Thread(target=wait)
        caller.start()
        assert sent.wait(60)
        post(server.url, "get", {"workflowId": "w"})  # after this one the other has been read too
        began = time.monotonic()
        assert server.stop() == 0
        caller.join(60)

    assert time.monotonic() - began < LONG_POLL_SECONDS
    assert answers[0][0] == 420
    assert answers[0][1]["subStatus"] == "LONG_POLL_TIME_OUT_SUB_STATUS"


def test_a_start_with_a_worker_elsewhere_is_refused(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--worker-url-allow", "10.0.0.0/8") as server:
        status, told = start(server.url, "w")
        allowed = start(server.url, "v", iwfWorkerUrl="http://10.1.2.3:8802")

    assert status == 400
    assert told["subStatus"] == "UNCATEGORIZED_SUB_STATUS"
    assert "http://127.0.0.1:1 is not among the addresses of workers" in told["detail"]
    assert allowed[0] == 200


def test_a_port_or_a_file_that_is_taken_is_said_with_who_has_it(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        port = server.url.rpartition(":")[2]
        same_port = refused(tmp_path, "--db", "other.db", "--port", port)
        same_file = refused(tmp_path, "--db", "server.db", "--port", "0")

    (tmp_path / "keys").write_text("whpk_" + "A" * 43 + "=")
    other_half = refused(tmp_path, "--db", "other.db", "--port", "0", "--signing-keys-file", "keys")
    assert "the other side's half of a pair; a server signs with whsec_… or whsk_…" in other_half
    assert f"port {port} of 127.0.0.1 cannot be listened at" in same_port
    assert "choose another port with --port" in same_port
    assert f"is in use by process {server.process.pid}, a server. Connect to it at {server.url}" in same_file


def refused(folder: Path, *arguments: str) -> str:
    ended = subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


class Listener(http.server.BaseHTTPRequestHandler):
    """A worker that answers nothing useful and says what it was sent."""

    asked: ClassVar[Queue[tuple[str, str | None]]] = Queue()

    def do_POST(self) -> None:
        self.asked.put((self.path, self.headers.get("x-team")))
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"output": {"data": "1"}}' if "rpc" in self.path else b'{"stateDecision": {"nextStates": []}}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_file_of_iwf_s_sets_the_headers_that_states_are_called_with(tmp_path: Path) -> None:
    config = tmp_path / "iwf.yaml"
    config.write_text(
        "interpreter:\n  temporal: {namespace: default}\n  interpreteractivityconfig:\n    defaultheaders: {x-team: ours}\n"
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as worker:
        threading.Thread(target=worker.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{worker.server_port}"
        with ServerProcess(tmp_path, "--config", str(config)) as server:
            start(server.url, "w", iwfWorkerUrl=url, startStateId="S", stateOptions={"skipWaitUntil": True})
            state = Listener.asked.get(timeout=60)
            post(server.url, "rpc", {"workflowId": "w", "rpcName": "r"})
            rpc = Listener.asked.get(timeout=60)
        worker.shutdown()

    assert state == ("/api/v1/workflowState/decide", "ours")
    assert rpc == ("/api/v1/workflowWorker/rpc", None)
    assert any("mean nothing to this server: interpreter.temporal" in line for line in server.output)
