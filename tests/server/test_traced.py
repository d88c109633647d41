from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import uvicorn

from perdure import connect
from perdure.server.traced import traces
from perdure.worker.serving import Worker
from tests.observe.test_tracing import Traced
from tests.server.process import ServerProcess
from tests.worker.test_serving import Threaded


def test_without_traces_there_is_nothing() -> None:
    with traces("off") as tracing:
        assert tracing is None


def test_a_server_whose_collector_is_not_there_works_and_stops(tmp_path: Path) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PERDURE_TRACES": "otlp"}
    with (
        ServerProcess(tmp_path, env=env) as server,
        Threaded(uvicorn.Config(Worker(Traced()).asgi_app(), log_config=None)) as worker_url,
        connect(server.url, worker_url=worker_url) as client,
    ):
        assert client.start(Traced, "w", 1).result(timeout=60) == 2


def test_a_server_without_the_extra_says_what_to_install() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None; from perdure.cli.main import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", program, "server", "--port", "0", "--traces", "otlp"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("perdure: traces need OpenTelemetry, and opentelemetry")
    assert "pip install 'perdure[server,otel]'" in ended.stderr
