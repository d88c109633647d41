"""A worker's side of iWF's protocol, for whatever web framework serves it.

Three routes, each of which hands a request's JSON in and an answer's out::

    @app.post(WorkerService.api_path_workflow_state_execute)
    def execute():
        request = WorkflowStateExecuteRequest.from_dict(flask.request.json)
        return service.handle_workflow_state_execute(request).to_dict()
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Coroutine
from typing import Any, ClassVar, cast

from perdure.iwf.iwf_api.models.worker import (
    WorkflowStateExecuteRequest,
    WorkflowStateExecuteResponse,
    WorkflowStateWaitUntilRequest,
    WorkflowStateWaitUntilResponse,
    WorkflowWorkerRpcRequest,
    WorkflowWorkerRpcResponse,
)
from perdure.iwf.registry import Registry
from perdure.iwf.worker_options import WorkerOptions, default_worker_options
from perdure.model.calls import Answer, ExecuteAnswer, RpcAnswer, RpcRequest, StateRequest, WaitUntilAnswer
from perdure.worker.runnable import runnable_of, runnables_of

__all__ = ["WorkerOptions", "WorkerService", "default_worker_options"]


class WorkerService:
    """Runs what a server asks for, in the thread that asks."""

    api_path_workflow_state_wait_until: ClassVar[str] = "/api/v1/workflowState/start"
    api_path_workflow_state_execute: ClassVar[str] = "/api/v1/workflowState/decide"
    api_path_workflow_worker_rpc: ClassVar[str] = "/api/v1/workflowWorker/rpc"

    def __init__(self, registry: Registry, options: WorkerOptions = default_worker_options) -> None:
        self._runnables = runnables_of(registry.runnables(options.object_encoder))

    @staticmethod
    def handle_worker_error(exception: Exception) -> str:
        """Return the text that goes to the server, with status 500, where a handler raised."""
        stack = "".join(traceback.format_exception(exception))
        return f"WorkerExecutionError: {exception}; StackTrace:{stack}"

    def handle_workflow_state_wait_until(
        self, request: WorkflowStateWaitUntilRequest
    ) -> WorkflowStateWaitUntilResponse:
        """Run a state's ``wait_until``. Raises what it raises, and what is wrong with the request."""
        return WorkflowStateWaitUntilResponse(cast("WaitUntilAnswer", self._answer(request.request)))

    def handle_workflow_state_execute(self, request: WorkflowStateExecuteRequest) -> WorkflowStateExecuteResponse:
        """Run a state's ``execute``; as ``handle_workflow_state_wait_until``."""
        return WorkflowStateExecuteResponse(cast("ExecuteAnswer", self._answer(request.request)))

    def handle_workflow_worker_rpc(self, request: WorkflowWorkerRpcRequest) -> WorkflowWorkerRpcResponse:
        """Run an RPC's method; as ``handle_workflow_state_wait_until``."""
        return WorkflowWorkerRpcResponse(cast("RpcAnswer", self._answer(request.request)))

    def _answer(self, request: StateRequest | RpcRequest) -> Answer:
        task = runnable_of(self._runnables, request).task_of(request)
        result = task.call()
        if task.is_async:
            result = asyncio.run(cast("Coroutine[Any, Any, object]", result))
        return task.answer(result)
