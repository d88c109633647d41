"""One execution in memory, with what the engine must know of it beside its state."""

from __future__ import annotations

from perdure.engine.calls import OpenCall
from perdure.engine.outputs import Held
from perdure.engine.segments import CutPolicy
from perdure.interpreter.codec import EncodedEvent, decode_event
from perdure.interpreter.effects import Invoke
from perdure.interpreter.execution import Execution
from perdure.interpreter.rules import RULES_VERSION
from perdure.model.ids import CallId
from perdure.model.outcome import Outcome, RunInfo, RunStatus
from perdure.store.rows import RunKey, RunRow, StoredRun

_GENESIS = ("started", "resumed")


class HotRun:
    """A run that is in memory: its execution, its calls under way, and what of it is not durable yet."""

    __slots__ = (
        "backoff",
        "calls",
        "closed_ms",
        "current",
        "events",
        "execution",
        "followed_by",
        "genesis_bytes",
        "held",
        "key",
        "quarantine",
        "queued",
        "row",
        "rpcs",
        "segment_bytes",
        "segment_events",
        "status",
        "stored",
    )

    def __init__(self, row: RunRow, execution: Execution, *, stored: bool) -> None:
        self.key: RunKey = row.key
        self.row = row
        """Names and origins; what changes is kept in the fields below and in ``make_row``."""
        self.execution = execution
        self.stored = stored
        """The file knows this run: a failed commit does not make it unhappen."""
        self.status = row.status
        self.closed_ms = row.closed_ms
        self.events = row.events
        self.quarantine = row.quarantine
        self.current = False
        """It is known to be the newest run of its workflow."""
        self.held: Held | None = None
        """What waits for the last event of this run; ``None``: all of it is durable."""
        self.calls: dict[CallId, OpenCall] = {}
        self.backoff: dict[CallId, None] = {}
        """Calls that wait for their next attempt."""
        self.queued: dict[CallId, None] = {}
        """Calls that wait for a slot of their worker."""
        self.rpcs: dict[int, None] = {}
        """Locking RPCs under way."""
        self.followed_by: RunKey | None = None
        """The run that retries this one, if that is in memory."""
        self.segment_events = 0
        """How many came after the genesis of the journal's last segment."""
        self.segment_bytes = 0
        """What those take."""
        self.genesis_bytes = 0

    @property
    def outdated(self) -> bool:
        """It is to adopt the newest rules: an open run of an earlier release."""
        return self.execution.rules < RULES_VERSION and self.quarantine is None and self.status is RunStatus.RUNNING

    @property
    def busy(self) -> bool:
        """A boot must take this run up at once."""
        return len(self.calls) > len(self.backoff) or bool(self.rpcs) or bool(self.execution.asked_again)

    @property
    def working(self) -> bool:
        """This run may not leave memory."""
        waiting = len(self.backoff) + len(self.queued)
        return self.held is not None or len(self.calls) > waiting or bool(self.rpcs)

    @property
    def only_retries(self) -> bool:
        """Nothing moves this run by itself but calls that have failed and are tried again for ever."""
        return (
            bool(self.backoff)
            and len(self.calls) == len(self.backoff)
            and not self.rpcs
            and self.execution.next_deadline_ms() is None
            and all(self.calls[call_id].endless for call_id in self.backoff)
        )

    @property
    def deadline_ms(self) -> int | None:
        deadline = self.execution.next_deadline_ms()
        for call_id in self.backoff:
            next_ms = self.calls[call_id].next_ms
            if next_ms is not None and (deadline is None or next_ms < deadline):
                deadline = next_ms
        return deadline

    def make_row(self) -> RunRow:
        """Return the row as it is now, and keep it."""
        old = self.row
        well = self.quarantine is None
        self.row = RunRow(
            old.key,
            old.workflow_id,
            old.run_id,
            old.workflow_type,
            old.first_run_id,
            old.started_ms,
            old.request_id,
            self.status,
            self.closed_ms,
            self.events,
            self.deadline_ms if well else None,
            self.busy if well else False,
            self.quarantine,
        )
        return self.row

    def info(self) -> RunInfo:
        row = self.row
        return RunInfo(
            row.workflow_id,
            row.run_id,
            row.workflow_type,
            self.status,
            row.started_ms,
            self.closed_ms,
            self.outcome,
        )

    @property
    def outcome(self) -> Outcome | None:
        if self.status is RunStatus.RUNNING:
            return None
        # A quarantined run can't be folded, and still be terminated.
        return self.execution.outcome or Outcome(self.status)

    def journaled(self, encoded: EncodedEvent) -> None:
        """Count an event that was just added to the journal."""
        self.events += 1
        self.folded(encoded)

    def folded(self, encoded: EncodedEvent) -> None:
        """Count an event of the last segment."""
        size = size_of(encoded)
        if encoded.kind in _GENESIS:
            self.segment_events = self.segment_bytes = 0
            self.genesis_bytes = size
        else:
            self.segment_events += 1
            self.segment_bytes += size

    def wants_cut(self, policy: CutPolicy) -> bool:
        """Whether folding the last segment has become too long."""
        if not policy.cuts(self.segment_events, self.segment_bytes, genesis_size=self.genesis_bytes):
            return False
        return self.quarantine is None and self.status is RunStatus.RUNNING


def size_of(encoded: EncodedEvent) -> int:
    size = len(encoded.body)
    for value in encoded.values:
        size += len(value.data or "")
    return size


def fold(stored: StoredRun) -> tuple[HotRun, dict[CallId, int]]:
    """Make an execution of what is stored of it.

    Returns:
        The run, and when each call that the folded events began was begun.

    Raises:
        Exception: whatever the fold finds; the run cannot be gone on with.
    """
    execution = Execution()
    began: dict[CallId, int] = {}
    run = HotRun(stored.row, execution, stored=True)
    for row in stored.events:
        for effect in execution.handle(decode_event(row.event), row.at_ms):
            if isinstance(effect, Invoke):
                began[effect.call_id] = row.at_ms
        run.folded(row.event)
    return run, began
