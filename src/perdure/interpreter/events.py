"""What can happen to an execution: input of the interpreter, rows of the journal.

An engine reports these; the interpreter never fetches them. Their kinds in the journal are short
stable names (``codec.py``), so a class here may be renamed; a field only with an upcaster.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from perdure.interpreter.snapshot import Snapshot
from perdure.model.attributes import DataAttribute, SearchAttribute
from perdure.model.calls import Failure, RpcAnswer, StateAnswer
from perdure.model.ids import CallId, RunId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunErrorType, StopKind
from perdure.model.requests import RpcCall, StartRequest, TimerRef
from perdure.model.value import EncodedValue, Message


@dataclass(frozen=True, slots=True)
class Started:
    """Genesis of a run: everything it needs to know of its past is in here."""

    request: StartRequest
    run_id: RunId
    first_run_id: RunId
    """The first run of the chain of retries and resets; this run's own id when it is that."""
    attempt: int = 1
    """Counts the workflow-level retries."""
    delay_ms: int = 0
    """Until the first state may run: a start delay, a retry's backoff, or the time to the next cron moment."""
    expires_at_ms: int | None = None
    """The workflow's timeout as a moment; retries inherit it."""
    rules: int = 1
    """The version of the rules that this segment is under. The default is what the first journals had."""


class ResumeCause(StrEnum):
    RESET = "reset"
    RULES = "rules"
    """The run adopts newer rules."""
    CUT = "cut"
    """The segment had become long."""
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Resumed:
    """Genesis of a run, or of a later segment of its journal: all its past is in the snapshot.

    As the genesis of a later segment it comes between two steps and changes nothing; a fold may begin
    with it. As the genesis of another run it makes no calls before ``Released``: what is handed over again
    in between is there before the first worker is asked anything (iWF 7).
    """

    snapshot: Snapshot
    run_id: RunId
    cause: ResumeCause
    reason: str = ""
    asked_again: tuple[RpcCall, ...] = ()
    """Locking RPCs whose methods another run of a reset calls once more, one after the other."""
    rules: int = 1
    """The version of the rules that this segment is under."""


@dataclass(frozen=True, slots=True)
class Released:
    """What a reset hands over again has been handed over: make the calls held back since ``Resumed``."""


@dataclass(frozen=True, slots=True)
class CallSucceeded:
    call_id: CallId
    answer: StateAnswer
    """Already without a ``problem()``: an answer with one is a failed attempt."""


@dataclass(frozen=True, slots=True)
class CallExhausted:
    """The last attempt failed, or the next would be beyond a limit."""

    call_id: CallId
    failure: Failure


@dataclass(frozen=True, slots=True)
class CallRejected:
    """The answer was understood and can never be accepted, such as a search attribute whose type
    is another one in this store: the run fails, saying so.
    """

    call_id: CallId
    message: str
    error_type: RunErrorType = RunErrorType.INVALID_WORKFLOW_CODE


@dataclass(frozen=True, slots=True)
class SignalReceived:
    channel: str
    value: EncodedValue | None = None


@dataclass(frozen=True, slots=True)
class MessagesPublished:
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class AttributesSet:
    data: tuple[DataAttribute, ...] = ()
    search: tuple[SearchAttribute, ...] = ()


@dataclass(frozen=True, slots=True)
class RpcWrote:
    """What an RPC without locks changes, in one step."""

    answer: RpcAnswer


@dataclass(frozen=True, slots=True)
class RpcOpened:
    """An RPC with locks begins: it holds its keys from here on."""

    number: int
    """``Execution.next_rpc_number``."""
    data_locks: tuple[str, ...] = ()
    search_locks: tuple[str, ...] = ()
    call: RpcCall | None = None
    """What was asked: a reset asks it again."""
    again: bool = False
    """It is the first of ``Execution.asked_again``."""


@dataclass(frozen=True, slots=True)
class RpcClosed:
    """An RPC with locks ends: its keys are free, and what it writes is applied, in one step."""

    number: int
    answer: RpcAnswer | None
    """``None``: it failed or was abandoned."""
    abandoned: bool = False
    """Nobody knows how it ended: one that a reset asks again is still to be asked."""


@dataclass(frozen=True, slots=True)
class TimerSkipped:
    timer: TimerRef


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The engine's clock reached ``Execution.next_deadline_ms()``. Early ones change nothing."""


@dataclass(frozen=True, slots=True)
class ConfigUpdated:
    config: WorkflowConfig


@dataclass(frozen=True, slots=True)
class Stopped:
    kind: StopKind
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Erased:
    """The values of this run, which has ended, were erased: all of them, in every event before this."""


Event = (
    Started
    | Resumed
    | Released
    | CallSucceeded
    | CallExhausted
    | CallRejected
    | SignalReceived
    | MessagesPublished
    | AttributesSet
    | RpcWrote
    | RpcOpened
    | RpcClosed
    | TimerSkipped
    | DeadlinePassed
    | ConfigUpdated
    | Stopped
    | Erased
)
