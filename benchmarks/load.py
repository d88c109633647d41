"""Callers in threads, the same for every side."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.sample import Facts, Sample, percentile
from benchmarks.syncs import so_far


def throughput(one: Callable[[int], None], runs: int, concurrency: int) -> Sample:
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(one, range(-concurrency, 0)))  # warm up
        syncs = so_far()
        begin, cpu = time.perf_counter(), time.process_time()
        list(pool.map(one, range(runs)))
        took, used = time.perf_counter() - begin, time.process_time() - cpu
    return Sample({"per_second": runs / took, "cpu_us": used / runs * 1e6}, _syncs_since(syncs, runs))


def latency_of(one: Callable[[int], object], runs: int) -> Sample:
    took = []
    for number in range(-20, 0):
        one(number)
    syncs = so_far()
    for number in range(runs):
        begin = time.perf_counter()
        one(number)
        took.append((time.perf_counter() - begin) * 1e3)
    return Sample({"p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99)}, _syncs_since(syncs, runs))


def _syncs_since(before: int | None, runs: int) -> Facts:
    now = so_far()
    return {} if before is None or now is None else {"fsyncs_per_run": (now - before) / runs}
