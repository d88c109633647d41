"""What a large file costs: ``python -m benchmarks.large [--runs 200000] [--json FILE] [--disk FOLDER]``.

The files are written as the engine would have left them: one run of each workflow is played through the
rules by its real handlers, and its events, with other names in them, go through the codec and the store
in large batches. What is measured then is the product, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.peer_perdure import TwoStep, sign_up, two_step
from benchmarks.sample import percentile
from perdure import Attribute, Channel, Decision, Met, Wait, Workflow, after, any_of, complete, connect, go_to, state
from perdure.authoring.inspection import AnyWorkflow
from perdure.authoring.registry import Registry
from perdure.authoring.requests import start_request
from perdure.client.options import start_options
from perdure.engine.ids import UuidV7
from perdure.interpreter.codec import encode_event
from perdure.interpreter.effects import Close, Index, Invoke
from perdure.interpreter.events import CallSucceeded, Event, Started
from perdure.interpreter.execution import Execution
from perdure.model.attributes import SearchAttribute
from perdure.model.calls import ExecuteAnswer, StateRequest, WaitUntilAnswer
from perdure.model.ids import RunId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.store.rows import Batch, EventRow, RunKey, RunRow
from perdure.store.store import Store
from perdure.worker.runner import task_of

DAY_MS = 86_400_000
BATCH = 2_000
DUE = 20_000
DUE_IN_MS = 15_000
"""From when their rows begin to be written: enough to write them, and to boot."""
ROUNDS = 3


@dataclass(frozen=True)
class LongForm:
    """What people fill in."""

    name: str
    email: str
    first: str
    last: str
    country: str
    comment: str


class Waiting(Workflow[LongForm, str]):
    """A sign-up at its first wait, and what its day's end makes of it."""

    form: Attribute[LongForm] = Attribute()
    email: Attribute[str] = Attribute(index="keyword")
    status: Attribute[str] = Attribute(index="keyword")
    country: Attribute[str] = Attribute(index="keyword")
    reminders: Attribute[int] = Attribute(index="int")
    confirmed: Attribute[bool] = Attribute(index="bool")
    verified: Channel[None] = Channel()

    def __init__(self, fired: list[float]) -> None:
        self.fired = fired

    @state(start=True)
    def submit(self, form: LongForm) -> Decision:
        self.form, self.email, self.country = form, form.email, form.country
        self.status, self.reminders, self.confirmed = "waiting", 0, False
        return go_to(self.verify)

    def until_verified(self) -> Wait:
        return any_of(self.verified, after(timedelta(hours=24)))

    @state(wait=until_verified)
    def verify(self, met: Met) -> Decision:
        self.fired.append(time.time())
        return complete("given up")


# Writing files


@dataclass(frozen=True, slots=True)
class Played:
    """One run as it went: what all runs of the file are made of."""

    events: tuple[Event, ...]
    index: tuple[SearchAttribute, ...]
    closed: bool
    deadline_after_ms: int | None


def play(workflow: AnyWorkflow, given: object) -> Played:
    """Let a workflow run until it waits or ends."""
    registered = next(iter(Registry(workflow)))
    kind = type(workflow)
    request = start_request(kind, "1", given, options=start_options(registered.definition, {}))
    execution, now_ms = Execution(), 1_000_000
    todo: list[Event] = [Started(request, RunId("1"), RunId("1"))]
    events: list[Event] = []
    index: dict[str, SearchAttribute] = {}
    closed = False
    while todo:
        events.append(todo.pop(0))
        for effect in execution.handle(events[-1], now_ms):
            if isinstance(effect, Invoke):
                task = task_of(registered, StateRequest(effect.run, effect.call, 1, now_ms))
                answer = task.answer(task.call())
                assert isinstance(answer, ExecuteAnswer | WaitUntilAnswer)
                todo.append(CallSucceeded(effect.call_id, answer))
            elif isinstance(effect, Index):
                index.update((attribute.key, attribute) for attribute in effect.attributes)
            elif isinstance(effect, Close):
                closed = True
    deadline_ms = execution.next_deadline_ms()
    return Played(tuple(events), tuple(index.values()), closed, None if deadline_ms is None else deadline_ms - now_ms)


def write_runs(store: Store, played: Played, *, runs: int, name: str, started_ms: Callable[[], int]) -> None:
    """Write that many runs that went as *played* did."""
    key = store.last_key()
    ids = UuidV7(lambda: time.time_ns() // 1_000_000)
    genesis = played.events[0]
    assert isinstance(genesis, Started)
    rest = [encode_event(event) for event in played.events[1:]]
    for first in range(0, runs, BATCH):
        rows, events, index = [], [], {}
        for number in range(first, min(first + BATCH, runs)):
            key, run_id, at_ms = RunKey(key + 1), ids.new_run_id(), started_ms()
            request = replace(genesis.request, workflow_id=WorkflowId(f"{name}-{number}"))
            encoded = [encode_event(replace(genesis, request=request, run_id=run_id, first_run_id=run_id)), *rest]
            events += [
                EventRow(key, seq, at_ms, event, "client" if seq == 1 else "worker")
                for seq, event in enumerate(encoded, 1)
            ]
            row = RunRow(key, request.workflow_id, run_id, request.workflow_type, run_id, at_ms, events=len(encoded))
            if played.closed:
                row = row._replace(status=RunStatus.COMPLETED, closed_ms=at_ms)
            elif played.deadline_after_ms is not None:
                row = row._replace(deadline_ms=at_ms + played.deadline_after_ms)
            rows.append(row)
            if played.index:
                email = f"person{key}@example.org"
                index[key] = tuple(replace(a, value=email) if a.key == "email" else a for a in played.index)
        store.write(Batch(runs=tuple(rows), events=tuple(events), index=index))
        store.checkpoint()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def a_form() -> LongForm:
    return LongForm("ada", "ada@example.org", "Ada", "Lovelace", "GB", "I heard of it from a friend.")


# Measuring, each in a process of its own


def write_waiting(file: Path, runs: int) -> dict[str, float]:
    played = play(Waiting([]), a_form())
    began = time.perf_counter()
    store = Store.open(file)
    write_runs(store, played, runs=runs, name="waiting", started_ms=now_ms)
    took = time.perf_counter() - began
    store.checkpoint(pages=0)
    store.close()
    size = file.stat().st_size
    return {"disk_mb": size / 1e6, "bytes_per_run": size / runs, "written_per_second": runs / took}


def boot(file: Path, runs: int) -> dict[str, float]:
    """Fire one overdue timer, then as many as are due in one second, among all that wait."""
    played = play(Waiting([]), a_form())
    assert played.deadline_after_ms == DAY_MS
    store = Store.open(file)
    due_ms = now_ms() + DUE_IN_MS
    write_runs(store, played, runs=1, name="overdue", started_ms=lambda: now_ms() - DAY_MS - 1_000)
    write_runs(store, played, runs=DUE, name="due", started_ms=lambda: due_ms - DAY_MS)
    store.close()
    fired: list[float] = []
    assert now_ms() < due_ms - 2_000, "writing took too long, the timers would be due before the boot"
    began = time.time()
    with connect(f"sqlite:///{file}", Waiting(fired)):
        while not fired:
            time.sleep(0.005)
        first_s = fired[0] - began
        waiting_mb = _rss_mb()
        give_up = time.time() + 180
        while len(fired) < DUE + 1 and time.time() < give_up:
            time.sleep(0.05)
        late = [moment * 1e3 - due_ms for moment in fired[1:]]
        return {
            "boot_to_first_timer_s": first_s,
            "rss_waiting_mb": waiting_mb,
            "rss_peak_mb": _rss_mb("VmHWM"),
            "due_executed": len(late),
            "due_all_executed_s": max(late) / 1e3,
            "due_p99_lateness_ms": percentile(late, 0.99),
        }


def write_closed(file: Path, runs: int) -> dict[str, float]:
    store = Store.open(file)
    write_runs(store, play(TwoStep(), 1), runs=runs, name="closed", started_ms=now_ms)
    store.checkpoint(pages=0)
    store.close()
    return {"disk_mb": file.stat().st_size / 1e6}


def throughput(file: Path, runs: int) -> dict[str, float]:
    return {
        "two_step_per_second": two_step(file.parent, runs=runs, concurrency=64, file=file).figures["per_second"],
        "sign_up_per_second": sign_up(file.parent, runs=runs // 2, concurrency=64, file=file).figures["per_second"],
    }


PARTS = {part.__name__: part for part in (write_waiting, boot, write_closed, throughput)}


def _rss_mb(which: str = "VmRSS") -> float:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(which):
            return int(line.split()[1]) / 1e3
    return float("nan")


def _apart(part: str, file: Path, runs: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.large", "--part", part, "--file", str(file), "--runs", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3_000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def import_ms() -> float:
    def took(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return (time.perf_counter() - began) * 1e3

    return median(took("import perdure") - took("pass") for _ in range(7))


def measure(folder: Path, runs: int, *, rounds: int) -> dict[str, float]:
    figures = {"import_ms": import_ms()}
    waiting = folder / "waiting.db"
    figures |= _apart("write_waiting", waiting, runs)
    figures |= _apart("boot", waiting, runs)
    waiting.unlink()
    full = folder / "closed.db"
    figures["closed_disk_mb"] = _apart("write_closed", full, runs)["disk_mb"]
    samples: dict[str, list[float]] = {}
    for number in range(rounds):
        for side, file in (("empty", folder / f"empty-{number}.db"), ("full", full)):
            for name, value in _apart("throughput", file, 2_000).items():
                samples.setdefault(f"{name}_{side}", []).append(value)
    figures |= {name: median(values) for name, values in samples.items()}
    for work in ("two_step", "sign_up"):
        figures[f"{work}_full_share"] = figures[f"{work}_per_second_full"] / figures[f"{work}_per_second_empty"]
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200_000, help="waiting in one file, and closed in another")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of throughput, on an empty file and a full one")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--disk", help="a folder on the disk to measure")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.file, options.runs)))
        return 0
    with tempfile.TemporaryDirectory(dir=options.disk) as folder:
        figures = measure(Path(folder), options.runs, rounds=options.rounds)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {options.runs:,} runs, fsync on\n")
    print("| figure | value |\n|---|---:|")
    for name, value in figures.items():
        print(f"| {name} | {value:,.2f} |")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
