"""Processes beside the one that measures: servers and workers, and the CPU time that each takes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.load import throughput
from benchmarks.sample import Sample

READY_S = 60
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Running:
    """A process that has said that it is ready."""

    pid: int
    ready: str
    """The line in which it said so."""

    def cpu_s(self) -> float:
        """Return the CPU time of all its threads so far."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


@contextmanager
def running(command: Sequence[str], *, until: str) -> Iterator[Running]:
    """Run a command beside this process, from the first line that has the text *until*; then end it."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    late = threading.Timer(READY_S, process.kill)
    late.start()
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if until in line:
                break
        else:
            raise SystemExit(f"{' '.join(command)} was not ready within {READY_S} s. It said:\n{''.join(said)}")
        late.cancel()
        drain = threading.Thread(target=process.stdout.read, daemon=True)
        drain.start()
        yield Running(process.pid, line.strip())
    finally:
        late.cancel()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def throughput_beside(
    one: Callable[[int], None], *, runs: int, concurrency: int, server: Running, worker: Running
) -> Sample:
    """Measure, and tell how much CPU time each process takes for a run, the warming up counted in."""
    before = server.cpu_s(), worker.cpu_s()
    sample = throughput(one, runs, concurrency)
    after = server.cpu_s(), worker.cpu_s()
    of_server, of_worker = ((now - then) / (runs + concurrency) * 1e6 for then, now in zip(before, after, strict=True))
    return Sample({**sample.figures, "server_cpu_us": of_server, "worker_cpu_us": of_worker}, sample.facts)


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
