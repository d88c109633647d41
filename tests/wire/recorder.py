"""Records what iWF's own Python SDK, as client and as worker, and a server of ours put on the wire.

    python -m tests.wire.recorder        writes recorded/exchanges.jsonl anew, in about a minute

Rule 1: two proxies stand between the SDK and the server, one for each direction, and pass bodies on as they are.
Rule 2: of the exchanges of one shape the first is kept. A shape is which fields there are, what kind of
        value each has, and each word that is a constant of the protocol.
Rule 3: paths of this machine, which are in the tracebacks that the SDK's worker answers, are replaced
        before they are passed on, so that what is kept is what the other side was told.
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.server.process import ServerProcess
from tests.server.sdk_environment import ROOT, find_package, make_environment
from tests.wire.exchange import RECORDED, Exchange, save

PROGRAM = ROOT / "tests" / "server" / "iwf_sdk" / "program.py"

CLIENT_PORT = 8801
"""Where the SDK's own tests look for a server."""
WORKERS_HOST = "127.0.0.2"
"""Of this machine too, but no name that a worker has for itself: the server repairs those into this one."""

_WORKER = re.compile(r".*/:(\d+)(/api/.*)")
_CONSTANT = re.compile(r"[A-Z][A-Z_]+")

Route = Callable[[str], tuple[int, str]]
"""From the path that a proxy is asked for to the port and the path that are meant."""


class Recording:
    """The exchanges so far, one of each shape."""

    def __init__(self, replaced: dict[str, str]) -> None:
        self._replaced = {old.encode(): new.encode() for old, new in replaced.items()}
        self._lock = threading.Lock()
        self._kept: dict[str, Exchange] = {}

    def scrub(self, body: bytes) -> bytes:
        for old, new in self._replaced.items():
            body = body.replace(old, new)
        return body

    def add(self, exchange: Exchange) -> None:
        shape = [exchange.path, exchange.status, _shape_of(exchange.request), _shape_of(exchange.response)]
        with self._lock:
            self._kept.setdefault(json.dumps(shape), exchange)

    def exchanges(self) -> list[Exchange]:
        """By path, and in the order in which they happened."""
        return sorted(self._kept.values(), key=lambda exchange: exchange.path)


def _shape_of(body: bytes) -> Any:
    try:
        return _shape(json.loads(body))
    except ValueError:
        return "no JSON"


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(_shape(item)) for item in value})
    if isinstance(value, str) and (_CONSTANT.fullmatch(value) or not value):
        return f"={value}"
    return type(value).__name__


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], route: Route, recording: Recording) -> None:
        super().__init__(address, _Handler)
        self.route = route
        self.recording = recording


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def do_POST(self) -> None:  # the name is the library's
        request = self.rfile.read(int(self.headers["content-length"]))
        port, path = self.server.route(self.path)
        upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
        upstream.request("POST", path, request, {"content-type": self.headers["content-type"]})
        answer = upstream.getresponse()
        response = self.server.recording.scrub(answer.read())
        upstream.close()
        content_type = answer.headers["content-type"]
        self.server.recording.add(Exchange(path, request, answer.status, content_type, response))
        self.send_response(answer.status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, format: str, *args: Any) -> None:  # the name is the library's
        pass


@contextmanager
def _proxy(address: tuple[str, int], route: Route, recording: Recording) -> Iterator[_Proxy]:
    with _Proxy(address, route, recording) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()


def _worker_of(path: str) -> tuple[int, str]:
    """The repaired URL of a worker ends with the port that it had, as a folder of the proxy."""
    found = _WORKER.fullmatch(path)
    assert found, f"found the path {path}, expected one with the port of a worker in it"
    return int(found[1]), found[2]


def record() -> list[Exchange]:
    """Run the program and the SDK's own tests, and return what they and the server said to each other."""
    python = make_environment()
    package = find_package(python)
    recording = Recording({str(package.parent): "/site-packages", str(ROOT): "/project"})
    with (
        tempfile.TemporaryDirectory() as folder,
        _proxy((WORKERS_HOST, 0), _worker_of, recording) as workers,
        ServerProcess(
            Path(folder),
            *("--max-wait-seconds", "5"),
            env={"AUTO_FIX_WORKER_URL": f"{WORKERS_HOST}:{workers.server_port}/"},
        ) as server,
    ):
        port = int(server.url.rpartition(":")[2])
        with _proxy(("127.0.0.1", CLIENT_PORT), lambda path: (port, path), recording):
            url = f"http://127.0.0.1:{CLIENT_PORT}"
            subprocess.run([python, "-W", "ignore", PROGRAM, url], cwd=folder, check=True)
            tests = ["-s", str(package / "tests"), "-t", str(package.parent), "-p", "test_*.py"]
            subprocess.run([python, "-I", "-W", "ignore", "-m", "unittest", "discover", *tests], cwd=folder, check=True)
    return recording.exchanges()


if __name__ == "__main__":
    recorded = record()
    save(recorded)
    sys.stdout.write(f"{len(recorded)} exchanges are in {RECORDED.relative_to(ROOT)}\n")
