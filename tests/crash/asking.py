"""What simulated clients ask, and how each of it is found again in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from perdure.engine.inputs import (
    CallRpc,
    Change,
    Input,
    ReadData,
    ReadSearch,
    Reply,
    Reset,
    Start,
    WaitForResult,
    WaitForState,
)
from perdure.interpreter.codec import decode_event
from perdure.interpreter.events import (
    AttributesSet,
    Event,
    MessagesPublished,
    Resumed,
    RpcClosed,
    RpcWrote,
    SignalReceived,
    Started,
    Stopped,
    TimerSkipped,
)
from perdure.model.attributes import LOAD_ALL, DataAttribute, LoadingPolicy
from perdure.model.errors import LockConflict, WorkflowNotFound
from perdure.model.ids import RunId, StateExecutionId, WorkflowId
from perdure.model.outcome import StopKind
from perdure.model.requests import ResetKind, ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import Message
from perdure.store.rows import EventRow, RunRow
from perdure.store.store import Store
from tests.engine.script import ADA, text

Evidence = Callable[[RunRow, EventRow, Event], bool]
"""Whether an event in a journal is what was asked for."""


@dataclass(frozen=True)
class Ask:
    """One request. Whoever is not answered looks for it in the file before asking again."""

    name: str
    make: Callable[[Reply], Input]
    workflow_id: WorkflowId = ADA
    evidence: Evidence | None = None
    """``None``: it only reads, and is asked again without looking."""
    fine: tuple[type[Exception], ...] = ()
    """Errors that are as good an answer as any: it did not happen."""
    later: tuple[type[Exception], ...] = (WorkflowNotFound,)
    """Errors after which it is asked again a moment later."""

    def times_happened(self, store: Store) -> int:
        assert self.evidence is not None
        return sum(self.evidence(*line) for line in journal_of(store, self.workflow_id))


@dataclass(frozen=True)
class Sleep:
    """The client does something else for a while."""

    duration_ms: int


Step = Ask | Sleep


def journal_of(store: Store, workflow_id: WorkflowId) -> list[tuple[RunRow, EventRow, Event]]:
    """Return what happened to all runs of a workflow, but for what a reset handed over again."""
    return [
        (run, row, decode_event(row.event))
        for run in store.runs_of(workflow_id)
        for row in store.journal(run.key)
        if row.reason != "reset"
    ]


def start(request: StartRequest, token: str = "start") -> Ask:
    """Start a workflow; the token, as its request id, makes it the same start when it is asked again."""
    named = replace(request, options=replace(request.options, request_id=token))

    def begun(run: RunRow, row: EventRow, event: Event) -> bool:
        # A schedule's later runs begin with the same request.
        first = isinstance(event, Started) and event.attempt == 1 and row.actor == "client"
        return first and run.request_id == token

    return Ask(f"start {token}", lambda reply: Start(reply, named), request.workflow_id, begun)


def signal(channel: str, words: str, *, workflow_id: WorkflowId = ADA, fine: tuple[type[Exception], ...] = ()) -> Ask:
    wanted = SignalReceived(channel, text(words))
    return _change(f"signal {words[:20]}", wanted, workflow_id, lambda run, row, event: event == wanted, fine)


def publish(channel: str, words: str, *, fine: tuple[type[Exception], ...] = ()) -> Ask:
    wanted = MessagesPublished((Message(channel, text(words)),))
    return _change(f"publish {words}", wanted, ADA, lambda run, row, event: event == wanted, fine)


def write(key: str, words: str) -> Ask:
    wanted = AttributesSet(data=(DataAttribute(key, text(words)),))
    return _change(f"write {key}={words}", wanted, ADA, lambda run, row, event: event == wanted, ())


def skip(state: str, timer_id: str | None = None, *, index: int | None = None) -> Ask:
    wanted = TimerSkipped(TimerRef(StateExecutionId(state), timer_id, index))
    return _change(f"skip {timer_id or index}", wanted, ADA, lambda run, row, event: event == wanted, ())


def stop(kind: StopKind, token: str) -> Ask:
    wanted = Stopped(kind, token)
    return _change(f"stop {token}", wanted, ADA, lambda run, row, event: event == wanted, ())


def rpc(name: str, words: str, *, locks: tuple[str, ...] | None = None, fine: tuple[type[Exception], ...] = ()) -> Ask:
    """Call an RPC that writes *words* somewhere, which is how it is found again."""
    loading = LOAD_ALL if locks is None else LoadingPolicy(locks=locks)
    call = RpcCall(ADA, name, text(words), data_loading=loading)

    def wrote(run: RunRow, row: EventRow, event: Event) -> bool:
        # A reset asks a locked RPC again, for the run that it makes.
        if not isinstance(event, RpcClosed | RpcWrote) or event.answer is None or run.run_id != run.first_run_id:
            return False
        return event.answer.output == text(words)

    later = (WorkflowNotFound, LockConflict)
    return Ask(f"rpc {name} {words}", lambda reply: CallRpc(reply, call), ADA, wrote, fine, later)


def reset(kind: ResetKind, token: str) -> Ask:
    request = ResetRequest(ADA, kind, reason=token)

    def gone_back(run: RunRow, row: EventRow, event: Event) -> bool:
        return isinstance(event, Resumed) and event.reason == token

    return Ask(f"reset {token}", lambda reply: Reset(reply, request), ADA, gone_back)


def result(workflow_id: WorkflowId = ADA, *, run_id: RunId | None = None) -> Ask:
    return Ask(f"result of {workflow_id}", lambda reply: WaitForResult(reply, workflow_id, run_id, None), workflow_id)


def state(execution: str, *, workflow_id: WorkflowId = ADA) -> Ask:
    wait = StateWait(workflow_id, StateExecutionId(execution))
    return Ask(f"state {execution}", lambda reply: WaitForState(reply, wait, None), workflow_id)


def read(key: str) -> Ask:
    return Ask(f"read {key}", lambda reply: ReadData(reply, ADA, None, (key,)))


def read_index() -> Ask:
    return Ask("read index", lambda reply: ReadSearch(reply, ADA, None, None))


def _change(
    name: str, event: Event, workflow_id: WorkflowId, evidence: Evidence, fine: tuple[type[Exception], ...]
) -> Ask:
    return Ask(name, lambda reply: Change(reply, workflow_id, None, event), workflow_id, evidence, fine)
