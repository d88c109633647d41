"""Something that runs workflows: the embedded engine, Temporal, a remote server.

These docstrings are the contract; one conformance suite holds every backend to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.ids import RunId, WorkflowId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunInfo, SearchPage, StopKind
from perdure.model.requests import ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EncodedValue, Message


class Backend(Protocol):
    """Runs workflows and answers callers.

    A method that changes something returns once the change is durable, and whatever is asked
    afterwards sees it. If it raises, nothing was changed, but for ``UnavailableError``: then it
    is not known. Every method may raise ``UnavailableError``; every method that names a workflow
    raises ``WorkflowNotFound`` if there is none of that id, or no such run of it.

    Without a run id a method means the workflow's current run: the one that runs, else the last.
    """

    async def start(self, request: StartRequest) -> RunId:
        """Start a run and return its id, before any of its states has run.

        Raises:
            WorkflowAlreadyStarted: the id is taken, by the request's reuse policy.
            InvalidRequest: an option cannot be followed; the message says which and why.
        """
        ...

    async def signal(self, workflow_id: WorkflowId, message: Message, *, run_id: RunId | None = None) -> None:
        """Put a message on a signal channel, kept until a state takes it.

        Sending again after ``UnavailableError`` may deliver it twice.

        Raises:
            WorkflowClosed: the run has ended.
        """
        ...

    async def publish(
        self, workflow_id: WorkflowId, messages: Sequence[Message], *, run_id: RunId | None = None
    ) -> None:
        """Put messages on internal channels, all in one step, in their order; as ``signal``."""
        ...

    async def set_data_attributes(
        self, workflow_id: WorkflowId, attributes: Sequence[DataAttribute], *, run_id: RunId | None = None
    ) -> None:
        """Write data attributes in one step, whatever is locked.

        Raises:
            WorkflowClosed: the run has ended.
        """
        ...

    async def set_search_attributes(
        self, workflow_id: WorkflowId, attributes: Sequence[SearchAttribute], *, run_id: RunId | None = None
    ) -> None:
        """Write search attributes in one step, whatever is locked.

        Raises:
            InvalidRequest: a value does not fit its type, or the type is not the attribute's.
            WorkflowClosed: the run has ended.
        """
        ...

    async def get_data_attributes(
        self, workflow_id: WorkflowId, keys: Sequence[str] | None = None, *, run_id: RunId | None = None
    ) -> tuple[DataAttribute, ...]:
        """Read data attributes, sorted by key; ``None`` means all, unknown keys are left out.

        Works on ended runs too: their last values.
        """
        ...

    async def get_search_attributes(
        self,
        workflow_id: WorkflowId,
        keys: Sequence[tuple[str, SearchAttributeType]] | None = None,
        *,
        run_id: RunId | None = None,
    ) -> tuple[SearchAttribute, ...]:
        """Read search attributes as the index has them, in the order asked; as ``get_data_attributes``.

        A date comes back in UTC. A type converts where it can (INT read as DOUBLE).

        Raises:
            InvalidRequest: a value cannot be read as the type asked for.
        """
        ...

    async def call_rpc(self, call: RpcCall) -> EncodedValue | None:
        """Run an RPC's method and apply what it writes, then return its output.

        A locking call is one step: it sees everything acknowledged before it, and nothing it
        locks changes until its writes are applied. Any other reads one consistent state and
        applies its writes in one later step. The method runs at most once. On an ended run only
        a call that does not lock runs, and only one that writes nothing succeeds.

        Raises:
            LockConflict: a key it would lock is held by another call; the method did not run.
            RpcFailed: the method raised or ran longer than the timeout; nothing was written.
            WorkflowClosed: it writes, or locks, and the run has ended.
        """
        ...

    async def describe(self, workflow_id: WorkflowId, *, run_id: RunId | None = None) -> RunInfo:
        """Tell what a run is and how it ended, without waiting."""
        ...

    async def wait_for_result(
        self, workflow_id: WorkflowId, *, run_id: RunId | None = None, wait_ms: int | None = None
    ) -> RunInfo:
        """Wait until a run has ended, and all its workflow-level retries; costs no thread.

        Args:
            wait_ms: at most this long, by monotonic time; ``None``: as long as it takes.

        Raises:
            WaitTimedOut: it still runs.
        """
        ...

    async def wait_for_state(self, wait: StateWait, *, wait_ms: int | None = None) -> EncodedValue | None:
        """Wait until a state has completed and return the output its decision gave, if any.

        The workflow need not exist yet. Only states named in the start request can be waited for.

        Raises:
            WaitTimedOut: it has not completed.
            InvalidRequest: the wait names neither a state execution, nor a state and a key.
        """
        ...

    async def skip_timer(self, workflow_id: WorkflowId, timer: TimerRef, *, run_id: RunId | None = None) -> None:
        """Let a timer's moment be now.

        Raises:
            TimerNotFound: the state execution waits for no such timer.
            InvalidRequest: neither id nor index is given.
            WorkflowClosed: the run has ended.
        """
        ...

    async def stop(
        self,
        workflow_id: WorkflowId,
        kind: StopKind = StopKind.CANCEL,
        *,
        reason: str = "",
        run_id: RunId | None = None,
    ) -> None:
        """End a run, and its schedule. Calls under way are abandoned, their answers dropped.

        Raises:
            WorkflowClosed: the run has ended already (canceling an ended run is no error).
        """
        ...

    async def reset(self, request: ResetRequest) -> RunId:
        """Go back to an earlier moment, as a new run, and return its id.

        Raises:
            InvalidRequest: there is no such moment in that run, or it is no longer kept.
        """
        ...

    async def erase(self, workflow_id: WorkflowId, *, reason: str = "") -> None:
        """Erase what is known of a person: all values, of all runs of this workflow id, for ever.

        Inputs, outputs, attributes, messages, search attributes, texts of errors and reasons are gone: they
        cannot be read any more, and their bytes are overwritten as far as the backend's store sees to it.
        Backups have them still. The runs stay, with their ids, times and
        status, and their history with its kinds; where a value was, ``ERASED`` is read; no search finds
        them by an attribute. They can't be reset. Erasing again changes nothing but the history, which
        says so.

        Names stay: of ids, states, channels and attributes, and keys that an author makes at run time.

        Raises:
            InvalidRequest: a run of this id is open: end it first.
        """
        ...

    async def update_config(
        self, workflow_id: WorkflowId, config: WorkflowConfig, *, run_id: RunId | None = None
    ) -> None:
        """Change the settings that are given; those that are ``None`` stay.

        Raises:
            WorkflowClosed: the run has ended.
        """
        ...

    async def search(self, query: str = "", *, page_size: int = 1000, page_token: str = "") -> SearchPage:
        """Find runs by iWF's query language: open ones first, latest start first, then by closing.

        Raises:
            InvalidRequest: the query or the token cannot be read; the message says where.
        """
        ...
