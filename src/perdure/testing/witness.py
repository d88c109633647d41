"""Who has which call, and which calls fail: an invoker that sees what goes through it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from threading import Lock

from perdure.model.calls import Answer, Failure, RpcRequest, StateMethod, StateRequest
from perdure.model.ids import RunId, StateExecutionId
from perdure.ports.invoker import Invoker, Report

CallKey = tuple[RunId, StateExecutionId, StateMethod]

TOLD_MAX = 5
"""Calls that are named; of more only the number is told."""


@dataclass(slots=True)
class Failing:
    """A call whose last attempt has failed."""

    request: StateRequest
    failure: Failure
    count: int = 0
    """How often in a row, since somebody began to count."""


class Witness:
    """Forwards every call to another invoker. For every thread."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker
        self._numbers = count()
        self._under_way: dict[int, StateRequest | RpcRequest] = {}
        self._failing: dict[CallKey, Failing] = {}
        self._lock = Lock()

    def invoke(self, request: StateRequest | RpcRequest, *, timeout_ms: int, report: Report) -> None:
        number = next(self._numbers)
        with self._lock:
            self._under_way[number] = request

        def tell(result: Answer | Failure) -> None:
            with self._lock:
                self._under_way.pop(number, None)
                self._note(request, result)
            report(result)

        self._invoker.invoke(request, timeout_ms=timeout_ms, report=tell)

    def close(self) -> None:
        self._invoker.close()

    def count_anew(self) -> None:
        """Forget how often calls have failed, not that they do."""
        with self._lock:
            for failing in self._failing.values():
                failing.count = 0

    def failing(self, times: int) -> list[Failing]:
        """Return the calls that have failed so often in a row or more."""
        with self._lock:
            return [failing for failing in self._failing.values() if failing.count >= times]

    def under_way(self) -> str:
        """Name the calls that have not been answered."""
        with self._lock:
            calls = list(self._under_way.values())
        told = [name_of(call) for call in calls[:TOLD_MAX]]
        if len(calls) > TOLD_MAX:
            told.append(f"and {len(calls) - TOLD_MAX} more")
        return ", ".join(told)

    def _note(self, request: StateRequest | RpcRequest, result: Answer | Failure) -> None:
        if isinstance(request, RpcRequest):
            return
        key = (request.run.run_id, request.call.state_execution_id, request.call.method)
        if isinstance(result, Failure):
            before = self._failing.pop(key, None)
            self._failing[key] = Failing(request, result, 1 if before is None else before.count + 1)
        else:
            self._failing.pop(key, None)


def name_of(request: StateRequest | RpcRequest) -> str:
    """Return which method of which workflow a call is for."""
    run = request.run
    if isinstance(request, RpcRequest):
        return f"RPC {run.workflow_type}.{request.name} of workflow {run.workflow_id!r}"
    call = request.call
    return f"{run.workflow_type}.{call.state_id}, {call.method.value} of {call.state_execution_id} of workflow {run.workflow_id!r}"
