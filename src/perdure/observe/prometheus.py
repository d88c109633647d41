"""An observer whose figures Prometheus reads: ``docs/reference/metrics.md`` says what each of them means."""

from __future__ import annotations

import os
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from perdure.ports.observer import CallEnded, Commit, Levels

WORKFLOW_TYPES_MAX = 200
"""Workflow types with series of their own. A client names the type when it starts a workflow, and every new
name would cost memory here and in Prometheus for ever: later ones are counted together, as ``other``."""
OTHER = "other"

_CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_LATE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600)
_BATCH_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)


@dataclass(frozen=True, slots=True)
class Page:
    """What a scraper is answered."""

    body: bytes
    content_type: str


class PrometheusObserver:
    """Counts into a registry; ``page`` is what a scraper reads."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Begin at zero.

        Args:
            registry: an application's own, to be read with all else that is in it; if left out one for
                this observer alone, with the figures of the process.
        """
        if registry is None:
            registry = CollectorRegistry()
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
            GCCollector(registry=registry)
        self._registry = registry
        self._types: dict[str, str] = {}
        self._add_engine(registry)
        self._add_server(registry)

    def _add_engine(self, registry: CollectorRegistry) -> None:
        self._info = Info("perdure", "Which version of Perdure this is", registry=registry)
        self._info.info({"version": version("perdure")})
        self._starts = _series(
            Counter("perdure_workflow_starts", "Runs that began and are durable", ["workflow_type"], registry=registry)
        )
        self._closes = _series(
            Counter(
                "perdure_workflow_closes",
                "Runs that ended and are durable",
                ["workflow_type", "status"],
                registry=registry,
            )
        )
        self._quarantined = Counter(
            "perdure_runs_quarantined", "Runs the engine could not go on with", registry=registry
        )
        self._calls = _series(
            Counter(
                "perdure_worker_calls",
                "Attempts at workers that ended",
                ["workflow_type", "method", "outcome"],
                registry=registry,
            )
        )
        self._retries = _series(
            Counter(
                "perdure_worker_call_retries",
                "Those that were not the first attempt of their call",
                ["workflow_type", "method"],
                registry=registry,
            )
        )
        self._call_seconds = _series(
            Histogram(
                "perdure_worker_call_seconds",
                "How long attempts at workers took",
                ["method"],
                buckets=_CALL_SECONDS,
                registry=registry,
            )
        )
        self._timer_seconds = Histogram(
            "perdure_timer_lateness_seconds",
            "How long after its moment a timer was acted on",
            buckets=_LATE_SECONDS,
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "perdure_commit_seconds",
            "How long commits took, the disk's fsync included",
            buckets=_COMMIT_SECONDS,
            registry=registry,
        )
        self._commit_events = Histogram(
            "perdure_commit_events", "Events one commit made durable", buckets=_BATCH_EVENTS, registry=registry
        )
        self._commit_runs = Histogram(
            "perdure_commit_runs", "Runs one commit wrote something of", buckets=_BATCH_EVENTS, registry=registry
        )
        self._commit_failures = Counter(
            "perdure_commit_failures", "Commits that failed and were taken back", registry=registry
        )
        self._lag_seconds = Histogram(
            "perdure_loop_lag_seconds",
            "How much too late the engine's loop came to what it had planned, once a second",
            buckets=_LATE_SECONDS,
            registry=registry,
        )
        self._levels = {
            name: Gauge(f"perdure_{name}", text, registry=registry)
            for name, text in (
                ("runs_in_memory", "Runs that are in memory"),
                ("worker_calls_under_way", "Attempts that workers have"),
                ("callers_waiting", "Callers who wait for a result or a state"),
            )
        }
        self._file_bytes = _series(
            Gauge(
                "perdure_file_bytes",
                "Size of the database, which is mostly journal, and of its write-ahead log",
                ["part"],
                registry=registry,
            )
        )

    def _add_server(self, registry: CollectorRegistry) -> None:
        self._requests = _series(
            Counter(
                "perdure_http_requests", "Requests of clients that were answered", ["call", "status"], registry=registry
            )
        )
        self._request_seconds = _series(
            Histogram(
                "perdure_http_request_seconds",
                "How long clients waited for answers",
                ["call"],
                buckets=_CALL_SECONDS,
                registry=registry,
            )
        )

    # An engine tells

    def committed(self, commit: Commit) -> None:
        for kind, count in Tally(commit.started).items():
            self._starts(self._type(kind)).inc(count)
        for (kind, status), count in Tally(commit.closed).items():
            self._closes(self._type(kind), status.value).inc(count)
        if commit.quarantined:
            self._quarantined.inc(commit.quarantined)
        self._commit_seconds.observe(commit.took_seconds)
        self._commit_events.observe(commit.events)
        self._commit_runs.observe(commit.runs)

    def commit_failed(self) -> None:
        self._commit_failures.inc()

    def calls_ended(self, calls: Sequence[CallEnded]) -> None:
        ended = Tally((call.workflow_type, call.method, call.outcome) for call in calls)
        for (kind, method, outcome), count in ended.items():
            self._calls(self._type(kind), method, outcome.value).inc(count)
        for call in calls:
            self._call_seconds(call.method).observe(call.took_ms / 1_000)
            if call.attempt > 1:
                self._retries(self._type(call.workflow_type), call.method).inc()

    def timers_passed(self, lateness_ms: Sequence[int]) -> None:
        for each_ms in lateness_ms:
            self._timer_seconds.observe(each_ms / 1_000)

    def loop_lagged(self, lag_ms: int) -> None:
        self._lag_seconds.observe(lag_ms / 1_000)

    # Whoever runs one tells

    def watch(self, engine: Levels, *, file: Path | str) -> None:
        """Show how much *engine* has, and how large its file is, as it is at each reading of the page."""
        levels: dict[str, Callable[[], float]] = {
            "runs_in_memory": lambda: engine.hot_runs,
            "worker_calls_under_way": lambda: engine.attempts_under_way,
            "callers_waiting": lambda: engine.callers_waiting,
        }
        for name, read in levels.items():
            self._levels[name].set_function(read)
        self._file_bytes("database").set_function(lambda: _size_of(str(file)))
        self._file_bytes("log").set_function(lambda: _size_of(f"{file}-wal"))

    def answered(self, call: str, status: int, *, seconds: float) -> None:
        """Count a client's request.

        Args:
            call: one of few names, never what a client has written.
        """
        self._requests(call, str(status)).inc()
        self._request_seconds(call).observe(seconds)

    def page(self, accept: str = "") -> Page:
        """Return all figures.

        Args:
            accept: the scraper's header of this name: it may want OpenMetrics.
        """
        encode, content_type = choose_encoder(accept)
        return Page(encode(self._registry), content_type)

    def _type(self, name: str) -> str:
        known = self._types.get(name)
        if known is None:
            known = name if len(self._types) < WORKFLOW_TYPES_MAX else OTHER
            if known is not OTHER:
                self._types[name] = known
        return known


_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)


def _series(metric: _Metric) -> Callable[..., _Metric]:
    """Return *metric*'s series by its labels. Each is looked up there once: it takes as long as ten counts."""
    return cache(metric.labels)


def leave_out_creation_times() -> None:
    """Show no ``…_created`` beside every count, in this process: twice the series, and nobody asks for them."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # nobody has given it types


def _size_of(path: str) -> float:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0  # The log is there only while it is needed.
