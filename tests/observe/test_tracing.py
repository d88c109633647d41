"""Spans of real calls: the SDK's exporter in memory, workers over HTTP and in this process, a collector of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from perdure import Decision, InvalidRequest, Retry, Workflow, complete, connect, go_to, rpc, state
from perdure.model.ids import RunId, StateExecutionId
from perdure.observe.tracing import StepIds, Tracing, trace_id_of
from perdure.worker.serving import Worker
from tests.server.process import ServerProcess
from tests.worker.test_serving import Threaded, waitress_serves


class Traced(Workflow[int, int]):
    """A step that needs two attempts, then an ``async`` one; each notes the span it runs in."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    def note(self, name: str) -> None:
        context = trace.get_current_span().get_span_context()
        self.seen.append((name, context.trace_id, context.span_id))

    @state(start=True, retry=Retry(first=1))
    def first(self, number: int) -> Decision:
        self.note("first")
        if len(self.seen) == 1:
            raise OSError("not yet")
        return go_to(self.second, number)

    @state
    async def second(self, number: int) -> Decision:
        self.note("second")
        return complete(number + 1)

    @rpc
    def ask(self) -> str:
        self.note("ask")
        return "here"


@dataclass
class Spans:
    provider: TracerProvider
    exporter: InMemorySpanExporter

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]


def spans() -> Spans:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=StepIds(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Spans(provider, exporter)


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.trace_id)


def span_id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def test_all_attempts_of_a_step_are_spans_of_one_trace_in_which_its_handler_runs(tmp_path: Path) -> None:
    made, workflow = spans(), Traced()
    with connect(f"sqlite:///{tmp_path / 'a.db'}", workflow, tracing=Tracing(made.provider)) as client:
        handle = client.start(Traced, "w", 1)
        assert handle.result(timeout=60) == 2
        run_id = handle.describe().run_id
        assert handle.call(Traced.ask) == "here"

    failed, succeeded = made.named("Traced.first execute")
    (second,) = made.named("Traced.second execute")
    (asked,) = made.named("Traced.ask rpc")
    step = trace_id_of(run_id, StateExecutionId("first-1"))
    assert trace_of(failed) == trace_of(succeeded) == step
    assert trace_of(second) == trace_id_of(run_id, StateExecutionId("second-1"))
    assert len({step, trace_of(second), trace_of(asked)}) == 3
    assert [span.parent for span in (failed, succeeded, second, asked)] == [None] * 4

    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "OSError: not yet")
    assert succeeded.status.status_code is StatusCode.UNSET
    assert dict(succeeded.attributes or {}) == {
        "perdure.workflow_id": "w",
        "perdure.run_id": run_id,
        "perdure.workflow_type": "Traced",
        "perdure.method": "execute",
        "perdure.state_execution_id": "first-1",
        "perdure.attempt": 2,
    }
    assert (failed.attributes or {})["error.type"] == "OSError"
    expected = [("first", failed), ("first", succeeded), ("second", second), ("ask", asked)]
    assert workflow.seen == [(name, trace_of(span), span_id_of(span)) for name, span in expected]


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """An OpenTelemetry collector that keeps what it is sent."""
    got: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            got.append(ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_a_worker_over_http_goes_on_with_the_trace_of_a_real_server(tmp_path: Path, interface: str) -> None:
    made, workflow = spans(), Traced()
    worker, tracing = Worker(workflow), Tracing(made.provider)
    serving = (
        Threaded(uvicorn.Config(tracing.asgi(worker.asgi_app()), log_config=None, lifespan="off"))
        if interface == "asgi"
        else waitress_serves(tracing.wsgi(worker.wsgi_app()))  # type: ignore[arg-type]  # any WSGI application
    )
    with collector() as (address, got):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        with (
            ServerProcess(tmp_path, "--traces", "otlp", env=env) as server,
            serving as worker_url,
            connect(server.url, worker_url=worker_url) as client,
        ):
            handle = client.start(Traced, "w", 1)
            assert handle.result(timeout=60) == 2
            run_id = handle.describe().run_id
            assert handle.call(Traced.ask) == "here"

    sent = [(of, span) for request in got for of in request.resource_spans for s in of.scope_spans for span in s.spans]
    assert {a.value.string_value for of, _ in sent for a in of.resource.attributes if a.key == "service.name"} == {
        "perdure"
    }
    callers = {int.from_bytes(span.span_id, "big"): span for _, span in sent}
    served = made.exporter.get_finished_spans()
    assert len(callers) == len(served) == 4
    for span in served:
        assert span.kind is SpanKind.SERVER
        assert span.parent is not None
        assert int.from_bytes(callers[span.parent.span_id].trace_id, "big") == trace_of(span)
    assert workflow.seen == [
        (name, trace_of(span), span_id_of(span))
        for name, span in zip(("first", "first", "second", "ask"), served, strict=True)
    ]
    assert [trace_of(span) for span in served[:2]] == [trace_id_of(run_id, StateExecutionId("first-1"))] * 2
    assert served[0].status.status_code is StatusCode.ERROR


def test_ids_of_other_spans_are_those_of_the_generator_one_has() -> None:
    class Counting(StepIds):
        def generate_trace_id(self) -> int:
            return 4_711

    provider = TracerProvider(id_generator=StepIds(Counting()), shutdown_on_exit=False)
    with provider.get_tracer("app").start_as_current_span("mine") as span:
        assert span.get_span_context().trace_id == 4_711


def test_steps_of_other_runs_are_other_traces() -> None:
    runs = [(RunId(run), StateExecutionId(step)) for run in ("a", "b") for step in ("s-1", "s-2")]
    ids = {trace_id_of(*run) for run in runs}
    assert len(ids) == 4
    assert all(0 < each < 1 << 128 for each in ids)


def test_a_provider_that_would_make_every_attempt_a_trace_is_refused() -> None:
    with pytest.raises(ValueError, match="expected StepIds: TracerProvider"):
        Tracing(TracerProvider(shutdown_on_exit=False))


def test_tracing_for_a_server_elsewhere_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="that server has --metrics and --traces"):
        connect("http://127.0.0.1:1", tracing=Tracing(spans().provider))
