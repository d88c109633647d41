"""The figures of a real server, read as Prometheus reads them, before and after work whose size is known."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from perdure import Decision, Retry, Wait, Workflow, after, any_of, complete, connect, go_to, rpc, state
from perdure.worker.serving import Worker
from tests.server.process import ServerProcess
from tests.server.test_serving import refused, start
from tests.worker.test_serving import Threaded

Figures = Mapping[str, float]


class Errand(Workflow[int, int]):
    """Two steps, a timer, and an attempt that fails."""

    def __init__(self) -> None:
        self.failed: set[int] = set()

    @state(start=True, retry=Retry(first=1))
    def first(self, number: int) -> Decision:
        if number not in self.failed:
            self.failed.add(number)
            raise OSError("not yet")
        return go_to(self.second, number)

    def a_moment(self) -> Wait:
        return any_of(after(1))

    @state(wait=a_moment)
    def second(self, number: int) -> Decision:
        return complete(number + 1)

    @rpc
    def ask(self) -> str:
        return "here"


def scrape(url: str, path: str = "/metrics", method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        return reply.status, reply.getheader("content-type") or "", reply.read().decode()
    finally:
        connection.close()


def figures(url: str) -> Figures:
    status, content_type, text = scrape(url)
    assert (status, content_type.split(";")[0]) == (200, "text/plain")
    lines = [line for line in text.splitlines() if line.startswith("perdure_")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def difference(later: Figures, before: Figures) -> dict[str, float]:
    changed = {name: value - before.get(name, 0) for name, value in later.items()}
    return {name: value for name, value in changed.items() if value}


def test_what_workflows_did_is_counted_exactly(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path) as server,
        Threaded(uvicorn.Config(Worker(Errand()).asgi_app(), log_config=None)) as worker_url,
    ):
        with connect(server.url, worker_url=worker_url) as client:
            before = figures(server.url)
            handles = [client.start(Errand, f"errand-{number}", number) for number in range(5)]
            assert [handle.result() for handle in handles] == [1, 2, 3, 4, 5]
            assert handles[0].call(Errand.ask) == "here"
            after_all = figures(server.url)
        done = difference(after_all, before)

    kind = 'workflow_type="Errand"'
    assert done[f"perdure_workflow_starts_total{{{kind}}}"] == 5
    assert done[f'perdure_workflow_closes_total{{status="COMPLETED",{kind}}}'] == 5
    assert done[f'perdure_worker_calls_total{{method="execute",outcome="success",{kind}}}'] == 10
    assert done[f'perdure_worker_calls_total{{method="execute",outcome="failure",{kind}}}'] == 5
    assert done[f'perdure_worker_calls_total{{method="wait_until",outcome="success",{kind}}}'] == 5
    assert done[f'perdure_worker_calls_total{{method="rpc",outcome="success",{kind}}}'] == 1
    assert done[f'perdure_worker_call_retries_total{{method="execute",{kind}}}'] == 5
    assert done['perdure_worker_call_seconds_count{method="execute"}'] == 15
    assert done["perdure_timer_lateness_seconds_count"] == 5
    assert done["perdure_commit_seconds_count"] == done["perdure_commit_events_count"] >= 2
    assert done['perdure_http_requests_total{call="start",status="200"}'] == 5
    assert done['perdure_http_requests_total{call="rpc",status="200"}'] == 1
    assert sum(value for name, value in done.items() if "workflow_closes" in name) == 5
    assert after_all['perdure_file_bytes{part="database"}'] + after_all['perdure_file_bytes{part="log"}'] > 0
    assert after_all["perdure_worker_calls_under_way"] == 0


def test_a_request_for_nothing_there_is_counted_without_its_path(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        assert scrape(server.url, "/no/such/page")[0] == 404
        assert scrape(server.url, "/metrics", "POST")[0] == 405
        assert start(server.url, "")[0] == 400
        read = figures(server.url)
    assert read['perdure_http_requests_total{call="other",status="404"}'] == 1
    assert read['perdure_http_requests_total{call="start",status="400"}'] == 1
    assert not any("no/such" in name for name in read)


def test_the_figures_may_have_an_address_of_their_own(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ServerProcess(tmp_path, "--metrics", f"127.0.0.1:{port}") as server:
        assert scrape(server.url)[0] == 404
        assert figures(f"http://127.0.0.1:{port}")["perdure_runs_in_memory"] == 0
        assert scrape(f"http://127.0.0.1:{port}", "/info/healthcheck")[0] == 404
        told = refused(tmp_path, "--db", "other.db", "--port", "0", "--metrics", f"127.0.0.1:{port}")
    assert f"port {port} of 127.0.0.1 cannot be listened at" in told
    assert "choose another port with --metrics" in told


def test_the_figures_can_be_switched_off(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, env={"PERDURE_METRICS": "off"}) as server:
        assert scrape(server.url)[0] == 404
        assert start(server.url, "w")[0] == 200
