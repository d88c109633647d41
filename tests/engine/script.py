"""A worker with a script, and short words for what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from perdure.model.attributes import DataAttribute
from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    Failure,
    RpcAnswer,
    RpcRequest,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
    Writes,
)
from perdure.model.conditions import ChannelCondition, ChannelKind, Condition, TimerCondition, Wait, WaitMode
from perdure.model.decisions import Closing, ClosingKind, Decision, Movement
from perdure.model.ids import StateId, WorkflowId, WorkflowType
from perdure.model.options import CallOptions, RetryPolicy, StartOptions, StateOptions
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue
from perdure.ports.invoker import Report

ADA = WorkflowId("ada")
KIND = WorkflowType("greeting")

Request = StateRequest | RpcRequest
Line = Answer | Failure | Callable[[Request], Answer | Failure]
Script = Mapping[str, Line | Sequence[Line | None] | None]


@dataclass(frozen=True)
class HeldCall:
    """A call that is answered when the test says so."""

    request: Request
    answer: Report


class Worker:
    """Answers by a script: the n-th call of a name gets the n-th line, later ones the last.

    A name is a state's id, for its ``execute``; the id and a ``?``, for its ``wait_until``; or an
    RPC's name and a ``!``. Calls without a line, or with ``None``, are held.
    """

    def __init__(self, script: Script | None = None) -> None:
        self.script: Script = script or {}
        self.requests: list[Request] = []
        self.waiting: list[HeldCall] = []
        self.timeouts_ms: list[int] = []

    @property
    def held(self) -> int:
        return len(self.waiting)

    def calls(self, name: str) -> list[Request]:
        return [request for request in self.requests if name_of(request) == name]

    def attempts(self, name: str) -> list[int]:
        return [request.attempt for request in self.calls(name) if isinstance(request, StateRequest)]

    def answer(self, result: Answer | Failure) -> None:
        """Answer the call that has been held longest."""
        self.waiting.pop(0).answer(result)

    def invoke(self, request: Request, *, timeout_ms: int, report: Report) -> None:
        name = name_of(request)
        self.requests.append(request)
        self.timeouts_ms.append(timeout_ms)
        line = self.script.get(name)
        if isinstance(line, Sequence):
            line = line[min(len(self.calls(name)), len(line)) - 1]
        if line is None:
            self.waiting.append(HeldCall(request, report))
        else:
            report(line(request) if callable(line) else line)

    def close(self) -> None:
        self.waiting.clear()


def name_of(request: Request) -> str:
    if isinstance(request, RpcRequest):
        return f"{request.name}!"
    return request.call.state_id + ("?" if request.call.method is StateMethod.WAIT_UNTIL else "")


def text(words: str) -> EncodedValue:
    return EncodedValue(words, "text")


def go_to(*names: str, options: StateOptions | None = None, writes: Writes | None = None) -> ExecuteAnswer:
    steps = tuple(Movement(StateId(name), options=options or StateOptions()) for name in names)
    return ExecuteAnswer(Decision(steps), writes or Writes())


def done(words: str | None = None, kind: ClosingKind = ClosingKind.GRACEFUL_COMPLETE) -> ExecuteAnswer:
    return ExecuteAnswer(Decision((Closing(kind, None if words is None else text(words)),)))


def wait_for(*conditions: Condition, mode: WaitMode = WaitMode.ALL) -> WaitUntilAnswer:
    return WaitUntilAnswer(Wait(conditions, mode))


def signal_on(channel: str) -> ChannelCondition:
    return ChannelCondition(channel, ChannelKind.SIGNAL)


def after(duration_ms: int, *, name: str = "") -> TimerCondition:
    return TimerCondition(name, duration_ms)


def straight(retry: RetryPolicy | None = None, *, timeout_ms: int = 30_000) -> StateOptions:
    """Options of a state that executes at once."""
    return StateOptions(skip_wait_until=True, execute=CallOptions(timeout_ms, retry or RetryPolicy()))


def starting(
    name: str | None = "only",
    *,
    workflow_id: WorkflowId = ADA,
    state: StateOptions | None = None,
    options: StartOptions | None = None,
) -> StartRequest:
    """A start of a state that executes at once, if not told otherwise."""
    first = None if name is None else Movement(StateId(name), text("input"), state or straight())
    return StartRequest(workflow_id, KIND, first, options or StartOptions())


def writing(key: str, words: str) -> RpcAnswer:
    return RpcAnswer(text("written"), Writes(data=(DataAttribute(key, text(words)),)))
