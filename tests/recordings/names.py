"""What differs from run to run, and the names that stand for it in scenarios and transcripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from tests.recordings.scenario import Json

WORKER = "http://worker.test:8802"
TAG = "0a1b2c3d4e"

_NOW = re.compile(r"\$now([+-]\d+)?")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TIMES = frozenset(
    {"firstAttemptTimestamp", "workflowStartedTimestamp", "firingUnixTimestampSeconds", "startTime", "closeTime"}
)


class Names:
    """``$id``, ``$type``, ``$worker``, ``$run1`` and so on: put in for the engine, put back for the transcript."""

    def __init__(self, scenario: str, *, now_ms: Callable[[], int], worker: str = WORKER, tag: str = TAG) -> None:
        self._now_ms = now_ms
        self.workflow_id = f"{scenario}-{tag}"
        self._given = {"$type": f"{scenario}.{tag}", "$worker": worker, "$id": self.workflow_id}
        self._given |= {f"$id{n}": f"{self.workflow_id}-{n}" for n in (2, 3, 4)}
        self._runs: dict[str, str] = {}

    def save(self, name: str, value: str) -> None:
        self._given[name] = value

    def see_run(self, run_id: str) -> None:
        """Name a run id in the order they appear."""
        if run_id not in self._runs.values():
            self._runs[f"$run{len(self._runs) + 1}"] = run_id

    def filled(self, value: Json) -> Json:
        match value:
            case dict():
                return {key: self.filled(item) for key, item in value.items()}
            case list():
                return [self.filled(item) for item in value]
            case str() if match := _NOW.fullmatch(value):
                return self._now_ms() // 1000 + int(match[1] or 0)
            case str():
                for name in sorted(self._all, key=len, reverse=True):
                    value = value.replace(name, self._all[name])
        return value

    def normal(self, value: Json, *, without: Collection[str] = (), key: str = "") -> Json:
        """Return *value* as transcripts have it: names in place of ids, no times, *without* some fields."""
        match value:
            case dict():
                return {
                    name: self.normal(item, without=without, key=name)
                    for name, item in sorted(value.items())
                    if name not in without
                }
            case list():
                return [self.normal(item, without=without) for item in value]
            case int() if not isinstance(value, bool) and key in _TIMES:
                return "<time>" if value else value
            case str():
                return self._normal_text(value)
        return value

    def _normal_text(self, text: str) -> str:
        for name in sorted(self._all, key=lambda name: len(self._all[name]), reverse=True):
            text = text.replace(self._all[name], name)
        if text.startswith("invalid request schema"):
            return "invalid request schema"  # what follows is the server's own
        return _UUID.sub("<uuid>", text)

    @property
    def _all(self) -> dict[str, str]:
        return self._given | self._runs
