"""The one place where something happens to a run: handled, journaled, and its consequences held back.

Rule 1: an event is handled and journaled together, or neither.
Rule 2: what was built from a run is held until the last event of that run is durable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from perdure.engine.batch import PendingBatch
from perdure.engine.calls import OpenCall
from perdure.engine.hot import HotRun
from perdure.engine.inputs import Input, Reply
from perdure.engine.outputs import Answered, Held, Output, Refused
from perdure.engine.segments import CUT_POLICY, CutPolicy
from perdure.interpreter.codec import encode_event
from perdure.interpreter.effects import Effect
from perdure.interpreter.events import Event, ResumeCause
from perdure.model.attributes import SearchAttribute
from perdure.model.errors import InternalError
from perdure.model.log_fields import fields_of_run
from perdure.store.rows import EventRow, TrimRow

logger = logging.getLogger(__name__)


class Happen(Protocol):
    """Let an event happen to a run and see to its effects; ``False``: the run is quarantined now."""

    def __call__(self, run: HotRun, event: Event, *, now_ms: int, actor: str, reason: str = "") -> bool: ...


class Ledger:
    """The batch that is being filled, and what may be said already."""

    def __init__(self, *, policy: CutPolicy = CUT_POLICY, history_retention_ms: int | None = None) -> None:
        self._policy = policy
        self._history_retention_ms = history_retention_ms
        self.open = PendingBatch()
        self.asked: tuple[Reply, Input] | None = None
        """What a caller asks and is being handled."""
        self._said: list[Output] = []

    def take_batch(self) -> PendingBatch:
        """Begin a new batch and return the one filled so far."""
        full, self.open = self.open, PendingBatch()
        return full

    def take_outputs(self) -> list[Output]:
        said, self._said = self._said, []
        return said

    # What happens

    def journal(self, run: HotRun, event: Event, *, now_ms: int, actor: str, reason: str = "") -> list[Effect] | None:
        """Apply *event* to *run* and put it into the open batch; return what is to be done next.

        Returns:
            ``None`` if the rules could not apply it: nothing was journaled, the run is quarantined.
        """
        try:
            encoded = encode_event(event)
            effects = run.execution.handle(event, now_ms)
        except Exception as error:  # one run's trouble must not become everybody's
            self.quarantine(run, f"{type(error).__name__}: {error}, at event {run.events + 1} ({type(event).__name__})")
            logger.exception(
                "run %s of workflow %r is quarantined",
                run.row.run_id,
                run.row.workflow_id,
                extra={**fields_of_run(run.row), "error_type": type(error).__name__},
            )
            return None
        run.journaled(encoded)
        self.open.events.append(EventRow(run.key, run.events, now_ms, encoded, actor, reason))
        self.touch(run)
        return effects

    def cut(self, *, now_ms: int) -> None:
        """Begin another segment of every journal in the open batch that has become long. Between two rounds."""
        for run in [run for run in self.open.runs.values() if run.wants_cut(self._policy)]:
            self.begin_segment(run, ResumeCause.CUT, now_ms=now_ms)

    def begin_segment(self, run: HotRun, cause: ResumeCause, *, now_ms: int) -> None:
        """Journal all that *run* remembers, so that a load begins with that. Nothing else happens to the run.

        What comes before the segment that ends here may be forgotten once it is old enough.
        """
        ending = run.events - run.segment_events
        if self._history_retention_ms is not None and ending > 1:
            self.open.trimmed.append(TrimRow(run.key, ending, now_ms - self._history_retention_ms))
        self.journal(run, run.execution.next_segment(cause), now_ms=now_ms, actor="engine")
        for call in run.calls.values():
            # A genesis does not say when a call began; without a row that would be lost.
            if not call.kept:
                self.keep_call(run, call)

    def quarantine(self, run: HotRun, why: str) -> None:
        """Touch this run no more: its journal stays as it is, and it shows why."""
        run.quarantine = why
        self.open.quarantined += 1
        for call in run.calls.values():
            call.token = 0
        run.calls.clear()
        run.backoff.clear()
        run.queued.clear()
        run.rpcs.clear()
        self.touch(run)

    def touch(self, run: HotRun) -> None:
        """Have the run's row written, and hold what is built from the run until it is."""
        self.open.runs[run.key] = run
        run.held = self.open.held

    def keep_call(self, run: HotRun, call: OpenCall) -> None:
        call.kept = True
        self.open.keep_call(call)
        self.touch(run)

    def end_call(self, call: OpenCall) -> None:
        """Forget a call's row. The event that ended the call touches the run."""
        if call.kept:
            self.open.end_call(call)

    def index(self, run: HotRun, attributes: Sequence[SearchAttribute]) -> None:
        indexed = self.open.index.setdefault(run.key, {})
        for attribute in attributes:
            indexed[attribute.key] = attribute

    # What is said

    def say(self, output: Output) -> None:
        """Say it now: its cause is durable."""
        self._said.append(output)

    def say_all(self, outputs: Sequence[Output]) -> None:
        self._said.extend(outputs)

    def answer(self, run: HotRun | None, reply: Reply, value: object) -> None:
        """Answer with what was read from *run*, once that is durable."""
        self._hold(run, Answered(reply, value))

    def refuse(self, run: HotRun | None, reply: Reply, error: Exception) -> None:
        """Refuse because of what *run* is, once that is durable."""
        self._hold(run, Refused(reply, error))

    def after(self, run: HotRun | None, do: Callable[[], None], *, reply: Reply | None = None) -> None:
        """Do something once all of *run* is durable; *reply* hears of it if it never will be."""
        if run is None or run.held is None:
            do()
        else:
            run.held.afterwards.append((reply, do))
            self._remember(run.held, reply)

    def _hold(self, run: HotRun | None, output: Answered | Refused) -> None:
        if run is None or run.held is None:
            self._said.append(output)
        else:
            run.held.outputs.append(output)
            self._remember(run.held, output.reply)

    def _remember(self, held: Held, reply: Reply | None) -> None:
        if self.asked is not None and self.asked[0] is reply:
            held.asked.append(self.asked)


def quarantined(run_id: str, workflow_id: str, why: str) -> InternalError:
    """Return what a caller is told who wants something of a quarantined run."""
    return InternalError(
        f"run {run_id} of workflow {workflow_id!r} is quarantined, nothing happens to it any more: {why}"
    )
