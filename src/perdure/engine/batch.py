"""A batch while it is being filled: what one transaction will write, and what waits for it."""

from __future__ import annotations

from perdure.engine.calls import CallRef, Made, OpenCall
from perdure.engine.hot import HotRun
from perdure.engine.inputs import Reported
from perdure.engine.outputs import Held
from perdure.model.attributes import SearchAttribute
from perdure.model.ids import WorkflowId
from perdure.store.rows import Batch, CallRow, CompletionRow, EventRow, RunKey, TrimRow


class PendingBatch:
    """What happened since the last batch was taken. Nothing in it leaves before it is durable."""

    __slots__ = (
        "calls",
        "closed",
        "completions",
        "emptied",
        "emptied_workflows",
        "ended",
        "events",
        "held",
        "index",
        "quarantined",
        "removed",
        "reports",
        "rewritten",
        "runs",
        "started",
        "trimmed",
    )

    def __init__(self) -> None:
        self.runs: dict[RunKey, HotRun] = {}
        """Runs with something to write; each has this batch's ``held`` as its own."""
        self.events: list[EventRow] = []
        self.calls: dict[CallRef, CallRow] = {}
        self.ended: dict[CallRef, None] = {}
        self.completions: list[CompletionRow] = []
        self.index: dict[RunKey, dict[str, SearchAttribute]] = {}
        self.trimmed: list[TrimRow] = []
        self.removed: list[RunKey] = []
        self.emptied: list[RunKey] = []
        """Runs whose values are erased; ``rewritten`` has what is left of their events."""
        self.emptied_workflows: list[WorkflowId] = []
        self.rewritten: list[EventRow] = []
        self.held = Held()
        self.reports: list[tuple[Reported, Made]] = []
        """Answers of workers in this batch: kept, so that a failed commit repeats no call."""
        self.started: list[HotRun] = []
        self.closed: list[HotRun] = []
        self.quarantined = 0

    @property
    def empty(self) -> bool:
        return not (self.runs or self.removed)

    def keep_call(self, call: OpenCall) -> None:
        """Write down the attempts of a call under way."""
        place = (call.key, call.invoke.call_id)
        self.calls[place] = call.row()
        self.ended.pop(place, None)

    def end_call(self, call: OpenCall) -> None:
        """Forget the attempts of a call that has ended."""
        place = (call.key, call.invoke.call_id)
        self.calls.pop(place, None)
        self.ended[place] = None

    def seal(self) -> Batch:
        """Return what the store writes. The batch takes nothing more after this."""
        return Batch(
            runs=tuple([run.make_row() for run in self.runs.values()]),
            events=tuple(self.events),
            calls=tuple(self.calls.values()),
            ended_calls=tuple(self.ended),
            completions=tuple(self.completions),
            index={key: tuple(attributes.values()) for key, attributes in self.index.items()},
            trimmed=tuple(self.trimmed),
            removed=tuple(self.removed),
            emptied=tuple(self.emptied),
            emptied_workflows=tuple(self.emptied_workflows),
            rewritten=tuple(self.rewritten),
        )
