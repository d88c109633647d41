"""Traces after OpenTelemetry: one span for each attempt at a worker, one trace for each step of a workflow.

Rule 1: the trace of a step follows from its run and its state execution. So all its attempts are in it,
        whatever process made them and however often it was restarted, with nothing to be remembered.
Rule 2: a call is made in a context that holds its span and nothing else: what a caller of the engine
        had in its own is none of the worker's business.
"""

from __future__ import annotations

import contextvars
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from perdure.model.calls import Answer, Failure, RpcRequest, StateRequest
from perdure.model.ids import RunId, StateExecutionId
from perdure.ports.invoker import Invoker, Report

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SERVICE_NAME = "perdure"
"""What a server is called in traces, unless ``OTEL_SERVICE_NAME`` says otherwise."""

_WANTED: contextvars.ContextVar[int | None] = contextvars.ContextVar("perdure_trace_id", default=None)
_W3C = TraceContextTextMapPropagator()


class StepIds(IdGenerator):
    """Gives the spans of one step one trace. A ``TracerProvider`` needs it to be used with ``Tracing``."""

    def __init__(self, others: IdGenerator | None = None) -> None:
        """Begin.

        Args:
            others: makes all other ids; at random, if left out.
        """
        self._others = others or RandomIdGenerator()

    def generate_span_id(self) -> int:
        return self._others.generate_span_id()

    def generate_trace_id(self) -> int:
        return _WANTED.get() or self._others.generate_trace_id()


def trace_id_of(run_id: RunId, state_execution_id: StateExecutionId) -> int:
    """Return the trace in which a step is found: of as many bits as W3C's, and as evenly spread."""
    digest = hashlib.sha256(f"{run_id}/{state_execution_id}".encode(errors="surrogatepass"))
    return int.from_bytes(digest.digest()[:16], "big") or 1


class Tracing:
    """Spans of one provider, for what an engine has workers do, and for what a worker does."""

    def __init__(self, provider: TracerProvider) -> None:
        """Take a provider, ours or an application's.

        Raises:
            ValueError: it draws its trace ids itself, and every attempt would be a trace of its own.
        """
        if not isinstance(provider.id_generator, StepIds):
            raise ValueError(
                f"found a TracerProvider whose ids come from a {type(provider.id_generator).__name__}, expected "
                "StepIds: TracerProvider(id_generator=StepIds())"
            )
        self._tracer = provider.get_tracer("perdure")

    # Where an engine is

    def around(self, invoker: Invoker) -> Invoker:
        """Return an invoker that calls through *invoker*, each attempt in a span.

        *invoker* must carry the context in which it is called to where it makes the call.
        """
        return _TracedInvoker(invoker, self)

    @staticmethod
    def headers() -> Mapping[str, str]:
        """Return the W3C headers that tell a worker in which span it is called, in the current context."""
        headers: dict[str, str] = {}
        _W3C.inject(headers)
        return headers

    def begin(self, request: StateRequest | RpcRequest) -> Span:
        """Begin the span of one attempt; whoever began it ends it."""
        wanted = None
        if isinstance(request, StateRequest):
            wanted = trace_id_of(request.run.run_id, request.call.state_execution_id)
        token = _WANTED.set(wanted)
        try:
            return self._tracer.start_span(
                _name_of(request), context=Context(), kind=SpanKind.CLIENT, attributes=_attributes_of(request)
            )
        finally:
            _WANTED.reset(token)

    # Where a worker is

    def asgi(self, app: AsgiApplication) -> AsgiApplication:
        """Return a worker's application with a span for each call, below that of the server that calls."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            span = self._serve(scope["path"], carrier)

            async def send_and_note(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    _note_status(span, message["status"])
                await send(message)

            token = attach(set_span_in_context(span))
            try:
                await app(scope, receive, send_and_note)
            finally:
                detach(token)
                span.end()

        return traced

    def wsgi(self, app: WsgiApplication) -> WsgiApplication:
        """Return a worker's application as ``asgi`` does."""

        def traced(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            prefix = "HTTP_"
            carrier = {
                name.removeprefix(prefix).replace("_", "-").lower(): value
                for name, value in environ.items()
                if name.startswith(prefix)
            }
            span = self._serve(environ.get("PATH_INFO", ""), carrier)

            def start_and_note(status: str, *rest: Any) -> Any:
                _note_status(span, int(status.split()[0]))
                return start_response(status, *rest)

            token = attach(set_span_in_context(span))
            try:
                return app(environ, start_and_note)
            finally:
                detach(token)
                span.end()

        return traced

    def _serve(self, path: str, carrier: Mapping[str, str]) -> Span:
        parent = _W3C.extract(carrier, context=Context())
        # The last word of the protocol's paths: start, decode, rpc.
        name = f"worker {path.rstrip('/').rpartition('/')[2]}"
        return self._tracer.start_span(name, context=parent, kind=SpanKind.SERVER)


class _TracedInvoker:
    """An invoker around another one."""

    def __init__(self, inner: Invoker, tracing: Tracing) -> None:
        self._inner = inner
        self._tracing = tracing

    def invoke(self, request: StateRequest | RpcRequest, *, timeout_ms: int, report: Report) -> None:
        span = self._tracing.begin(request)

        def ended(result: Answer | Failure) -> None:
            if isinstance(result, Failure):
                span.set_attribute("error.type", "timeout" if result.timed_out else result.error_type or "failure")
                span.set_status(Status(StatusCode.ERROR, result.message))
            span.end()
            report(result)

        def invoke() -> None:
            attach(set_span_in_context(span))
            try:
                self._inner.invoke(request, timeout_ms=timeout_ms, report=ended)
            except Exception:
                span.end()
                raise

        contextvars.Context().run(invoke)

    def close(self) -> None:
        self._inner.close()


def otlp_provider() -> TracerProvider:
    """Return a provider that sends spans to a collector, by OTLP over HTTP, beside the work.

    OpenTelemetry's own variables say where and how many: ``OTEL_EXPORTER_OTLP_ENDPOINT`` and its like.
    Whoever takes it shuts it down.
    """
    name = Resource.create().attributes.get("service.name", "")
    resource = Resource.create({"service.name": SERVICE_NAME} if str(name).startswith("unknown_service") else {})
    provider = TracerProvider(id_generator=StepIds(), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _name_of(request: StateRequest | RpcRequest) -> str:
    kind = request.run.workflow_type
    if isinstance(request, RpcRequest):
        return f"{kind}.{request.name} rpc"
    return f"{kind}.{request.call.state_id} {request.call.method.value}"


def _attributes_of(request: StateRequest | RpcRequest) -> dict[str, str | int]:
    run = request.run
    common: dict[str, str | int] = {
        "perdure.workflow_id": run.workflow_id,
        "perdure.run_id": run.run_id,
        "perdure.workflow_type": run.workflow_type,
    }
    if isinstance(request, RpcRequest):
        return {**common, "perdure.method": "rpc", "perdure.rpc": request.name}
    call = request.call
    return {
        **common,
        "perdure.method": call.method.value,
        "perdure.state_execution_id": call.state_execution_id,
        "perdure.attempt": request.attempt,
    }


def _note_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))
