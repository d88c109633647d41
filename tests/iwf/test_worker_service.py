"""The routes of a worker, as iWF's users write them with Flask, before a server's side of the protocol."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from perdure.iwf.iwf_api.models import (
    WorkflowStateExecuteRequest,
    WorkflowStateWaitUntilRequest,
    WorkflowWorkerRpcRequest,
)
from perdure.iwf.registry import Registry
from perdure.iwf.worker_service import WorkerOptions, WorkerService, default_worker_options
from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    Failure,
    RpcAnswer,
    RpcRequest,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
)
from perdure.model.decisions import Movement
from perdure.model.value import EncodedValue
from perdure.wire.worker_answer import WorkerReply, read_reply
from perdure.wire.worker_request import encode_worker_request
from tests.iwf.everything import Everything
from tests.iwf.test_runner import ORDER, OddOnes, rpc_request, state_request

PATHS = {
    StateMethod.WAIT_UNTIL: WorkerService.api_path_workflow_state_wait_until,
    StateMethod.EXECUTE: WorkerService.api_path_workflow_state_execute,
}


@pytest.fixture
def worker() -> FlaskClient:
    registry = Registry()
    registry.add_workflows(Everything(), OddOnes())
    service = WorkerService(registry)
    app = Flask("worker")

    @app.post(WorkerService.api_path_workflow_state_wait_until)
    def wait_until() -> dict[str, Any]:
        asked = WorkflowStateWaitUntilRequest.from_dict(request.get_json())
        return service.handle_workflow_state_wait_until(asked).to_dict()

    @app.post(WorkerService.api_path_workflow_state_execute)
    def execute() -> dict[str, Any]:
        asked = WorkflowStateExecuteRequest.from_dict(request.get_json())
        return service.handle_workflow_state_execute(asked).to_dict()

    @app.post(WorkerService.api_path_workflow_worker_rpc)
    def rpc() -> dict[str, Any]:
        asked = WorkflowWorkerRpcRequest.from_dict(request.get_json())
        return service.handle_workflow_worker_rpc(asked).to_dict()

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[str, int]:
        return service.handle_worker_error(error), 500

    return app.test_client()


def ask(worker: FlaskClient, asked: StateRequest | RpcRequest, workflow_type: str = "Everything") -> Answer | Failure:
    body = {**encode_worker_request(asked), "workflowType": workflow_type}
    path = PATHS[asked.call.method] if isinstance(asked, StateRequest) else WorkerService.api_path_workflow_worker_rpc
    reply = worker.post(path, json=body)
    return read_reply(asked, WorkerReply(reply.status_code, reply.data, reply.content_type))


def test_a_server_can_ask_for_all_three_calls(worker: FlaskClient) -> None:
    waits = ask(worker, state_request("Begin", StateMethod.WAIT_UNTIL, ORDER))
    decides = ask(worker, state_request("Begin", StateMethod.EXECUTE, ORDER))
    answers = ask(worker, rpc_request("plain"))

    assert isinstance(waits, WaitUntilAnswer)
    assert [local.key for local in waits.locals] == ["left"]
    assert isinstance(decides, ExecuteAnswer)
    assert [step.state_id for step in decides.decision.next if isinstance(step, Movement)] == ["Gather", "Rest"]
    assert isinstance(answers, RpcAnswer)
    assert answers.output == EncodedValue('"nothing asked"', "json/plain")


def test_a_coroutine_is_awaited(worker: FlaskClient) -> None:
    asked = state_request("Odd", StateMethod.EXECUTE, EncodedValue('"x"', "json"))

    assert isinstance(ask(worker, asked, "OddOnes"), ExecuteAnswer)


def test_what_a_handler_raises_goes_to_the_server_as_text(worker: FlaskClient) -> None:
    refused = ask(worker, rpc_request("refuse", EncodedValue('"not today"', "json/plain")))

    assert isinstance(refused, Failure)
    assert refused.status == 500
    assert "WorkerExecutionError: not today; StackTrace:Traceback" in refused.message


def test_an_unknown_type_is_an_error_too(worker: FlaskClient) -> None:
    unknown = ask(worker, state_request("S", StateMethod.EXECUTE), "Other")

    assert isinstance(unknown, Failure)
    assert "'Other' is not registered" in unknown.message


def test_nothing_in_an_older_sdks_way_is_read_as_nothing(worker: FlaskClient) -> None:
    null = {"encoding": "binary/null"}
    body = {
        "context": {"workflowId": "w", "workflowRunId": "r", "workflowStartedTimestamp": 1, "attempt": 1},
        "workflowType": "Everything",
        "workflowStateId": "Rest",
        "stateInput": null,
        "DataObjects": [{"key": "order", "value": null}],
        "commandResults": {"interStateChannelResults": [], "stateStartApiSucceeded": True},
    }

    reply = worker.post(WorkerService.api_path_workflow_state_execute, json=body)

    assert reply.status_code == 500  # Rest expects that nothing was waited for; here a wait was told of
    assert "AssertionError" in reply.text
    del body["commandResults"]
    reply = worker.post(WorkerService.api_path_workflow_state_execute, json=body)
    assert reply.get_json() == {"stateDecision": {"nextStates": [{"stateId": "_SYS_DEAD_END"}]}}


def test_the_default_encoder_is_iwfs() -> None:
    assert default_worker_options == WorkerOptions()
