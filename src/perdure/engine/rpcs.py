"""RPCs under way: read a view, run the author's method, write what it answers.

Without locks that is a read and a write with time between them; with locks it is one step, from
``RpcOpened`` to ``RpcClosed``. The method runs at most once, so there is nothing to keep of it
over a crash but the locks, and those a load gives back. Only what a reset asks again is asked until
it has ended, after a crash once more: nobody else would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from perdure.engine.dispatcher import Dispatcher, Lane
from perdure.engine.hot import HotRun
from perdure.engine.inputs import CallRpc, Reply, Reported, Unheard
from perdure.engine.ledger import Happen, Ledger, quarantined
from perdure.engine.limits import excess_of_answer
from perdure.engine.outputs import BeginAttempt, Output, Refused
from perdure.engine.parking import HotRuns
from perdure.interpreter.events import Event, RpcClosed, RpcOpened, RpcWrote
from perdure.interpreter.refusal import Refusal, RefusalKind
from perdure.model.attributes import SearchAttribute
from perdure.model.calls import Failure, RpcAnswer, RpcRequest
from perdure.model.conditions import ChannelKind
from perdure.model.errors import (
    InternalError,
    InvalidRequest,
    LockConflict,
    PerdureError,
    RpcFailed,
    TimerNotFound,
    UnavailableError,
    WorkflowClosed,
)
from perdure.model.limits import FEWER_RPCS, RPCS_WAITING_MAX
from perdure.model.requests import RpcCall
from perdure.store.rows import RunKey

RPC_TIMEOUT_MS = 60_000
"""iWF 1.20: the cap of an RPC without a timeout of its own."""


@dataclass(slots=True, eq=False)
class OpenRpc:
    """One RPC under way."""

    reply: Reply
    run: RunKey
    request: RpcRequest
    timeout_ms: int
    number: int | None
    """Of the ``RpcOpened``, if it locks."""
    lane: Lane
    begun: bool = False
    """Its opening, if it has one, is durable."""


def error_of(refusal: Refusal, run: HotRun) -> PerdureError:
    """Return what a caller is told whose request was refused."""
    names = {"workflow_id": run.row.workflow_id, "run_id": run.row.run_id}
    match refusal.kind:
        case RefusalKind.CLOSED:
            return WorkflowClosed(refusal.message, **names)
        case RefusalKind.LOCKED:
            return LockConflict(refusal.message, **names)
        case RefusalKind.NO_TIMER:
            return TimerNotFound(refusal.message, **names)
        case RefusalKind.INVALID:
            return InvalidRequest(refusal.message, **names)
        case RefusalKind.STALE:
            return InternalError(f"a request was taken for an answer: {refusal.message}")


class Rpcs:
    """Every RPC under way, from its request to its reply."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        runs: HotRuns,
        dispatcher: Dispatcher[OpenRpc],
        happen: Happen,
        check: Callable[[Iterable[SearchAttribute]], str | None],
        begin: BeginAttempt,
    ) -> None:
        self._ledger = ledger
        self._runs = runs
        self._dispatcher = dispatcher
        self._happen = happen
        self._check = check
        self._begin_attempt = begin
        self._made: dict[int, OpenRpc] = {}
        self._locking: dict[tuple[RunKey, int], OpenRpc] = {}

    def call(self, run: HotRun, wanted: CallRpc, *, now_ms: int) -> None:
        """Begin an RPC, or refuse it."""
        call = wanted.call
        if self._dispatcher.queue_length(_lane(run)) >= RPCS_WAITING_MAX:
            raise UnavailableError(
                f"{RPCS_WAITING_MAX:,} RPCs wait for the worker of {run.row.workflow_type} already. {FEWER_RPCS}"
            )
        number: int | None = None
        if call.locking:
            number = run.execution.next_rpc_number
            if not self._let_happen(run, _opening(number, call), wanted.reply, now_ms=now_ms):
                return
        self._take_up(run, call, wanted.reply, number)

    def ask_again(self, run: HotRun, *, now_ms: int) -> None:
        """Begin the next RPC that a reset asks again, if that can be now.

        Asked after everything that happens to such a run: it may have freed what that RPC locks.
        """
        call, number = run.execution.asked_again[0], run.execution.next_rpc_number
        opened = _opening(number, call, again=True)
        if run.execution.refuse(opened) is not None:
            return
        if self._happen(run, opened, now_ms=now_ms, actor="client", reason="reset"):
            self._take_up(run, call, Unheard(), number)

    def _take_up(self, run: HotRun, call: RpcCall, reply: Reply, number: int | None) -> None:
        """Call the worker as soon as what it is shown is durable."""
        rpc = OpenRpc(
            reply,
            run.key,
            _request(run, call),
            RPC_TIMEOUT_MS if call.timeout_ms is None else call.timeout_ms,
            number,
            _lane(run),
        )
        if number is not None:
            run.rpcs[number] = None
            self._locking[run.key, number] = rpc
        self._ledger.after(run, lambda: self._begin(rpc), reply=rpc.reply)

    def _let_happen(self, run: HotRun, event: Event, reply: Reply, *, now_ms: int) -> bool:
        """Let *event* happen, or tell the caller why it cannot."""
        refusal = run.execution.refuse(event)
        if refusal is not None:
            self._ledger.refuse(run, reply, error_of(refusal, run))
            return False
        if not self._happen(run, event, now_ms=now_ms, actor="client"):
            self._ledger.refuse(run, reply, quarantined(run.row.run_id, run.row.workflow_id, run.quarantine or ""))
            return False
        return True

    def _begin(self, rpc: OpenRpc) -> None:
        """Call the worker. What the request shows, and the lock it runs under, is durable."""
        if rpc.number is not None and (rpc.run, rpc.number) not in self._locking:
            return  # The run ended first, and the caller knows.
        rpc.begun = True
        if self._dispatcher.admit(rpc.lane, rpc):
            self._make(rpc)

    def _make(self, rpc: OpenRpc) -> None:
        self._made[self._begin_attempt(rpc.request, rpc.timeout_ms)] = rpc

    def _release(self, lane: Lane) -> None:
        while (waiting := self._dispatcher.release(lane)) is not None:
            if waiting.number is None or (waiting.run, waiting.number) in self._locking:
                self._make(waiting)
                return

    def run_of(self, token: int) -> RunKey | None:
        """Return the run this report is for; ``None`` if nobody waits for it."""
        rpc = self._made.get(token)
        return rpc.run if rpc else None

    def owns(self, token: int) -> bool:
        return token in self._made

    def reported(self, report: Reported, *, now_ms: int) -> None:
        """Take what the author's method answered, and reply once what it writes is durable."""
        rpc = self._made.pop(report.token)
        self._release(rpc.lane)
        if rpc.number is not None and self._locking.pop((rpc.run, rpc.number), None) is None:
            return  # The run ended meanwhile, and the caller knows.
        answer, error = self._understood(report)
        run = self._runs.get(rpc.run)
        if run is not None and answer is not None and (problem := excess_of_answer(run.execution, answer)):
            answer, error = None, RpcFailed(problem, error_type="LimitExceeded")
        if run is not None and run.quarantine is not None:
            self._ledger.refuse(run, rpc.reply, quarantined(run.row.run_id, run.row.workflow_id, run.quarantine))
        elif rpc.number is not None:
            self._close(run, rpc, answer, error, now_ms=now_ms)
        elif error is not None:
            self._ledger.refuse(None, rpc.reply, error)
        else:
            assert answer is not None
            self._write(run, rpc, answer, now_ms=now_ms)

    def _understood(self, report: Reported) -> tuple[RpcAnswer | None, RpcFailed | None]:
        result = report.result
        if isinstance(result, Failure):
            return None, RpcFailed(
                result.message, status=result.status, error_type=result.error_type, detail=result.detail
            )
        if not isinstance(result, RpcAnswer):
            return None, RpcFailed(f"an RPC was answered with a {type(result).__name__}, expected an RpcAnswer")
        if result.writes.search and (problem := self._check(result.writes.search)):
            return None, RpcFailed(problem)
        return result, None

    def _write(self, run: HotRun | None, rpc: OpenRpc, answer: RpcAnswer, *, now_ms: int) -> None:
        if answer.read_only:
            self._ledger.answer(None, rpc.reply, answer.output)
            return
        if run is None:
            self._ledger.refuse(None, rpc.reply, WorkflowClosed("the run is no longer kept"))
        elif self._let_happen(run, RpcWrote(answer), rpc.reply, now_ms=now_ms):
            self._ledger.answer(run, rpc.reply, answer.output)

    def _close(
        self, run: HotRun | None, rpc: OpenRpc, answer: RpcAnswer | None, error: RpcFailed | None, *, now_ms: int
    ) -> None:
        assert rpc.number is not None
        if run is None:
            self._ledger.refuse(None, rpc.reply, UnavailableError("the run cannot be read; nothing was written"))
            return
        run.rpcs.pop(rpc.number, None)
        if not self._let_happen(run, RpcClosed(rpc.number, answer), rpc.reply, now_ms=now_ms):
            return
        if error is not None:
            self._ledger.refuse(run, rpc.reply, error)
        elif answer is not None:
            self._ledger.answer(run, rpc.reply, answer.output)

    # What else may happen to a run with RPCs under way

    def run_closed(self, run: HotRun) -> None:
        """Tell the callers of locking RPCs that the run has ended under them: nothing is written."""
        for number in run.rpcs:
            rpc = self._locking.pop((run.key, number), None)
            if rpc is not None:
                error = WorkflowClosed(
                    "workflow update was aborted by closing workflow", workflow_id=run.row.workflow_id
                )
                self._ledger.refuse(run, rpc.reply, error)
        run.rpcs.clear()

    def adopt(self, run: HotRun, *, now_ms: int) -> None:
        """Give back the locks of RPCs that nobody is going to close any more, and ask again what is left to ask."""
        for number in run.execution.open_rpcs:
            if (run.key, number) in self._locking:
                run.rpcs[number] = None
            elif not self._happen(run, RpcClosed(number, None, abandoned=True), now_ms=now_ms, actor="engine"):
                return
        if run.execution.asked_again:
            self.ask_again(run, now_ms=now_ms)

    def refuse_all(self, error: Exception) -> list[Output]:
        """Tell every caller whose RPC has begun that its end will not be heard of."""
        begun = {id(rpc): rpc for rpc in (*self._made.values(), *self._dispatcher.waiting()) if rpc.begun}
        self._made.clear()
        self._locking.clear()
        return [Refused(rpc.reply, error) for rpc in begun.values()]

    def undo(self, run: HotRun) -> None:
        """Forget RPCs whose opening could not be written; their callers are told by the batch."""
        for number in run.rpcs:
            rpc = self._locking.get((run.key, number))
            if rpc is not None and not rpc.begun:
                del self._locking[run.key, number]


def _lane(run: HotRun) -> Lane:
    return Lane(f"{run.row.workflow_type} {run.execution.run.worker_url}")


def _opening(number: int, call: RpcCall, *, again: bool = False) -> RpcOpened:
    return RpcOpened(number, call.data_loading.locks or (), call.search_loading.locks or (), call, again)


def _request(run: HotRun, call: RpcCall) -> RpcRequest:
    execution = run.execution
    return RpcRequest(
        run=execution.run,
        name=call.name,
        input=call.input,
        attributes=execution.load(call.data_loading, call.search_loading),
        signal_sizes=execution.channel_sizes(ChannelKind.SIGNAL),
        internal_sizes=execution.channel_sizes(ChannelKind.INTERNAL),
    )
