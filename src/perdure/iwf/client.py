"""Starting and asking workflows by their classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from perdure.authoring.inspection import AnyWorkflow
from perdure.connect import connect
from perdure.iwf.client_options import ClientOptions
from perdure.iwf.errors import InvalidArgumentError, NotRegisteredError
from perdure.iwf.iwf_api.models.responses import WorkflowResetResponse
from perdure.iwf.iwf_api.models.values import KeyValue, SearchAttribute, SearchAttributeKeyAndType
from perdure.iwf.iwf_api.types import given
from perdure.iwf.registry import Registry
from perdure.iwf.reset_workflow_type_and_options import ResetWorkflowTypeAndOptions
from perdure.iwf.rpc import is_rpc, rpc_info
from perdure.iwf.search_attributes import convert_to_sa_list, get_search_attribute_value
from perdure.iwf.stop_workflow_options import StopWorkflowOptions
from perdure.iwf.type_store import TypeStore, fits
from perdure.iwf.unregistered_client import UnregisteredClient, UnregisteredWorkflowOptions
from perdure.iwf.workflow import ObjectWorkflow, get_workflow_type_by_class
from perdure.iwf.workflow_info import WorkflowInfo
from perdure.iwf.workflow_options import StateRef, WorkflowOptions
from perdure.iwf.workflow_state import WorkflowState
from perdure.model.ids import WorkflowId
from perdure.model.options import StateOptions
from perdure.model.requests import RpcCall
from perdure.ports.backend import Backend

T = TypeVar("T")


class Client:
    """Starts the workflows of a registry and talks to them.

    Everything waits for its answer; see ``perdure.iwf.errors`` for what is raised. A context manager
    that closes what it was opened with.
    """

    def __init__(
        self,
        registry: Registry,
        options: ClientOptions | None = None,
        *,
        backend: Backend | None = None,
        close: Callable[[], None] | None = None,
    ) -> None:
        """Speak to the server that the options name, or to a backend in this process.

        Args:
            options: ``ClientOptions.local_default()`` if left out. With a backend and without options a wait
                for an end takes as long as it takes; with options it ends after their seconds.
            backend: such as that of a native client, ``client.asynchronous.backend``.
            close: releases what was opened for this client.
        """
        self._registry = registry
        self._unregistered_client = UnregisteredClient(options, backend=backend)
        self._encoder = self._unregistered_client.encoder
        self._release = close

    @classmethod
    def local(cls, registry: Registry, url: str, *native: AnyWorkflow, options: ClientOptions | None = None) -> Client:
        """Open what the URL names, such as ``sqlite:///workflows.db``, and run the registry's workflows in it.

        This needs no server and no worker beside it; everything in progress goes on at once.

        Args:
            native: workflows written with Perdure's own names, to run beside them.
        """
        encoder = (options or ClientOptions.local_default()).object_encoder
        opened = connect(url, *registry.runnables(encoder), *native)
        return cls(registry, options, backend=opened.asynchronous.backend, close=opened.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what was opened for this client; harmless to repeat."""
        self._unregistered_client.close()
        release, self._release = self._release, None
        if release is not None:
            release()

    # Starting and ending

    def start_workflow(
        self,
        wf_class: type[ObjectWorkflow],
        wf_id: str,
        timeout_seconds: int,
        input: Any = None,
        options: WorkflowOptions | None = None,
    ) -> str:
        """Start a run and return its id, before any of its states has run.

        Args:
            timeout_seconds: for the run with all its retries; 0: none.

        Raises:
            WorkflowAlreadyStartedError: the id is taken.
            InvalidArgumentError: the class is not registered.
        """
        definition = self._registry.definition(get_workflow_type_by_class(wf_class))
        starting = definition.starting
        return self._unregistered_client.start(
            definition.workflow_type,
            wf_id,
            None if starting is None else starting.state_id,
            StateOptions() if starting is None else definition.options_of(starting),
            timeout_seconds,
            input,
            self._by_names(wf_class, options or WorkflowOptions()),
        )

    def wait_for_workflow_completion(self, workflow_id: str, type_hint: type[T] | None = None) -> T | None:
        """Wait until a workflow has completed, and return its one output; ``None`` if it has none.

        Args:
            type_hint: what the output is to be; plain JSON if left out.

        Raises:
            WorkflowAbnormalExitError: it ended otherwise; the subclass says how.
            WorkflowStillRunningError: it still runs; nothing is lost by asking again.
            WorkflowDefinitionError: it has several outputs.
        """
        return self._unregistered_client.get_simple_workflow_result_with_wait(workflow_id, "", type_hint)

    def get_simple_workflow_result_with_wait(self, workflow_id: str, type_hint: type[T] | None = None) -> T | None:
        """Do as ``wait_for_workflow_completion``, which iWF recommends instead."""
        warnings.warn("use wait_for_workflow_completion instead", DeprecationWarning, stacklevel=2)
        return self.wait_for_workflow_completion(workflow_id, type_hint)

    def stop_workflow(self, workflow_id: str, options: StopWorkflowOptions | None = None) -> None:
        """End a run; it is canceled if the options do not say otherwise."""
        self._unregistered_client.stop_workflow(workflow_id, "", options)

    def describe_workflow(self, workflow_id: str, workflow_run_id: str | None = None) -> WorkflowInfo:
        """Tell how a run stands, without waiting."""
        return WorkflowInfo(self._unregistered_client.get_workflow(workflow_id, workflow_run_id or "").workflow_status)

    def reset_workflow(
        self, workflow_id: str, reset_workflow_type_and_options: ResetWorkflowTypeAndOptions
    ) -> WorkflowResetResponse:
        """Go back to an earlier moment, as a new run."""
        return self._unregistered_client.reset_workflow(workflow_id, "", reset_workflow_type_and_options)

    # Talking to one

    def invoke_rpc(
        self, workflow_id: str, rpc: Callable[..., Any], input: Any = None, return_type_hint: type[T] | None = None
    ) -> T | Any:
        """Call an RPC and return its output, once all that it wrote is durable.

        Args:
            rpc: the method, of the class or of an object: ``Signup.verify``.
            return_type_hint: what the output is to be; plain JSON if left out.

        Raises:
            WorkflowRPCExecutionError: the method failed; nothing was written.
            WorkflowRPCAcquiringLockFailure: another call holds what it locks; it did not run.
            InvalidArgumentError: it is no RPC of a registered workflow.
        """
        name = getattr(rpc, "__name__", str(rpc))
        if not is_rpc(rpc) or not self._registry.has_rpc(name):
            raise InvalidArgumentError(f"found {rpc!r}, expected a method with @rpc of a registered workflow")
        info = rpc_info(rpc)
        call = RpcCall(
            WorkflowId(workflow_id),
            name,
            self._encoder.seal(input),
            data_loading=info.loading,
            timeout_ms=info.timeout_seconds * 1000,
        )
        return self._unregistered_client.call_rpc(call, return_type_hint)

    def signal_workflow(self, workflow_id: str, signal_channel_name: str, signal_value: Any | None = None) -> None:
        """Put a message on a signal channel, kept until a state takes it."""
        self._unregistered_client.signal_workflow(workflow_id, "", signal_channel_name, signal_value)

    def skip_timer_by_command_id(
        self, workflow_id: str, workflow_state_id: str, timer_command_id: str, state_execution_number: int = 1
    ) -> None:
        """Let a timer's moment be now."""
        self._unregistered_client.skip_timer_by_command_id(
            workflow_id, "", workflow_state_id, timer_command_id, state_execution_number
        )

    def skip_timer_at_command_index(
        self,
        workflow_id: str,
        workflow_state_id: StateRef,
        state_execution_number: int = 1,
        timer_command_index: int = 0,
    ) -> None:
        """Let the moment of one of a state's timers, counted from 0, be now."""
        state_id = self._registry.state_id_of(workflow_state_id)
        self._unregistered_client.skip_timer_at_command_index(
            workflow_id, "", state_id, state_execution_number, timer_command_index
        )

    def wait_for_state_execution_completion_with_state_execution_id(
        self, state_class: type[WorkflowState[Any]], workflow_id: str, state_execution_number: int = 1
    ) -> None:
        """Wait until a pass through a state has completed; the options of the start must name it.

        Raises:
            StateStillRunningError: it has not; nothing is lost by asking again.
        """
        state_execution_id = f"{self._registry.state_id_of(state_class)}-{state_execution_number}"
        self._unregistered_client.wait_for_state_execution_completion_with_state_execution_id(
            workflow_id, state_execution_id
        )

    def wait_for_state_execution_completion_with_wait_for_key(
        self, state_class: type[WorkflowState[Any]], workflow_id: str, wait_for_key: str
    ) -> None:
        """Wait until the state that was started under this key has completed; as with its number."""
        self._unregistered_client.wait_for_state_execution_completion_with_wait_for_key(
            workflow_id, self._registry.state_id_of(state_class), wait_for_key
        )

    # Attributes

    def get_all_workflow_data_attributes(
        self, workflow_class: type[ObjectWorkflow], workflow_id: str, workflow_run_id: str = ""
    ) -> dict[str, Any]:
        """Return every data attribute that has a value.

        Raises:
            NotRegisteredError: one is found that the class does not declare.
        """
        return self.get_workflow_data_attributes(workflow_class, workflow_id, workflow_run_id)

    def get_workflow_data_attributes(
        self,
        workflow_class: type[ObjectWorkflow],
        workflow_id: str,
        workflow_run_id: str = "",
        keys: list[str] | None = None,
    ) -> dict[str, Any]:
        """Return those of these data attributes that have a value.

        Raises:
            NotRegisteredError: the class does not declare one.
        """
        types = self._data_types(workflow_class)
        for key in keys or ():
            types.get_type(key)
        response = self._unregistered_client.get_workflow_data_attributes(workflow_id, workflow_run_id, keys)
        return dict(self._opened(found, types) for found in response.objects if given(found.value) is not None)

    def set_workflow_data_attributes(
        self,
        workflow_class: type[ObjectWorkflow],
        workflow_id: str,
        workflow_run_id: str = "",
        data_attributes: dict[str, Any] | None = None,
    ) -> None:
        """Write data attributes in one step, whatever is locked.

        Raises:
            NotRegisteredError: the class does not declare one, or its value is not of its type.
        """
        types = self._data_types(workflow_class)
        values = data_attributes or {}
        for key, value in values.items():
            declared = types.get_type(key)
            if not fits(value, declared):
                raise NotRegisteredError(f"data attribute {key!r}: found {value!r}, expected {declared}")
        self._unregistered_client.set_workflow_data_attributes(workflow_id, workflow_run_id, values)

    def get_all_search_attributes(
        self, workflow_class: type[ObjectWorkflow], workflow_id: str, workflow_run_id: str | None = None
    ) -> dict[str, Any]:
        """Return every search attribute that the class declares; ``None`` where there is no value."""
        return self._search_attributes(workflow_class, workflow_id, workflow_run_id, None)

    def get_workflow_search_attributes(
        self,
        workflow_class: type[ObjectWorkflow],
        workflow_id: str,
        attribute_keys: list[str],
        workflow_run_id: str | None = None,
    ) -> dict[str, Any]:
        """Return these search attributes; ``None`` where there is no value.

        Raises:
            ValueError: none is asked for.
            InvalidArgumentError: the class does not declare one.
        """
        if not attribute_keys:
            raise ValueError("found no attribute_keys, expected some; get_all_search_attributes returns all")
        return self._search_attributes(workflow_class, workflow_id, workflow_run_id, attribute_keys)

    def set_workflow_search_attributes(
        self,
        workflow_class: type[ObjectWorkflow],
        workflow_id: str,
        search_attributes: list[SearchAttribute],
        workflow_run_id: str | None = None,
    ) -> None:
        """Write search attributes in one step, whatever is locked.

        Raises:
            InvalidArgumentError: the class does not declare one.
            ValueError: one is not of its type.
        """
        types = self._registry.get_search_attribute_types(get_workflow_type_by_class(workflow_class))
        for attribute in search_attributes:
            key, value_type = given(attribute.key) or "", given(attribute.value_type)
            if key not in types:
                raise InvalidArgumentError(f"search attribute {key!r} is not declared; {_known(types)}")
            if value_type is not None and value_type is not types[key]:
                raise ValueError(f"search attribute {key!r}: found {value_type.value}, expected {types[key].value}")
        self._unregistered_client.set_workflow_search_attributes(workflow_id, workflow_run_id or "", search_attributes)

    def _search_attributes(
        self,
        workflow_class: type[ObjectWorkflow],
        workflow_id: str,
        workflow_run_id: str | None,
        keys: list[str] | None,
    ) -> dict[str, Any]:
        types = self._registry.get_search_attribute_types(get_workflow_type_by_class(workflow_class))
        wanted = list(types) if keys is None else keys
        unknown = [key for key in wanted if key not in types]
        if unknown:
            raise InvalidArgumentError(f"search attributes {unknown} are not declared; {_known(types)}")
        if not wanted:
            return {}
        response = self._unregistered_client.get_workflow_search_attributes(
            workflow_id, workflow_run_id or "", [SearchAttributeKeyAndType(key, types[key]) for key in wanted]
        )
        found = {given(attribute.key): attribute for attribute in response.search_attributes}
        return {key: get_search_attribute_value(types[key], found[key]) if key in found else None for key in wanted}

    def _data_types(self, workflow_class: type[ObjectWorkflow]) -> TypeStore:
        return self._registry.get_data_attribute_types(get_workflow_type_by_class(workflow_class))

    def _opened(self, found: KeyValue, types: TypeStore) -> tuple[str, Any]:
        key = given(found.key) or ""
        return key, self._encoder.decode(found.value, types.get_type(key))

    def _by_names(self, wf_class: type[ObjectWorkflow], options: WorkflowOptions) -> UnregisteredWorkflowOptions:
        wf_type = get_workflow_type_by_class(wf_class)
        definition = self._registry.definition(wf_type)

        def name(state: StateRef) -> str:
            return state if isinstance(state, str) else definition.state(state).state_id

        search = options.initial_search_attributes
        return UnregisteredWorkflowOptions(
            workflow_id_reuse_policy=options.workflow_id_reuse_policy,
            cron_schedule=options.workflow_cron_schedule,
            workflow_start_delay_seconds=options.workflow_start_delay_seconds,
            workflow_retry_policy=options.workflow_retry_policy,
            workflow_config_override=options.workflow_config_override,
            workflow_already_started_options=options.workflow_already_started_options,
            initial_data_attributes=options.initial_data_attributes,
            wait_for_completion_state_ids=[name(state) for state in options.wait_for_completion_state_ids],
            wait_for_completion_state_execution_ids=[
                item if isinstance(item, str) else f"{name(item[0])}-{item[1]}"
                for item in options.wait_for_completion_state_execution_ids
            ],
            initial_search_attributes=None if search is None else convert_to_sa_list(definition.search_types, search),
            using_memo_for_data_attributes=definition.persistence_options.enable_caching,
        )


def _known(types: dict[str, Any]) -> str:
    return f"declared are: {', '.join(types) or 'none'}"
