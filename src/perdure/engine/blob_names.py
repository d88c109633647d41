"""Which large values outside the file its journals name: what a cleaning must leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from perdure.blobs.paths import workflow_hash, workflow_hash_in
from perdure.engine.beside import Beside
from perdure.model.ids import WorkflowId
from perdure.store.reader import Reader
from perdure.store.rows import RunKey

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
        self._file = Beside(open_reader)

    def close(self) -> None:
        self._file.close()

    def named(self, paths: Iterable[str]) -> set[str]:
        asked: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths:
            asked[workflow_hash_in(path)].add(path)
        if not asked:
            return set()
        found: set[str] = set()
        after = RunKey(0)
        while page := self._file.ask(partial(Reader.workflows, after=after, limit=PAGE)):
            after = page[-1][0]
            wanted = [(key, each) for key, each in page if workflow_hash(each) in asked]
            for start in range(0, len(wanted), RUNS_TOGETHER):
                runs = dict(wanted[start : start + RUNS_TOGETHER])
                found |= self._file.ask(partial(_external_paths, runs))
        return found & {path for group in asked.values() for path in group}

    def named_by(self, workflow_id: WorkflowId) -> set[str]:
        def read(reader: Reader) -> set[str]:
            return reader.external_paths({row.key: row.workflow_id for row in reader.runs_of(workflow_id)})

        return self._file.ask(read)
