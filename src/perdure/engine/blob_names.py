"""Which large values outside the file its journals name: what a cleaning must leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from threading import Lock
from typing import TypeVar

from perdure.blobs.paths import workflow_hash, workflow_hash_in
from perdure.model.errors import UnavailableError
from perdure.model.ids import WorkflowId
from perdure.store.reader import Reader
from perdure.store.rows import RunKey

T = TypeVar("T")

PAGE = 10_000
"""Runs whose workflow ids are compared at once."""
RUNS_TOGETHER = 100
"""Runs whose journals are looked through at once."""


def _external_paths(runs: Mapping[RunKey, WorkflowId], reader: Reader) -> set[str]:
    return reader.external_paths(runs)


class FileBlobNames:
    """Reads on a connection of its own, which is opened when somebody asks the first time.

    Paths tell a workflow by its hash, so all runs of the file are gone through, by their ids alone; the
    journals are read of those workflows only that are asked for.
    """

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open_reader = open_reader
        self._reader: Reader | None = None
        self._lock = Lock()
        self._closed = False

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._reader is not None:
                self._reader.close()

    def named(self, paths: Iterable[str]) -> set[str]:
        asked: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths:
            asked[workflow_hash_in(path)].add(path)
        if not asked:
            return set()
        found: set[str] = set()
        after = RunKey(0)
        while page := self._ask(partial(Reader.workflows, after=after, limit=PAGE)):
            after = page[-1][0]
            wanted = [(key, each) for key, each in page if workflow_hash(each) in asked]
            for start in range(0, len(wanted), RUNS_TOGETHER):
                runs = dict(wanted[start : start + RUNS_TOGETHER])
                found |= self._ask(partial(_external_paths, runs))
        return found & {path for group in asked.values() for path in group}

    def named_by(self, workflow_id: WorkflowId) -> set[str]:
        def read(reader: Reader) -> set[str]:
            return reader.external_paths({row.key: row.workflow_id for row in reader.runs_of(workflow_id)})

        return self._ask(read)

    def _ask(self, question: Callable[[Reader], T]) -> T:
        with self._lock:
            if self._closed:
                raise UnavailableError("the engine is closed")
            if self._reader is None:
                self._reader = self._open_reader()
            return question(self._reader)
