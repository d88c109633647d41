"""Starting and asking workflows by names alone, also such as no registry here has."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from perdure.client.portal import Portal
from perdure.connect import connect
from perdure.iwf.client_options import ClientOptions
from perdure.iwf.errors import Asked, InvalidArgumentError, http_error, process_workflow_abnormal_exit_error
from perdure.iwf.errors import WorkflowDefinitionError as DefinitionError
from perdure.iwf.iwf_api.models.choices import IDReusePolicy, WorkflowErrorType, WorkflowStatus
from perdure.iwf.iwf_api.models.policies import (
    PersistenceLoadingPolicy,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowRetryPolicy,
    config,
    loading,
    retry,
)
from perdure.iwf.iwf_api.models.responses import (
    StateCompletionOutput,
    WorkflowGetDataObjectsResponse,
    WorkflowGetResponse,
    WorkflowGetSearchAttributesResponse,
    WorkflowResetResponse,
    WorkflowSearchResponse,
    WorkflowSearchResponseEntry,
)
from perdure.iwf.iwf_api.models.values import (
    KeyValue,
    SearchAttribute,
    SearchAttributeKeyAndType,
    WorkflowSearchRequest,
)
from perdure.iwf.iwf_api.types import UNSET, given
from perdure.iwf.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from perdure.iwf.search_attributes import from_model, to_model
from perdure.iwf.stop_workflow_options import StopWorkflowOptions
from perdure.iwf.workflow_state_options import WorkflowStateOptions, state_options
from perdure.model.attributes import DataAttribute
from perdure.model.decisions import Movement
from perdure.model.errors import PerdureError
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.options import IdReusePolicy, StartOptions, StateOptions
from perdure.model.outcome import RunInfo, StopKind
from perdure.model.requests import ResetRequest, RpcCall, StartRequest, StateWait, TimerRef
from perdure.model.value import EncodedValue, Message
from perdure.ports.backend import Backend
from perdure.wire.moment import parse_moment_ns

T = TypeVar("T")

PAGE_SIZE = 1_000


@dataclass
class UnregisteredWorkflowOptions:
    """``WorkflowOptions``, for a workflow that only its names are known of."""

    workflow_id_reuse_policy: IDReusePolicy | None = None
    cron_schedule: str | None = None
    workflow_start_delay_seconds: int | None = None
    workflow_retry_policy: WorkflowRetryPolicy | None = None
    start_state_options: WorkflowStateOptions | None = None
    workflow_config_override: WorkflowConfig | None = None
    workflow_already_started_options: WorkflowAlreadyStartedOptions | None = None
    initial_data_attributes: dict[str, Any] | None = None
    wait_for_completion_state_execution_ids: list[str] | None = None
    wait_for_completion_state_ids: list[str] | None = None
    initial_search_attributes: list[SearchAttribute] | None = None
    using_memo_for_data_attributes: bool | None = None


class UnregisteredClient:
    """Speaks to a backend by names. Every method waits for its answer; see ``perdure.iwf.errors`` for what it raises.

    A context manager that closes what it was opened with.
    """

    def __init__(
        self,
        client_options: ClientOptions | None = None,
        *,
        backend: Backend | None = None,
        portal: Portal | None = None,
    ) -> None:
        """Speak to the server that the options name, or to a backend in this process.

        Args:
            client_options: with a backend and without options, waits have no end of their own.
            backend: such as that of a native client, ``client.asynchronous.backend``.
            portal: to the loop that the backend is asked on; one of its own if left out.
        """
        options = client_options or ClientOptions.local_default()
        bounded = client_options is not None or backend is None
        self.options = options
        self.encoder = options.object_encoder
        self._release: Callable[[], None] | None = None
        if backend is None:
            opened = connect(options.server_url, worker_url=options.worker_url)
            backend, self._release = opened.asynchronous.backend, opened.close
        self._backend = backend
        self._worker_url = options.worker_url if self._release else ""
        self._result_wait_ms = options.api_timeout * 1000 if bounded else None
        self._state_wait_ms = options.long_poll_api_max_wait_time_seconds * 1000 if bounded else None
        self._portal = Portal() if portal is None else portal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what is this client's own; harmless to repeat."""
        release, self._release = self._release, None
        if release is not None:
            release()
        self._portal.close()

    # Starting and ending

    def start_workflow(
        self,
        workflow_type: str,
        workflow_id: str,
        start_state_id: str | None,
        workflow_timeout_seconds: int,
        input: Any = None,
        options: UnregisteredWorkflowOptions | None = None,
    ) -> str:
        """Start a run and return its id, before any of its states has run.

        Args:
            start_state_id: ``None``: the run idles until an RPC starts a state.
            workflow_timeout_seconds: 0: none.
        """
        declared = None if options is None else options.start_state_options
        made = StateOptions() if declared is None else state_options(declared, skip_wait_until=False)
        return self.start(workflow_type, workflow_id, start_state_id, made, workflow_timeout_seconds, input, options)

    def start(
        self,
        workflow_type: str,
        workflow_id: str,
        state_id: str | None,
        made: StateOptions,
        timeout_seconds: int,
        input: object,
        options: UnregisteredWorkflowOptions | None,
    ) -> str:
        """Start a run whose first state's options are in the model's words."""
        options = options or UnregisteredWorkflowOptions()
        request = StartRequest(
            WorkflowId(workflow_id),
            WorkflowType(workflow_type),
            None if state_id is None else Movement(StateId(state_id), self.encoder.seal(input), made),
            start_options(options, timeout_seconds),
            self._data(options.initial_data_attributes or {}),
            tuple(to_model(attribute) for attribute in options.initial_search_attributes or ()),
            self._worker_url,
        )
        return self._ask(self._backend.start(request))

    def get_simple_workflow_result_with_wait(
        self, workflow_id: str, workflow_run_id: str = "", type_hint: type[T] | None = None
    ) -> T | None:
        """Wait until a workflow has completed, and return its one output.

        Raises:
            WorkflowAbnormalExitError: it ended otherwise; the subclass says how.
            WorkflowStillRunningError: it still runs; nothing is lost by asking again.
            WorkflowDefinitionError: it has several outputs.
        """
        waiting = self._backend.wait_for_result(
            WorkflowId(workflow_id), run_id=_run(workflow_run_id), wait_ms=self._result_wait_ms
        )
        response = _get_response(self._ask(waiting, Asked.RESULT))
        if response.workflow_status is not WorkflowStatus.COMPLETED:
            raise process_workflow_abnormal_exit_error(response)
        outputs = [result.completed_state_output for result in given(response.results) or []]
        if len(outputs) > 1:
            raise DefinitionError(f"workflow {workflow_id!r} completed with {len(outputs)} outputs, expected one")
        value: T | None = self.encoder.decode(outputs[0], type_hint) if outputs else None
        return value

    def get_workflow(self, workflow_id: str, workflow_run_id: str = "") -> WorkflowGetResponse:
        """Tell what a run is and how it ended, without waiting."""
        return _get_response(self._ask(self._backend.describe(WorkflowId(workflow_id), run_id=_run(workflow_run_id))))

    def stop_workflow(
        self, workflow_id: str, workflow_run_id: str = "", options: StopWorkflowOptions | None = None
    ) -> None:
        """End a run; it is canceled if the options do not say otherwise."""
        kind, reason = (StopKind.CANCEL, "") if options is None else (options.workflow_stop_type, options.reason)
        self._ask(self._backend.stop(WorkflowId(workflow_id), kind, reason=reason, run_id=_run(workflow_run_id)))

    def reset_workflow(
        self,
        workflow_id: str,
        workflow_run_id: str,
        reset_workflow_type_and_options: ResetWorkflowTypeAndOptions,
    ) -> WorkflowResetResponse:
        """Go back to an earlier moment, as a new run.

        Raises:
            InvalidArgumentError: the moment is neither a date with an offset nor Unix nanoseconds.
        """
        request = _reset_request(workflow_id, workflow_run_id, reset_workflow_type_and_options)
        return WorkflowResetResponse(self._ask(self._backend.reset(request)))

    # Talking to one

    def invoke_rpc(
        self,
        input: Any,
        workflow_id: str,
        workflow_run_id: str,
        rpc_name: str,
        timeout_seconds: int,
        data_attribute_policy: PersistenceLoadingPolicy | None = None,
        all_defined_search_attribute_types: list[SearchAttributeKeyAndType] | None = None,
        return_type_hint: type[T] | None = None,
        use_memo_for_data_attributes: bool = False,
        search_attribute_policy: PersistenceLoadingPolicy | None = None,
    ) -> T | None:
        """Call an RPC and return its output, once all that it wrote is durable.

        ``all_defined_search_attribute_types`` and ``use_memo_for_data_attributes`` are kept for iWF's
        servers and change nothing: every search attribute carries its type, and reads are consistent.

        Raises:
            WorkflowRPCExecutionError: the method failed; nothing was written.
            WorkflowRPCAcquiringLockFailure: another call holds what it locks; it did not run.
        """
        call = RpcCall(
            WorkflowId(workflow_id),
            rpc_name,
            self.encoder.seal(input),
            _run(workflow_run_id),
            loading(data_attribute_policy),
            loading(search_attribute_policy),
            timeout_seconds * 1000,
        )
        return self.call_rpc(call, return_type_hint)

    def call_rpc(self, call: RpcCall, return_type_hint: type[T] | None = None) -> T | None:
        """Call an RPC in the model's words; as ``invoke_rpc``."""
        output: EncodedValue | None = self._ask(self._backend.call_rpc(call), Asked.RPC)
        value: T | None = self.encoder.decode(output, return_type_hint)
        return value

    def signal_workflow(
        self, workflow_id: str, workflow_run_id: str, signal_channel_name: str, signal_value: Any = None
    ) -> None:
        """Put a message on a signal channel, kept until a state takes it."""
        message = Message(signal_channel_name, self.encoder.seal(signal_value))
        self._ask(self._backend.signal(WorkflowId(workflow_id), message, run_id=_run(workflow_run_id)))

    def skip_timer_by_command_id(
        self,
        workflow_id: str,
        workflow_run_id: str,
        workflow_state_id: str,
        timer_command_id: str,
        state_execution_number: int = 1,
    ) -> None:
        """Let a timer's moment be now."""
        timer = TimerRef(_execution_id(workflow_state_id, state_execution_number), timer_command_id)
        self._ask(self._backend.skip_timer(WorkflowId(workflow_id), timer, run_id=_run(workflow_run_id)))

    def skip_timer_at_command_index(
        self,
        workflow_id: str,
        workflow_run_id: str,
        workflow_state_id: str,
        state_execution_number: int = 1,
        timer_command_index: int = 0,
    ) -> None:
        """Let the moment of one of a state's timers, counted from 0, be now."""
        timer = TimerRef(_execution_id(workflow_state_id, state_execution_number), index=timer_command_index)
        self._ask(self._backend.skip_timer(WorkflowId(workflow_id), timer, run_id=_run(workflow_run_id)))

    def wait_for_state_execution_completion_with_state_execution_id(
        self, workflow_id: str, state_execution_id: str
    ) -> None:
        """Wait until ``verify-2`` has completed; it must be named when the workflow is started.

        Raises:
            StateStillRunningError: it has not; nothing is lost by asking again.
        """
        wait = StateWait(WorkflowId(workflow_id), state_execution_id=StateExecutionId(state_execution_id))
        self._ask(self._backend.wait_for_state(wait, wait_ms=self._state_wait_ms), Asked.STATE)

    def wait_for_state_execution_completion_with_wait_for_key(
        self, workflow_id: str, state_id: str, wait_for_key: str
    ) -> None:
        """Wait until the state that was started under this key has completed; as with its execution id."""
        wait = StateWait(WorkflowId(workflow_id), state_id=StateId(state_id), key=wait_for_key)
        self._ask(self._backend.wait_for_state(wait, wait_ms=self._state_wait_ms), Asked.STATE)

    # Attributes

    def get_workflow_data_attributes(
        self,
        workflow_id: str,
        workflow_run_id: str = "",
        attribute_keys: list[str] | None = None,
        use_memo_for_data_attributes: bool | None = None,
    ) -> WorkflowGetDataObjectsResponse:
        """Read data attributes, still sealed; ``None`` means all."""
        reading = self._backend.get_data_attributes(
            WorkflowId(workflow_id), attribute_keys, run_id=_run(workflow_run_id)
        )
        return WorkflowGetDataObjectsResponse(
            [KeyValue(found.key, UNSET if found.value is None else found.value) for found in self._ask(reading)]
        )

    def set_workflow_data_attributes(self, workflow_id: str, workflow_run_id: str, attrs: dict[str, Any]) -> None:
        """Write data attributes in one step, whatever is locked."""
        self._ask(
            self._backend.set_data_attributes(WorkflowId(workflow_id), self._data(attrs), run_id=_run(workflow_run_id))
        )

    def get_workflow_search_attributes(
        self,
        workflow_id: str,
        workflow_run_id: str = "",
        attribute_keys: list[SearchAttributeKeyAndType] | None = None,
    ) -> WorkflowGetSearchAttributesResponse:
        """Read search attributes; ``None`` means all."""
        keys = None if attribute_keys is None else [(asked.key, asked.value_type) for asked in attribute_keys]
        reading = self._backend.get_search_attributes(WorkflowId(workflow_id), keys, run_id=_run(workflow_run_id))
        return WorkflowGetSearchAttributesResponse([from_model(found) for found in self._ask(reading)])

    def set_workflow_search_attributes(
        self, workflow_id: str, workflow_run_id: str, search_attributes: list[SearchAttribute]
    ) -> None:
        """Write search attributes in one step, whatever is locked."""
        attributes = [to_model(attribute) for attribute in search_attributes]
        self._ask(
            self._backend.set_search_attributes(WorkflowId(workflow_id), attributes, run_id=_run(workflow_run_id))
        )

    def search_workflow(self, request: WorkflowSearchRequest) -> WorkflowSearchResponse:
        """Find runs by iWF's query language, a page at a time."""
        searching = self._backend.search(
            request.query,
            page_size=given(request.page_size) or PAGE_SIZE,
            page_token=given(request.next_page_token) or "",
        )
        page = self._ask(searching)
        entries = [WorkflowSearchResponseEntry(run.workflow_id, run.run_id) for run in page.runs]
        return WorkflowSearchResponse(entries, page.next_token or UNSET)

    def _data(self, values: dict[str, Any]) -> tuple[DataAttribute, ...]:
        return tuple(DataAttribute(key, self.encoder.seal(value)) for key, value in values.items())

    def _ask(self, question: Coroutine[Any, Any, T], asked: Asked = Asked.OTHER) -> T:
        try:
            return self._portal.run(question)
        except PerdureError as error:
            raise http_error(error, asked=asked) from error


def start_options(options: UnregisteredWorkflowOptions, timeout_seconds: int) -> StartOptions:
    taken = options.workflow_already_started_options
    policy = options.workflow_id_reuse_policy
    return StartOptions(
        id_reuse=IdReusePolicy.ALLOW_IF_NO_RUNNING if policy is None else IdReusePolicy(policy.value),
        timeout_ms=timeout_seconds * 1000,
        delay_ms=(options.workflow_start_delay_seconds or 0) * 1000,
        retry=None if options.workflow_retry_policy is None else retry(options.workflow_retry_policy),
        cron=options.cron_schedule or None,
        ignore_already_started=taken is not None and taken.ignore_already_started_error,
        request_id=None if taken is None else given(taken.request_id),
        wait_for_states=frozenset(map(StateId, options.wait_for_completion_state_ids or ())),
        wait_for_state_executions=_texts(options.wait_for_completion_state_execution_ids),
        config=config(options.workflow_config_override),
        use_memo=bool(options.using_memo_for_data_attributes),
    )


def _texts(items: Iterable[str] | None) -> frozenset[str]:
    return frozenset(items or ())


def _run(run_id: str | None) -> RunId | None:
    return RunId(run_id) if run_id else None


def _execution_id(state_id: str, number: int) -> StateExecutionId:
    return StateExecutionId(f"{state_id}-{number}")


def _get_response(info: RunInfo) -> WorkflowGetResponse:
    response = WorkflowGetResponse(info.run_id, WorkflowStatus(info.status.value))
    outcome = info.outcome
    if outcome is None:
        return response
    if outcome.results is not None:
        response.results = [
            StateCompletionOutput(result.state_id, result.state_execution_id, result.output)
            for result in outcome.results
        ]
    if outcome.error_type is not None:
        response.error_type = WorkflowErrorType(outcome.error_type.value)
    if outcome.error_message is not None:
        response.error_message = outcome.error_message
    return response


def _reset_request(workflow_id: str, run_id: str, options: ResetWorkflowTypeAndOptions) -> ResetRequest:
    return ResetRequest(
        WorkflowId(workflow_id),
        options.reset_type,
        _run(run_id),
        event_id=options.history_event_id,
        time_ms=None if options.history_event_time is None else _time_ms(options.history_event_time),
        state_id=None if options.state_id is None else StateId(options.state_id),
        state_execution_id=(
            None if options.state_execution_id is None else StateExecutionId(options.state_execution_id)
        ),
        reason=options.reason,
        skip_signals=bool(options.skip_signal_reapply),
    )


def _time_ms(text: str) -> int:
    # A while ago needs to know the time, and which clock counts is the backend's to say.
    if not ("T" in text or text.lstrip("+-").isdigit()):
        raise InvalidArgumentError(
            f"found history_event_time {text!r}, expected a date with an offset, such as "
            "2030-01-01T00:00:00+00:00, or Unix nanoseconds"
        )
    try:
        return parse_moment_ns(text, now_ms=0) // 1_000_000
    except ValueError as error:
        raise InvalidArgumentError(str(error)) from None
