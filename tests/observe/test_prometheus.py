from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from perdure import Decision, Workflow, complete, connect, state
from perdure.model.ids import WorkflowType
from perdure.model.outcome import RunStatus
from perdure.observe.prometheus import OTHER, WORKFLOW_TYPES_MAX, PrometheusObserver, leave_out_creation_times
from perdure.ports.observer import CallEnded, CallOutcome, Commit

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
SIGNUP = WorkflowType("Signup")


class Small:
    """An engine with a little of everything."""

    hot_runs = 3
    attempts_under_way = 2
    callers_waiting = 1


def commit(*started: WorkflowType, closed: tuple[tuple[WorkflowType, RunStatus], ...] = ()) -> Commit:
    return Commit(took_seconds=0.002, events=7, runs=2, started=started, closed=closed, quarantined=1)


def told(registry: CollectorRegistry | None = None, *, file: Path = PAGE) -> PrometheusObserver:
    """An observer that has been told everything once."""
    leave_out_creation_times()
    observer = PrometheusObserver(registry)
    observer.watch(Small(), file=file)
    observer.committed(commit(SIGNUP, SIGNUP, closed=((SIGNUP, RunStatus.FAILED),)))
    observer.commit_failed()
    observer.calls_ended(
        [
            CallEnded(SIGNUP, "execute", 1, CallOutcome.FAILURE, 20),
            CallEnded(SIGNUP, "execute", 2, CallOutcome.SUCCESS, 3),
        ]
    )
    observer.timers_passed([1, 2_000])
    observer.loop_lagged(4)
    observer.answered("start", 200, seconds=0.01)
    return observer


def families(observer: PrometheusObserver) -> dict[str, Metric]:
    read = text_string_to_metric_families(observer.page().body.decode())
    return {family.name: family for family in read if family.name.startswith("perdure")}


def samples(observer: PrometheusObserver) -> dict[str, float]:
    """Every figure by its name and labels, as the page has it."""
    lines = observer.page().body.decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_the_figures_are_those_that_were_told() -> None:
    read = samples(told())
    assert read['perdure_workflow_starts_total{workflow_type="Signup"}'] == 2
    assert read['perdure_workflow_closes_total{status="FAILED",workflow_type="Signup"}'] == 1
    assert read["perdure_runs_quarantined_total"] == 1
    assert (read["perdure_commit_events_sum"], read["perdure_commit_runs_sum"]) == (7, 2)
    assert (read["perdure_commit_seconds_count"], read["perdure_commit_seconds_sum"]) == (1, 0.002)
    assert read["perdure_commit_failures_total"] == 1
    assert read['perdure_worker_calls_total{method="execute",outcome="failure",workflow_type="Signup"}'] == 1
    assert read['perdure_worker_calls_total{method="execute",outcome="success",workflow_type="Signup"}'] == 1
    assert read['perdure_worker_call_retries_total{method="execute",workflow_type="Signup"}'] == 1
    assert read['perdure_worker_call_seconds_sum{method="execute"}'] == 0.023
    assert read['perdure_timer_lateness_seconds_bucket{le="1.0"}'] == 1
    assert read["perdure_timer_lateness_seconds_sum"] == 2.001
    assert read["perdure_loop_lag_seconds_sum"] == 0.004
    assert read['perdure_http_requests_total{call="start",status="200"}'] == 1
    assert (read["perdure_runs_in_memory"], read["perdure_worker_calls_under_way"]) == (3, 2)
    assert read["perdure_callers_waiting"] == 1
    assert read['perdure_file_bytes{part="database"}'] == PAGE.stat().st_size
    assert read['perdure_file_bytes{part="log"}'] == 0


def test_new_names_of_workflow_types_stop_costing_memory_at_some_number() -> None:
    observer = PrometheusObserver()
    for number in range(WORKFLOW_TYPES_MAX + 50):
        observer.committed(commit(WorkflowType(f"T{number}")))
    observer.committed(commit(WorkflowType("T0")))
    read = samples(observer)
    assert read['perdure_workflow_starts_total{workflow_type="T0"}'] == 2
    assert read[f'perdure_workflow_starts_total{{workflow_type="{OTHER}"}}'] == 50
    assert sum(name.startswith("perdure_workflow_starts_total") for name in read) == WORKFLOW_TYPES_MAX + 1


def test_an_applications_own_registry_has_our_figures_beside_its_own() -> None:
    registry = CollectorRegistry()
    Counter("letters", "Sent", registry=registry).inc()
    read = samples(told(registry))
    assert read["letters_total"] == 1
    assert read['perdure_workflow_starts_total{workflow_type="Signup"}'] == 2
    assert "process_cpu_seconds_total" not in read
    assert "process_cpu_seconds_total" in samples(told())


class Greeting(Workflow[str, str]):
    @state(start=True)
    def greet(self, name: str) -> Decision:
        return complete(f"Hello {name}")


def test_an_engine_in_this_process_counts_into_the_registry_it_is_given(tmp_path: Path) -> None:
    observer = PrometheusObserver(CollectorRegistry())
    with connect(f"sqlite:///{tmp_path / 'a.db'}", Greeting(), observer=observer) as client:
        assert client.start(Greeting, "ada", "Ada").result(timeout=60) == "Hello Ada"
    read = samples(observer)
    assert read['perdure_workflow_closes_total{status="COMPLETED",workflow_type="Greeting"}'] == 1
    assert read['perdure_worker_calls_total{method="execute",outcome="success",workflow_type="Greeting"}'] == 1


def test_a_scraper_that_wants_openmetrics_gets_it() -> None:
    page = told().page("application/openmetrics-text; version=1.0.0")
    assert page.content_type.startswith("application/openmetrics-text")
    assert page.body.endswith(b"# EOF\n")
    assert told().page().content_type.startswith("text/plain")


def rows() -> Iterator[tuple[str, str, frozenset[str]]]:
    for name, kind, labels in re.findall(
        r"^\| `(perdure_\w+)` \| (\w+) \|(.*?)\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    ):
        yield name, kind, frozenset(re.findall(r"`(\w+)`", labels))


def test_the_page_of_the_reference_names_what_is_exported_and_nothing_else() -> None:
    exported = set()
    for family in families(told()).values():
        labels = frozenset(label for sample in family.samples for label in sample.labels) - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        exported.add((name, family.type, labels))
    assert set(rows()) == exported
