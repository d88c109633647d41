"""One workflow in a caller's hand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Generic, ParamSpec, TypeVar, cast, overload

from perdure.authoring.attribute import AnyAttribute, Attribute
from perdure.authoring.attribute_map import AttributeMap
from perdure.authoring.channel import AnyInbox, Channel, Signal
from perdure.authoring.converter import ANYTHING
from perdure.authoring.decision import AnyState
from perdure.authoring.definition import AttributeDefinition
from perdure.authoring.duration import Duration, milliseconds
from perdure.authoring.inspection import AnyWorkflow
from perdure.authoring.rpc import AnyRpc, Rpc
from perdure.client.naming import named
from perdure.client.patience import call_patiently
from perdure.client.result import outputs_of
from perdure.client.standing import standing_of
from perdure.client.surroundings import PLAIN, Surroundings
from perdure.client.translator import Translator
from perdure.model.attributes import SearchValue
from perdure.model.errors import InvalidRequest, PerdureError, RequestError, WaitTimedOut
from perdure.model.history import HistoryEntry
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunInfo, RunStatus, StopKind
from perdure.model.progress import DescribedRun
from perdure.model.requests import ResetKind, ResetRequest, RpcCall, StateWait, TimerRef
from perdure.model.value import EncodedValue
from perdure.ports.backend import Backend
from perdure.ports.inspector import HISTORY_LIMIT, Inspector, inspector_of

Workflow_co = TypeVar("Workflow_co", covariant=True)
Output_co = TypeVar("Output_co", covariant=True)
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Info = TypeVar("Info", bound=RunInfo)

LOCK_PATIENCE: Duration = 30.0
"""How long a call goes on asking for a lock, where its RPC names no timeout."""

LAST_WORDS = 8
"""How many of the last events are looked at for a reason: a stop is the last but for what it abandons."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AsyncHandle(Generic[Workflow_co, Output_co]):
    """A workflow, by its id. Making one asks nobody; every method but the properties does.

    A handle from ``start`` asks for the result of the run it has started, and means the workflow's
    current run in all else, so it goes on to work after a retry. One from ``get`` with a run id means
    that run in everything. Where a state, channel, attribute or RPC is asked for, its stored name
    (text) does too; values are then plain JSON.

    Every method may raise ``UnavailableError`` and, if there is no such workflow, ``WorkflowNotFound``.
    """

    def __init__(
        self,
        backend: Backend,
        workflow: type[AnyWorkflow] | None,
        workflow_id: str,
        *,
        run_id: RunId | None = None,
        pinned: RunId | None = None,
        lock_patience: Duration = LOCK_PATIENCE,
        surroundings: Surroundings = PLAIN,
    ) -> None:
        """Name a workflow.

        Args:
            workflow: its class; ``None``: only names are known.
            run_id: whose result is asked for; ``None``: the current run's.
            pinned: the run that everything means; ``None``: the current one.
        """
        self._backend = backend
        self._id = WorkflowId(workflow_id)
        self._words = Translator(workflow, self._id)
        self._run_id = run_id if pinned is None else pinned
        self._pinned = pinned
        self._lock_patience = lock_patience
        self._surroundings = surroundings

    @property
    def id(self) -> WorkflowId:
        return self._id

    @property
    def run_id(self) -> RunId | None:
        """The run it was made for; ``None``: whichever is the current one."""
        return self._run_id

    # How it ends

    # The wait is the backend's to end: it forgets who has gone, and a test's clock may be the one that counts.
    async def result(self, *, timeout: Duration | None = None) -> Output_co:  # noqa: ASYNC109 - as above
        """Wait until the workflow has completed, with all its retries, and return its one output.

        Raises:
            WorkflowFailed, WorkflowTimedOut, WorkflowTerminated, WorkflowCanceled: it ended otherwise.
            WaitTimedOut: it still runs, and what it waits for or what fails is said; nothing is lost by
                asking again.
            InvalidRequest: it has several outputs: ask for ``results``.
            ConversionError: the output is not what the class says.
        """
        outputs = await self._outputs(timeout)
        if len(outputs) > 1:
            raise InvalidRequest(
                f"workflow {self._id!r} completed with {len(outputs)} outputs, expected one; ask for them with results()",
                workflow_id=self._id,
            )
        return self._output(outputs[0] if outputs else None)

    async def results(self, *, timeout: Duration | None = None) -> tuple[Output_co, ...]:  # noqa: ASYNC109 - as above
        """Return every output, in the order in which the states gave them; else as ``result``."""
        return tuple(self._output(output) for output in await self._outputs(timeout))

    async def wait_for_state(
        self,
        state: AnyState | str,
        which: int | str = 1,
        *,
        timeout: Duration | None = None,  # noqa: ASYNC109 - as above
    ) -> Output_co | None:
        """Wait until a state has completed and return the output it ended with, if it did end with one.

        The workflow need not exist yet. The state must be named in ``start`` by ``wait_for_states``.

        Args:
            which: the pass through it, counted from 1; or the key, if ``go_to`` gave it one.

        Raises:
            WaitTimedOut: it has not completed.
        """
        name = self._words.state(state)
        if isinstance(which, str):
            wait = StateWait(self._id, state_id=name, key=which)
        else:
            wait = StateWait(self._id, state_execution_id=StateExecutionId(f"{name}-{which}"))
        with named(self._id, f"the completion of state {name!r}, pass {which!r},"):
            output = await self._backend.wait_for_state(wait, wait_ms=_wait_ms(timeout))
        return None if output is None else self._output(output)

    async def describe(self) -> DescribedRun:
        """Tell what the run is and how it ended, without waiting; of an open one, what it waits for and what fails."""
        with self._named():
            info = await self._with_reason(await self._backend.describe(self._id, run_id=self._pinned))
        progress = None
        if not info.status.closed and (inspector := inspector_of(self._backend)) is not None:
            try:
                progress = await inspector.progress(self._id, run_id=info.run_id)
            except RequestError:
                progress = None  # A plain iWF server cannot be asked; or the run is gone meanwhile.
        return DescribedRun(
            info.workflow_id,
            info.run_id,
            info.workflow_type,
            info.status,
            info.started_ms,
            info.closed_ms,
            info.outcome,
            progress,
        )

    async def history(self, *, after_seq: int = 0, limit: int = HISTORY_LIMIT) -> tuple[HistoryEntry, ...]:
        """Tell what has happened to the run, oldest first; values are sealed, as they are stored.

        Args:
            after_seq: begin after the entry of this number.
            limit: so many entries at most; ask again after the last one for more.

        Raises:
            InvalidRequest: this is a plain iWF server, which cannot be asked; or a number is impossible.
        """
        return await self._inspector().history(self._id, run_id=self._pinned, after_seq=after_seq, limit=limit)

    # Its front desk and its letter box

    @overload
    async def call(self, rpc: Rpc[Workflow_co, P, R], /, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    async def call(self, rpc: str, argument: object = None, /) -> object: ...

    async def call(self, rpc: AnyRpc | str, /, *args: object, **kwargs: object) -> object:
        """Call an RPC and return what its method returns, once all that it wrote is durable.

        The method runs at most once. While another call holds what it wants to lock, this asks
        again, for as long as the RPC's timeout, or the client's ``lock_patience`` where it has none.

        Raises:
            LockConflict: it was held all that time; the method did not run.
            RpcFailed: the method raised or took too long; nothing was written.
            WorkflowClosed: it writes, or locks, and the run has ended.
            InvalidRequest: the arguments are not those the method takes.
        """
        if isinstance(rpc, str):
            return await self._call_by_name(rpc, args, kwargs)
        prepared = self._words.rpc(rpc, args, kwargs, run_id=self._pinned)
        return prepared.decode(await self._call_patiently(prepared.call))

    @overload
    async def publish(self, channel: Channel[None], /) -> None: ...

    @overload
    async def publish(self, channel: Channel[T], value: T, /) -> None: ...

    @overload
    async def publish(self, channel: str, value: object = None, /) -> None: ...

    async def publish(self, channel: AnyInbox | str, value: object = None, /) -> None:
        """Send a message to a channel; it stays there until a state takes it.

        Sending again after ``UnavailableError`` may deliver it twice.

        Raises:
            WorkflowClosed: the run has ended.
        """
        with self._named():
            await self._backend.publish(self._id, [self._words.message(channel, value)], run_id=self._pinned)

    @overload
    async def signal(self, signal: Signal[None], /) -> None: ...

    @overload
    async def signal(self, signal: Signal[T], value: T, /) -> None: ...

    @overload
    async def signal(self, signal: str, value: object = None, /) -> None: ...

    async def signal(self, signal: AnyInbox | str, value: object = None, /) -> None:
        """Send a message to a signal, in iWF's separate space of names; else as ``publish``."""
        with self._named():
            await self._backend.signal(self._id, self._words.message(signal, value), run_id=self._pinned)

    # What it remembers

    @overload
    async def get(self, attribute: Attribute[T], /) -> T: ...

    @overload
    async def get(self, attribute: AttributeMap[T], /) -> dict[str, T]: ...

    @overload
    async def get(self, attribute: str, /) -> object: ...

    async def get(self, attribute: AnyAttribute | str, /) -> object:
        """Read an attribute, or a whole map of them; works on an ended run too.

        Raises:
            MissingValue: it has neither a value nor a default.
        """
        if isinstance(attribute, str):
            definition = AttributeDefinition(attribute, attribute, ANYTHING)
        else:
            definition = self._words.attribute(attribute)
        # A map's keys are known to the store only, so all attributes are read for it.
        keys = None if definition.is_map else [definition.name]
        with self._named():
            found = await self._backend.get_data_attributes(self._id, keys, run_id=self._pinned)
        return (
            self._words.open_map(definition, found)
            if definition.is_map
            else self._words.open_attribute(definition, found)
        )

    @overload
    async def set(self, attribute: Attribute[T], value: T, /) -> None: ...

    @overload
    async def set(self, attribute: AttributeMap[T], value: Mapping[str, T], /) -> None: ...

    @overload
    async def set(self, attribute: str, value: object, /) -> None: ...

    async def set(self, attribute: AnyAttribute | str, value: object, /) -> None:
        """Write an attribute, whatever is locked; of a map, the keys that are given.

        An indexed attribute is written first and then brought into the index, in a step of its own.

        Raises:
            WorkflowClosed: the run has ended.
            InvalidRequest: the value does not fit.
        """
        data, search = self._words.writes(attribute, value)
        with self._named():
            await self._backend.set_data_attributes(self._id, data, run_id=self._pinned)
            if search:
                await self._backend.set_search_attributes(self._id, search, run_id=self._pinned)

    async def attributes(self) -> dict[str, object]:
        """Read all attributes by their stored names, those without a value left out."""
        with self._named():
            found = await self._backend.get_data_attributes(self._id, run_id=self._pinned)
        return self._words.open_all(found)

    async def search_attributes(self) -> dict[str, SearchValue | None]:
        """Read the index card by its keys; a moment is text, in UTC."""
        with self._named():
            found = await self._backend.get_search_attributes(self._id, run_id=self._pinned)
        return {attribute.key: attribute.value for attribute in found}

    # An operator's hand

    async def skip_timer(
        self, state: AnyState | str, *, number: int = 1, timer: str | None = None, index: int = 0
    ) -> None:
        """Let a timer's moment be now.

        Args:
            number: the pass through the state, counted from 1.
            timer: its name; without one, *index* says which it is among the wait's timers, from 0.

        Raises:
            TimerNotFound: that pass waits for no such timer, or no longer.
            WorkflowClosed: the run has ended.
        """
        execution = StateExecutionId(f"{self._words.state(state)}-{number}")
        ref = TimerRef(execution, timer_id=timer) if timer else TimerRef(execution, index=index)
        with self._named(f"{timer or index!r} of {execution}"):
            await self._backend.skip_timer(self._id, ref, run_id=self._pinned)

    async def cancel(self, reason: str = "") -> None:
        """End the run as canceled; no error if it has ended already."""
        await self.stop(StopKind.CANCEL, reason)

    async def terminate(self, reason: str = "") -> None:
        """End the run as terminated.

        Raises:
            WorkflowClosed: it has ended already.
        """
        await self.stop(StopKind.TERMINATE, reason)

    async def stop(self, kind: StopKind, reason: str = "") -> None:
        """End the run, and its schedule, in one of three ways; ``FAIL`` lets its retry policy act.

        Raises:
            WorkflowClosed: it has ended already, and is not just canceled.
        """
        with self._named():
            await self._backend.stop(self._id, kind, reason=reason, run_id=self._pinned)

    async def reset(
        self,
        *,
        to_state: AnyState | str | None = None,
        number: int | None = None,
        to_time: datetime | None = None,
        to_event: int | None = None,
        reason: str = "",
        skip_signals: bool = False,
        skip_locked_rpcs: bool = False,
    ) -> AsyncHandle[Workflow_co, Output_co]:
        """Go back to an earlier moment, as a new run, and return a handle on that; without a moment, to the beginning.

        Args:
            to_state: before this state ran, the first time or, with *number*, that time.
            to_time: with a time zone; the first step done at or after that moment is kept, none after it.
            to_event: the first event of the history that is not kept; 4 is the first step.
            skip_signals: do not hand over again what was sent after that moment.
            skip_locked_rpcs: do not call again the locking RPCs that came after that moment.

        Raises:
            InvalidRequest: there is no such moment, or it is no longer kept.
        """
        state = None if to_state is None else self._words.state(to_state)
        kind, execution = _reset_point(state, number, to_time, to_event)
        request = ResetRequest(
            self._id,
            kind,
            run_id=self._pinned,
            event_id=to_event,
            time_ms=None if to_time is None else _since_epoch_ms(to_time),
            state_id=state,
            state_execution_id=execution,
            reason=reason,
            skip_signals=skip_signals,
            skip_locked_rpcs=skip_locked_rpcs,
        )
        with self._named():
            run_id = await self._backend.reset(request)
        return AsyncHandle(
            self._backend,
            self._words.workflow,
            self._id,
            run_id=run_id,
            lock_patience=self._lock_patience,
            surroundings=self._surroundings,
        )

    async def erase(self, reason: str = "") -> None:
        """Erase all values of all runs of this workflow, for ever: what is known of a person.

        Ids, times, kinds and names stay; no value can be read any more. Not from backups.

        Args:
            reason: kept in the history, so nothing of that person.

        Raises:
            InvalidRequest: a run of it is open: end it first. Or this is a plain iWF server, which cannot erase.
        """
        await self._backend.erase(self._id, reason=reason)

    async def update_config(self, config: WorkflowConfig) -> None:
        """Change the settings that are given; those that are ``None`` stay.

        Raises:
            WorkflowClosed: the run has ended.
        """
        with self._named():
            await self._backend.update_config(self._id, config, run_id=self._pinned)

    async def _outputs(self, timeout: Duration | None) -> tuple[EncodedValue, ...]:  # noqa: ASYNC109 - as above
        return outputs_of(await self._wait(_wait_ms(timeout)), traceback_of=self._surroundings.traceback_of)

    async def _wait(self, wait_ms: int | None) -> RunInfo:
        try:
            with named(self._id, "the end", run_id=self._run_id):
                info = await self._backend.wait_for_result(self._id, run_id=self._run_id, wait_ms=wait_ms)
            return await self._with_reason(info)
        except WaitTimedOut as error:
            standing = await self._standing()
            if not standing:
                raise
            raise WaitTimedOut(
                f"workflow {self._id!r} still runs: {standing}", workflow_id=self._id, run_id=self._run_id or ""
            ) from error

    def _named(self, asked: str = "") -> AbstractContextManager[None]:
        return named(self._id, asked, run_id=self._pinned)

    async def _with_reason(self, info: Info) -> Info:
        """Add what a run was canceled or terminated for, where that can be told; iWF's outcome has no room for it."""
        inspector = inspector_of(self._backend)
        outcome = info.outcome
        if inspector is None or outcome is None or info.status not in (RunStatus.CANCELED, RunStatus.TERMINATED):
            return info
        try:
            count = (await inspector.progress(self._id, run_id=info.run_id)).events_count
            last = await inspector.history(self._id, run_id=info.run_id, after_seq=max(0, count - LAST_WORDS))
        except PerdureError:
            return info  # A plain iWF server tells nobody; or the run is gone meanwhile.
        reason = next((entry.reason for entry in reversed(last) if entry.reason), None)
        return replace(info, outcome=replace(outcome, error_message=reason)) if reason else info

    async def _standing(self) -> str:
        """Say what the run waits for, if that can be told; who asks has an error of his own to raise."""
        inspector = inspector_of(self._backend)
        if inspector is None:
            return ""
        try:
            progress = await inspector.progress(self._id, run_id=self._run_id)
        except PerdureError:
            return ""
        # A run that failed may be tried again under another run id, whose end is waited for too.
        return "" if progress.status.closed else standing_of(progress)

    def _inspector(self) -> Inspector:
        inspector = inspector_of(self._backend)
        if inspector is None:
            raise InvalidRequest(
                f"{type(self._backend).__name__} tells nothing of the inside of runs, such as of workflow {self._id!r}",
                workflow_id=self._id,
            )
        return inspector

    def _output(self, output: EncodedValue | None) -> Output_co:
        return cast("Output_co", self._words.open_output(output))  # the converter made it by the class's annotation

    async def _call_patiently(self, call: RpcCall) -> EncodedValue | None:
        patience_ms = milliseconds(self._lock_patience) if call.timeout_ms is None else call.timeout_ms
        kind = "" if self._words.definition is None else f"{self._words.definition.workflow_type}."
        with self._named(f"RPC {kind}{call.name}"):
            return await call_patiently(self._backend, call, patience_ms=patience_ms, pace=self._surroundings.pace)

    async def _call_by_name(self, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        if len(args) > 1 or kwargs:
            raise InvalidRequest(
                f"RPC {name!r} is called by its name with {len(args) + len(kwargs)} arguments, expected one value, as it is sent"
            )
        call = RpcCall(self._id, name, self._words.seal_plain(args[0]) if args else None, run_id=self._pinned)
        return self._words.open_plain(await self._call_patiently(call))


def _reset_point(
    to_state: StateId | None, number: int | None, to_time: datetime | None, to_event: int | None
) -> tuple[ResetKind, StateExecutionId | None]:
    """Return which kind of moment is meant, and the pass through a state if it is one."""
    given = [to_state is not None, to_time is not None, to_event is not None]
    if sum(given) > 1:
        raise InvalidRequest("found several of to_state, to_time and to_event, expected one moment to go back to")
    if number is not None and to_state is None:
        raise InvalidRequest("found a number without to_state, expected the state that it counts")
    if to_state is not None and number is not None:
        return ResetKind.STATE_EXECUTION_ID, StateExecutionId(f"{to_state}-{number}")
    kinds = (ResetKind.STATE_ID, ResetKind.HISTORY_EVENT_TIME, ResetKind.HISTORY_EVENT_ID)
    return next((kind for kind, meant in zip(kinds, given, strict=True) if meant), ResetKind.BEGINNING), None


def _since_epoch_ms(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise InvalidRequest(
            f"found the moment {moment.isoformat()} without a time zone, expected one that says which moment it is"
        )
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _wait_ms(timeout: Duration | None) -> int | None:
    return None if timeout is None else milliseconds(timeout)
