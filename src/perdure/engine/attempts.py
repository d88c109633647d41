"""Attempts of state calls: when they begin, what their answers become, and when they are tried again.

First attempts leave no trace but the event that asked for them. A row is written once an attempt
has failed; and before an attempt begins that a crash may not repeat, or that repeats one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from perdure.engine.calls import ANSWER_OF, CRASHES_ALONE, CallRef, Made, OpenCall, Stage
from perdure.engine.dispatcher import Dispatcher, Lane
from perdure.engine.hot import HotRun
from perdure.engine.inputs import Reported
from perdure.engine.ledger import Happen, Ledger
from perdure.engine.limits import excess_of_answer
from perdure.engine.outputs import BeginAttempt
from perdure.engine.parking import HotRuns
from perdure.interpreter.effects import Invoke
from perdure.interpreter.events import CallExhausted, CallRejected, CallSucceeded
from perdure.model.attributes import SearchAttribute
from perdure.model.calls import Answer, ExecuteAnswer, Failure, WaitUntilAnswer
from perdure.model.ids import CallId
from perdure.model.log_fields import fields_of_call
from perdure.store.rows import CallRow, RunKey
from perdure.wire.worker_words import words_of

logger = logging.getLogger(__name__)

ALONE = Lane("calls that were being made at crash after crash")


class Attempts:
    """Every state call under way, from the effect that asks for it to the event that ends it."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        runs: HotRuns,
        dispatcher: Dispatcher[CallRef],
        happen: Happen,
        check: Callable[[Iterable[SearchAttribute]], str | None],
        now_ms: Callable[[], int],
        begin: BeginAttempt,
        wake: Callable[[RunKey], None],
    ) -> None:
        self._ledger = ledger
        self._runs = runs
        self._dispatcher = dispatcher
        self._happen = happen
        self._check = check
        self._now_ms = now_ms
        self._begin_attempt = begin
        self._wake = wake
        self._made: dict[int, Made] = {}
        self._token_of: dict[CallRef, int] = {}
        self._queued: dict[CallRef, Lane] = {}
        self._granted: dict[RunKey, dict[CallId, Lane]] = {}
        """Slots held for calls whose runs are being loaded."""
        self._holding = False
        """Nothing begins any more."""

    @property
    def queued(self) -> int:
        """How many calls wait for a slot of their worker."""
        return len(self._queued)

    # Beginning

    def open(self, run: HotRun, invoke: Invoke, *, now_ms: int) -> None:
        """Take a call up; its first attempt begins once its cause is durable."""
        call = OpenCall(run.key, invoke, first_ms=now_ms)
        run.calls[invoke.call_id] = call
        if call.on_its_last_attempt and not self._holding:
            self._ledger.keep_call(run, call)
        self._begin_later(run, call)

    def _begin_later(self, run: HotRun, call: OpenCall) -> None:
        self._ledger.after(run, lambda: self._begin(call))

    def _begin(self, call: OpenCall) -> None:
        """Make an attempt, or queue for it. What caused it is durable by now."""
        run = self._runs.get(call.key)
        if run is None or run.calls.get(call.invoke.call_id) is not call or call.stage is not Stage.HELD:
            return  # Abandoned, or answered by an earlier life of this run.
        if self._holding:
            self._leave(run, call)
            return
        ref = (call.key, call.invoke.call_id)
        lane, most = self._lane(call)
        if self._dispatcher.admit(lane, ref, most=most):
            self._make(run, call, lane)
        else:
            call.stage = Stage.QUEUED
            run.queued[call.invoke.call_id] = None
            self._queued[ref] = lane

    def _lane(self, call: OpenCall) -> tuple[Lane, int | None]:
        if call.crashes >= CRASHES_ALONE:
            return ALONE, 1
        run = call.invoke.run
        return Lane(f"{run.workflow_type} {run.worker_url}"), None

    def _make(self, run: HotRun, call: OpenCall, lane: Lane) -> None:
        now_ms = self._now_ms()
        if call.beyond_limit(now_ms):
            self._release(lane)
            self._exhaust(run, call, call.out_of_time(), now_ms=now_ms)
            return
        token = self._begin_attempt(call.request(), call.timeout_ms(now_ms))
        call.stage, call.token = Stage.MADE, token
        self._made[token] = Made(call.key, call.invoke.call_id, lane)
        self._token_of[call.key, call.invoke.call_id] = token

    def _release(self, lane: Lane) -> None:
        """Give a slot back, and with it begin the next call that waits for one."""
        if self._holding:
            return
        while (ref := self._dispatcher.release(lane)) is not None:
            if self._queued.pop(ref, None) is None:
                continue  # Abandoned while it waited: the slot goes to the next one.
            run = self._runs.get(ref[0])
            if run is None:
                self._granted.setdefault(ref[0], {})[ref[1]] = lane
                self._wake(ref[0])
            elif not self._begin_queued(run, ref[1], lane):
                continue
            return

    def _begin_queued(self, run: HotRun, call_id: CallId, lane: Lane) -> bool:
        call = run.calls.get(call_id)
        if call is None or call.stage is not Stage.QUEUED:
            return False
        del run.queued[call_id]
        self._make(run, call, lane)  # What caused it is durable since it was queued.
        return True

    def hold(self) -> list[RunKey]:
        """Begin nothing more, for the engine is about to end: what is not made is left to the next start.

        Returns:
            Runs to be loaded for that, which have calls in the queue and left memory.
        """
        self._holding = True
        parked: dict[RunKey, None] = {}
        for key, call_id in list(self._queued):
            run = self._runs.get(key)
            if run is None:
                parked[key] = None
            else:
                self._leave(run, run.calls[call_id])
        return list(parked)

    def _leave(self, run: HotRun, call: OpenCall) -> None:
        """Write down that a last attempt has not begun: the next start would take it for one that was cut off."""
        if not (call.kept and call.on_its_last_attempt):
            return
        call_id = call.invoke.call_id
        if run.queued.pop(call_id, 0) is None:
            del self._queued[run.key, call_id]
        call.wait_again(self._now_ms())
        run.backoff[call_id] = None
        self._ledger.keep_call(run, call)

    # Ending

    def run_of(self, token: int) -> RunKey | None:
        """Return the run that waits for this report; ``None`` if nobody does."""
        made = self._made.get(token)
        return made.run if made else None

    def owns(self, token: int) -> bool:
        return token in self._made

    def reported(self, report: Reported, *, now_ms: int) -> None:
        """Take the end of an attempt. Its run is in memory, if it still is anywhere."""
        made = self._made.pop(report.token)
        self._token_of.pop((made.run, made.call_id), None)
        if made.lane is not None:
            self._release(made.lane)
        run = self._runs.get(made.run)
        call = run.calls.get(made.call_id) if run else None
        if run is None or call is None or call.token != report.token:
            return  # The call was abandoned; late answers are no error.
        result = report.result
        if not isinstance(result, Failure):
            expected = ANSWER_OF[call.invoke.call.method]
            if not isinstance(result, expected):
                found = type(result).__name__
                result = Failure(
                    f"{call.invoke.call.method} was answered with a {found}, expected a {expected.__name__}"
                )
            elif (problem := excess_of_answer(run.execution, result)) is not None:
                result = Failure(problem, error_type="LimitExceeded")
        if isinstance(result, Failure):
            self._failed(run, call, result, now_ms=now_ms)
        else:
            self._succeeded(run, call, result, now_ms=now_ms)
        self._ledger.open.reports.append((report, made))

    def _succeeded(self, run: HotRun, call: OpenCall, answer: Answer, *, now_ms: int) -> None:
        assert isinstance(answer, WaitUntilAnswer | ExecuteAnswer)
        call_id = call.invoke.call_id
        self._end(run, call)
        problem = self._check(answer.writes.search) if answer.writes.search else None
        event = CallRejected(call_id, problem) if problem else CallSucceeded(call_id, answer)
        self._happen(run, event, now_ms=now_ms, actor="worker")

    def _failed(self, run: HotRun, call: OpenCall, failure: Failure, *, now_ms: int) -> None:
        final = call.failed(failure, now_ms)
        _log(call, failure, gives_up=final is not None)
        if final is not None:
            self._exhaust(run, call, final, now_ms=now_ms)
            return
        run.backoff[call.invoke.call_id] = None
        self._ledger.keep_call(run, call)

    def _exhaust(self, run: HotRun, call: OpenCall, failure: Failure, *, now_ms: int) -> None:
        self._end(run, call)
        self._happen(run, CallExhausted(call.invoke.call_id, failure), now_ms=now_ms, actor="worker")

    def abandon(self, run: HotRun, call_id: CallId) -> None:
        """Make no further attempt, and drop what comes."""
        call = run.calls.get(call_id)
        if call is not None:
            self._end(run, call)

    def _end(self, run: HotRun, call: OpenCall) -> None:
        call_id = call.invoke.call_id
        del run.calls[call_id]
        run.backoff.pop(call_id, None)
        if run.queued.pop(call_id, 0) is None:
            del self._queued[run.key, call_id]
        call.token = 0
        self._ledger.end_call(call)

    # Trying again

    def due(self, run: HotRun, *, now_ms: int) -> None:
        """Begin the attempts whose backoff is over."""
        for call_id in list(run.backoff):
            call = run.calls[call_id]
            if call.next_ms is None or call.next_ms > now_ms:
                continue
            del run.backoff[call_id]
            if call.beyond_limit(now_ms):
                self._exhaust(run, call, call.out_of_time(), now_ms=now_ms)
            else:
                call.next_attempt()
                self._ledger.keep_call(run, call)
                self._begin_later(run, call)

    # Taking up again

    def adopt(
        self, run: HotRun, began: dict[CallId, int], rows: Iterable[CallRow], *, after_boot: bool, now_ms: int
    ) -> None:
        """Go on with the calls of a run that was just loaded, each from where it was.

        Args:
            began: when the calls began, as far as the folded events say.
            rows: what is stored of their attempts.
            after_boot: a call that was being made was cut off by a crash.
        """
        kept = {row.call_id: row for row in rows}
        for invoke in run.execution.outstanding():
            call_id = invoke.call_id
            first_ms = began.get(call_id, run.row.started_ms)
            call = OpenCall(run.key, invoke, first_ms=first_ms, row=kept.get(call_id))
            run.calls[call_id] = call
            self._take_up(run, call, after_boot=after_boot, now_ms=now_ms)

    def _take_up(self, run: HotRun, call: OpenCall, *, after_boot: bool, now_ms: int) -> None:
        call_id = call.invoke.call_id
        ref = (run.key, call_id)
        if call.stage is Stage.BACKOFF:
            run.backoff[call_id] = None
        elif (token := self._token_of.get(ref)) is not None:
            call.stage, call.token = Stage.MADE, token
        elif ref in self._queued:
            call.stage = Stage.QUEUED
            run.queued[call_id] = None
            if self._holding:
                self._leave(run, call)
        elif (lane := self._granted.get(run.key, {}).pop(call_id, None)) is not None:
            self._make(run, call, lane)
        elif call.kept and call.on_its_last_attempt:
            self._exhaust(run, call, call.crashed(), now_ms=now_ms)
        else:
            if after_boot:
                # Committed before the call is made, so that a call that kills us is known for it.
                call.crashes += 1
                self._ledger.keep_call(run, call)
            self._begin_later(run, call)

    def give_back(self, key: RunKey) -> None:
        """Give back slots that were held for a run which turned out not to need them."""
        for lane in self._granted.pop(key, {}).values():
            self._release(lane)

    def report_again(self, report: Reported, made: Made) -> None:
        """Take back an end of an attempt whose commit failed: it is going to be reported once more."""
        self._made[report.token] = replace(made, lane=None)
        self._token_of[made.run, made.call_id] = report.token


def _log(call: OpenCall, failure: Failure, *, gives_up: bool) -> None:
    """Tell of a failed attempt: without it an author's mistake, tried again for ever, is seen nowhere."""
    if not logger.isEnabledFor(logging.WARNING):
        return
    run, asked, words = call.invoke.run, call.invoke.call, words_of(failure)
    record = logger.makeRecord(
        logger.name,
        logging.WARNING,
        __file__,
        _log.__code__.co_firstlineno,
        "%s.%s of %s, workflow %r, failed and %s: %s",
        (
            run.workflow_type,
            asked.method.value,
            asked.state_execution_id,
            run.workflow_id,
            "is not tried again" if gives_up else "will be tried again",
            words,
        ),
        None,
        extra={**fields_of_call(call.request()), "error_type": failure.error_type, "gives_up": gives_up},
    )
    # The stack is text from elsewhere: only a record that is made by hand can have one without an exception.
    record.exc_text = failure.detail if "\n" in failure.detail else None
    logger.handle(record)
