"""Callers in threads, the same for every side."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.sample import Sample, percentile


def throughput(one: Callable[[int], None], runs: int, concurrency: int) -> Sample:
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(one, range(-concurrency, 0)))  # warm up
        begin, cpu = time.perf_counter(), time.process_time()
        list(pool.map(one, range(runs)))
        took, used = time.perf_counter() - begin, time.process_time() - cpu
    return Sample({"per_second": runs / took, "cpu_us": used / runs * 1e6})


def latency_of(one: Callable[[int], object], runs: int) -> Sample:
    took = []
    for number in range(-20, runs):
        begin = time.perf_counter()
        one(number)
        if number >= 0:
            took.append((time.perf_counter() - begin) * 1e3)
    return Sample({"p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99)})
