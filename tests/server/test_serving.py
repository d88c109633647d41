"""A real server process: its begin, its end, and what is in flight then."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from tests.server.process import COMMAND, ServerProcess

API = "/api/v1/workflow/"


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
        assert sent.wait(10)
        post(server.url, "get", {"workflowId": "w"})  # after this one the other has been read too
        began = time.monotonic()
        assert server.stop() == 0
        caller.join(10)

    assert time.monotonic() - began < 10
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

    assert f"port {port} of 127.0.0.1 cannot be listened at" in same_port
    assert "choose another port with --port" in same_port
    assert f"is in use by process {server.process.pid}. Connect to it at {server.url}" in same_file


def refused(folder: Path, *arguments: str) -> str:
    ended = subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr
