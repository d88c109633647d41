"""A worker that does what a test has written down, and whose calls a test can hold back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

from perdure.model.calls import Answer, Failure, RpcRequest, StateMethod, StateRequest, WaitUntilAnswer
from perdure.ports.invoker import Report

Request = StateRequest | RpcRequest
Line = Answer | Failure | Callable[[Request], Answer | Failure]
"""What is answered: the same each time, or by the request."""

_Place = tuple[StateMethod | None, str]
"""A state's method, or an RPC."""

HELD_ARRIVES_WITHIN_SECONDS = 10


class HeldCall:
    """A call that has arrived and is not answered yet."""

    def __init__(self, request: Request, report: Report, let_go: Callable[[HeldCall], None]) -> None:
        self.request = request
        self._report = report
        self._let_go = let_go

    def answer(self, result: Answer | Failure) -> None:
        """Answer it now. Harmless when nobody waits for it any more."""
        self._let_go(self)
        self._report(result)


class ScriptedInvoker:
    """An ``Invoker`` for one test.

    A state without a line for its wait waits for nothing; any other call without a line fails for
    good, saying so. Everything asked of it is in ``requests``, in the order of arrival.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._lines: dict[_Place, Line] = {}
        self._holding: dict[_Place, list[Future[HeldCall]]] = {}
        self._held: list[HeldCall] = []
        self._lock = Lock()

    def on_wait(self, state_id: str, line: Line) -> None:
        self._lines[StateMethod.WAIT_UNTIL, state_id] = line

    def on_execute(self, state_id: str, line: Line) -> None:
        self._lines[StateMethod.EXECUTE, state_id] = line

    def on_rpc(self, name: str, line: Line) -> None:
        self._lines[None, name] = line

    def hold_execute(self, state_id: str) -> Future[HeldCall]:
        """Keep the next call of a state's ``execute`` from being answered; ``arrival`` waits for it."""
        return self._hold((StateMethod.EXECUTE, state_id))

    def hold_wait(self, state_id: str) -> Future[HeldCall]:
        """Keep the next call of a state's ``wait_until`` from being answered."""
        return self._hold((StateMethod.WAIT_UNTIL, state_id))

    def hold_rpc(self, name: str) -> Future[HeldCall]:
        """Keep the next call of an RPC from being answered."""
        return self._hold((None, name))

    @property
    def held(self) -> int:
        """How many calls have arrived and are held."""
        return len(self._held)

    def requests_of(self, name: str) -> list[Request]:
        """Return what was asked of one state's ``execute`` or of one RPC, so far."""
        return [request for request in self.requests if _place(request) in ((None, name), (StateMethod.EXECUTE, name))]

    def invoke(self, request: Request, *, timeout_ms: int, report: Report) -> None:
        del timeout_ms  # an engine that minds attempts which hang does not rely on the invoker for it
        place = _place(request)
        with self._lock:
            self.requests.append(request)
            waiting = self._holding.get(place)
            if waiting:
                call = HeldCall(request, report, self._let_go)
                self._held.append(call)
                waiting.pop(0).set_result(call)
                return
        report(self._line(place, request))

    def close(self) -> None:
        """Nothing is held open."""

    def _hold(self, place: _Place) -> Future[HeldCall]:
        call: Future[HeldCall] = Future()
        with self._lock:
            self._holding.setdefault(place, []).append(call)
        return call

    def _line(self, place: _Place, request: Request) -> Answer | Failure:
        line = self._lines.get(place)
        if line is None and place[0] is StateMethod.WAIT_UNTIL:
            return WaitUntilAnswer()
        if line is None:
            return Failure(f"the script has no line for {place[1]}", error_type="Unscripted", retryable=False)
        return line(request) if callable(line) else line

    def _let_go(self, call: HeldCall) -> None:
        with self._lock:
            if call in self._held:
                self._held.remove(call)


async def arrival(call: Future[HeldCall]) -> HeldCall:
    """Wait for a held call to arrive, by real time: a call that never comes is a failure."""
    async with asyncio.timeout(HELD_ARRIVES_WITHIN_SECONDS):
        return await asyncio.wrap_future(call)


def _place(request: Request) -> _Place:
    if isinstance(request, RpcRequest):
        return None, request.name
    return request.call.method, request.call.state_id
