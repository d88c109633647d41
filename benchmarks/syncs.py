"""Counts fsyncs, in a round of its own whose times nobody uses.

A library of a few lines of C is preloaded into every process of that round and counts what the C library is asked for.
So it counts the same on every side, whichever SQLite a side brings, the syncs of folders too. A peer that makes its
system calls itself, as programs in Go do, can't be counted so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "PERDURE_BENCHMARK_SYNCS"
_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned long *count;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("PERDURE_BENCHMARK_SYNCS");
    int file = path ? open(path, O_RDWR) : -1;
    if (file < 0) return;
    void *page = mmap(0, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) count = page;
    close(file);
}

static int counted(const char *name, int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (count) __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
    return real(file);
}

int fsync(int file) { return counted("fsync", file); }
int fdatasync(int file) { return counted("fdatasync", file); }
"""


@contextmanager
def counting() -> Iterator[Mapping[str, str] | None]:
    """Give the environment in which processes count together; ``None`` where there is no C compiler to make it."""
    compiler = shutil.which("cc")
    if compiler is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        source, library, page = (Path(folder, name) for name in ("syncs.c", "syncs.so", "count"))
        source.write_text(_SOURCE, encoding="utf-8")
        page.write_bytes(bytes(8))
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        yield {**os.environ, "LD_PRELOAD": str(library), _VARIABLE: str(page)}


def so_far() -> int | None:
    """Return how many fsyncs the processes of this round have asked for; ``None`` in a round that counts none."""
    page = os.environ.get(_VARIABLE)
    return None if page is None else int.from_bytes(Path(page).read_bytes(), "little")
