"""What a handler can know of the run it works for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from perdure.model.calls import RpcRequest, RunContext, StateRequest
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType

if TYPE_CHECKING:
    from perdure.authoring.decision import Decision
    from perdure.authoring.invocation import Invocation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The run a handler works for, as ``self.run``."""

    _context: RunContext
    _request: StateRequest | RpcRequest
    _invocation: Invocation

    @property
    def workflow_id(self) -> WorkflowId:
        return self._context.workflow_id

    @property
    def workflow_type(self) -> WorkflowType:
        return self._context.workflow_type

    @property
    def run_id(self) -> RunId:
        return self._context.run_id

    @property
    def first_run_id(self) -> RunId:
        """The first run of the chain of retries and resets."""
        return self._context.first_run_id

    @property
    def started_at(self) -> datetime:
        return _moment(self._context.started_ms)

    @property
    def state(self) -> StateId:
        """The name of the state that runs."""
        return self._state_request("state").call.state_id

    @property
    def state_execution_id(self) -> StateExecutionId:
        """This pass through the state, such as ``verify-2``: the same in all its attempts."""
        return self._state_request("state_execution_id").call.state_execution_id

    @property
    def attempt(self) -> int:
        """Counts the calls of this handler from 1; an RPC's method is called once at most."""
        return self._request.attempt if isinstance(self._request, StateRequest) else 1

    @property
    def first_attempt_at(self) -> datetime:
        return _moment(self._state_request("first_attempt_at").first_attempt_ms)

    @property
    def key(self) -> str:
        """An idempotency key: the same in all attempts of this pass, and in no other pass of any run.

        Hand it to whatever must not happen twice: a handler is called again after a crash.
        """
        request = self._state_request("key")
        return f"{self._context.run_id}-{request.call.state_execution_id}"

    def record(self, name: str, value: object = None) -> None:
        """Write an event into the history, for people to find; nothing reads it back."""
        self._invocation.record(name, value)

    def start(self, decision: Decision) -> None:
        """Start states from an RPC, beside those that run; done with all else it writes when it returns.

        Args:
            decision: one ``go_to``, or several ``together``.
        """
        self._invocation.start_states(decision)

    def _state_request(self, what: str) -> StateRequest:
        if isinstance(self._request, StateRequest):
            return self._request
        raise RuntimeError(f"run.{what} is asked for in RPC {self._request.name!r}, and only a state has one")


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
