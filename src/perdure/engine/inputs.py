"""What the core may be told: one frozen value for everything a caller asks and a worker reports.

The counterpart, what the core says, is ``outputs.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from perdure.interpreter.events import Event
from perdure.model.attributes import SearchAttributeType
from perdure.model.calls import Answer, Failure
from perdure.model.ids import RunId, WorkflowId
from perdure.model.requests import ResetRequest, RpcCall, StartRequest, StateWait
from perdure.store.rows import RunKey


class Reply(Protocol):
    """Where an answer goes. The driver calls exactly one of the two, once, after what it says is durable."""

    def set_result(self, value: object) -> None: ...

    def set_error(self, error: Exception) -> None: ...


class Unheard:
    """Takes the answer to what nobody asked but the engine itself."""

    def set_result(self, value: object) -> None:
        pass

    def set_error(self, error: Exception) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Start:
    """``Backend.start``; answered with a ``RunId``."""

    reply: Reply
    request: StartRequest


@dataclass(frozen=True, slots=True)
class Change:
    """Let *event* happen to a run, if it may: signals, messages, writes, skips, stops, settings."""

    reply: Reply
    workflow_id: WorkflowId
    run_id: RunId | None
    event: Event


@dataclass(frozen=True, slots=True)
class ReadData:
    """``Backend.get_data_attributes``."""

    reply: Reply
    workflow_id: WorkflowId
    run_id: RunId | None
    keys: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class ReadSearch:
    """``Backend.get_search_attributes``."""

    reply: Reply
    workflow_id: WorkflowId
    run_id: RunId | None
    keys: Sequence[tuple[str, SearchAttributeType | None]] | None


@dataclass(frozen=True, slots=True)
class CallRpc:
    """``Backend.call_rpc``."""

    reply: Reply
    call: RpcCall


@dataclass(frozen=True, slots=True)
class Describe:
    """``Backend.describe``."""

    reply: Reply
    workflow_id: WorkflowId
    run_id: RunId | None


@dataclass(frozen=True, slots=True)
class WaitForResult:
    """``Backend.wait_for_result``."""

    reply: Reply
    workflow_id: WorkflowId
    run_id: RunId | None
    wait_ms: int | None


@dataclass(frozen=True, slots=True)
class WaitForState:
    """``Backend.wait_for_state``."""

    reply: Reply
    wait: StateWait
    wait_ms: int | None


@dataclass(frozen=True, slots=True)
class Reset:
    """``Backend.reset``; answered with a ``RunId``."""

    reply: Reply
    request: ResetRequest


@dataclass(frozen=True, slots=True)
class Erase:
    """``Backend.erase``."""

    reply: Reply
    workflow_id: WorkflowId
    reason: str


@dataclass(frozen=True, slots=True)
class Search:
    """``Backend.search``."""

    reply: Reply
    query: str
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class Forget:
    """The caller has gone: nobody waits for this reply any more. What it asked for may still happen."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Reported:
    """The end of an attempt, named by the token of its ``Attempt``. Unknown and late ones are dropped."""

    token: int
    result: Answer | Failure


@dataclass(frozen=True, slots=True)
class Prune:
    """Forget the runs that ended before a moment, one portion of them."""

    before_ms: int


@dataclass(frozen=True, slots=True)
class Wake:
    """The core's own: a deadline of this run has come, or it has to be loaded to go on."""

    key: RunKey


Input = (
    Start
    | Change
    | ReadData
    | ReadSearch
    | CallRpc
    | Describe
    | WaitForResult
    | WaitForState
    | Reset
    | Erase
    | Search
    | Forget
    | Reported
    | Prune
    | Wake
)
