from __future__ import annotations

from pathlib import Path

import pytest

from perdure.iwf.client import Client
from perdure.iwf.client_options import ClientOptions
from perdure.iwf.errors import (
    InvalidArgumentError,
    NotRegisteredError,
    WorkflowAlreadyStartedError,
    WorkflowDefinitionError,
    WorkflowNotExistsError,
)
from perdure.iwf.iwf_api.models import IDReusePolicy
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.registry import Registry
from perdure.iwf.workflow_options import WorkflowOptions
from perdure.worker.serving import Worker
from tests.authoring.onboarding import Onboarding
from tests.iwf.everything import Endings, Everything, Gather, Order
from tests.iwf.place import place
from tests.iwf.test_object_encoder import Reversed
from tests.server.process import ServerProcess
from tests.worker.test_serving import waitress_serves


def test_state_executions_to_wait_for_may_be_assigned() -> None:
    options = WorkflowOptions()
    options.wait_for_completion_state_execution_ids = ["Gather-1"]
    with place(Everything()) as (_env, client):
        client.start_workflow(Everything, "w", 0, Order("book", 3), options)
        client.signal_workflow("w", "go", 1)
        client.wait_for_state_execution_completion_with_state_execution_id(Gather, "w")
        assert client.get_workflow_data_attributes(Everything, "w", keys=["found"])["found"]["waited"]


def test_initial_search_attributes_are_checked() -> None:
    with place(Everything()) as (_env, client):
        for values, kind in (({"Other": 1}, WorkflowDefinitionError), ({"CustomIntField": "1"}, InvalidArgumentError)):
            with pytest.raises(kind):
                client.start_workflow(
                    Everything, "w", 0, Order("book", 3), WorkflowOptions(initial_search_attributes=values)
                )


def test_an_undeclared_attribute_that_is_found_is_told() -> None:
    with place(Everything()) as (env, client):
        options = WorkflowOptions(initial_data_attributes={"surprise": 1})
        client.start_workflow(Everything, "w", 0, Order("book", 3), options)
        env.settle()
        with pytest.raises(NotRegisteredError, match="'surprise'"):
            client.get_all_workflow_data_attributes(Everything, "w")


def test_values_are_sealed_by_the_encoder_of_the_options() -> None:
    options = ClientOptions(object_encoder=ObjectEncoder(payload_codec=Reversed()))
    with place(Everything(), options=options) as (env, client):
        client.start_workflow(Everything, "w", 0, Order("book", 3))
        env.settle()

        sealed = client._unregistered_client.get_workflow_data_attributes("w").objects[0].value

        assert "book" not in str(sealed)
        assert client.get_workflow_data_attributes(Everything, "w", keys=["order"]) == {"order": Order("book", 3)}


def test_workflows_of_both_kinds_run_in_one_file(tmp_path: Path) -> None:
    registry = Registry()
    registry.add_workflow(Endings())
    with Client.local(registry, f"sqlite:///{tmp_path / 'both.db'}", Onboarding()) as client:
        client.start_workflow(Endings, "w", 0, "complete")
        assert client.wait_for_workflow_completion("w") == "completed"


def test_a_program_of_iwf_speaks_to_a_server_as_it_always_did(tmp_path: Path) -> None:
    registry = Registry()
    registry.add_workflows(Everything(), Endings())
    worker = Worker(*registry.runnables(ObjectEncoder.default))
    with ServerProcess(tmp_path) as server, waitress_serves(worker.wsgi_app()) as worker_url:
        client = Client(registry, ClientOptions(server_url=server.url, worker_url=worker_url))
        with client:
            client.start_workflow(Endings, "w", 60, "complete")
            with pytest.raises(WorkflowAlreadyStartedError):
                client.start_workflow(
                    Endings, "w", 60, "complete", WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE)
                )
            assert client.wait_for_workflow_completion("w") == "completed"
            with pytest.raises(WorkflowNotExistsError):
                client.signal_workflow("nobody", "go", 1)
