"""Something that calls an author's method: in this process, or a worker over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from perdure.model.calls import Answer, Failure, RpcRequest, StateRequest

Report = Callable[[Answer | Failure], None]
"""Takes the answer, or why there is none. May be called from any thread; only its first call counts."""


class Invoker(Protocol):
    """Calls authors' methods. An engine never knows which kind it has."""

    def invoke(self, request: StateRequest | RpcRequest, *, timeout_ms: int, report: Report) -> None:
        """Begin one attempt and return at once; *report* hears of its end, exactly once.

        A ``wait_until`` is answered with a ``WaitUntilAnswer``, an ``execute`` with an
        ``ExecuteAnswer``, an RPC with an ``RpcAnswer``, each already without a ``problem()``;
        everything else, also an attempt over *timeout_ms* (monotonic), is a ``Failure``. Never
        raises for what a worker does.
        """
        ...

    def close(self) -> None:
        """Take no more calls and release everything; calls under way may never be reported."""
        ...
