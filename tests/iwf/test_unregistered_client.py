from __future__ import annotations

from collections.abc import Iterator

import pytest

from perdure.iwf.client_options import ClientOptions
from perdure.iwf.errors import ClientSideError, InvalidArgumentError, WorkflowStillRunningError
from perdure.iwf.iwf_api.models import (
    IDReusePolicy,
    PersistenceLoadingPolicy,
    SearchAttribute,
    SearchAttributeKeyAndType,
    SearchAttributeValueType,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowRetryPolicy,
    WorkflowSearchRequest,
    WorkflowStatus,
)
from perdure.iwf.registry import Registry
from perdure.iwf.reset_workflow_type_and_options import (
    reset_to_history_event_id,
    reset_to_history_event_time,
    reset_to_state_execution_id,
)
from perdure.iwf.unregistered_client import UnregisteredClient, UnregisteredWorkflowOptions, start_options
from perdure.iwf.workflow_state_options import WorkflowStateOptions
from perdure.model import options as model
from perdure.model.ids import StateId
from perdure.testing.environment import Environment
from tests.iwf.everything import Endings, Everything, Order, Patient


@pytest.fixture
def env() -> Iterator[Environment]:
    registry = Registry()
    registry.add_workflows(Everything(), Endings(), Patient())
    with Environment(*registry) as environment:
        yield environment


@pytest.fixture
def client(env: Environment) -> Iterator[UnregisteredClient]:
    with UnregisteredClient(backend=env.client.asynchronous.backend) as opened:
        yield opened


def test_everything_can_be_done_by_names(env: Environment, client: UnregisteredClient) -> None:
    options = UnregisteredWorkflowOptions(
        start_state_options=WorkflowStateOptions(execute_api_timeout_seconds=9),
        initial_data_attributes={"note-a": "b"},
        initial_search_attributes=[SearchAttribute("CustomIntField", integer_value=1, value_type=INT)],
        wait_for_completion_state_ids=["choose"],
        wait_for_completion_state_execution_ids=["Gather-1"],
    )
    run_id = client.start_workflow("Everything", "w", "Begin", 0, Order("book", 3), options)
    env.settle()
    client.skip_timer_by_command_id("w", run_id, "Gather", "minute", 1)
    client.signal_workflow("w", "", "go", 7)
    client.wait_for_state_execution_completion_with_state_execution_id("w", "Gather-1")
    env.settle()
    assert client.invoke_rpc(1.0, "w", run_id, "price", 10, PersistenceLoadingPolicy(), [], float) == 4.0
    client.skip_timer_at_command_index("w", "", "choose", 1, 0)
    client.set_workflow_data_attributes("w", "", {"note-c": "d"})
    client.set_workflow_search_attributes(
        "w", run_id, [SearchAttribute("CustomKeywordField", string_value="film", value_type=KEYWORD)]
    )

    data = client.get_workflow_data_attributes("w", run_id, ["note-c"]).objects
    search = client.get_workflow_search_attributes("w", "", [SearchAttributeKeyAndType("CustomKeywordField", KEYWORD)])
    page = client.search_workflow(WorkflowSearchRequest("IwfWorkflowType = 'Everything'", page_size=1))

    assert [(item.key, client.encoder.decode(item.value)) for item in data] == [("note-c", "d")]
    assert [attribute.string_value for attribute in search.search_attributes] == ["film"]
    assert len(client.get_workflow_search_attributes("w").search_attributes) >= 7
    assert [entry.workflow_run_id for entry in page.workflow_executions] == [run_id]
    assert client.get_workflow("w", run_id).workflow_status is WorkflowStatus.RUNNING
    client.signal_workflow("w", "", "go", 8)
    client.wait_for_state_execution_completion_with_wait_for_key("w", "choose", "chosen")
    assert client.get_simple_workflow_result_with_wait("w", "", str) == "all read"


KEYWORD, INT = SearchAttributeValueType.KEYWORD, SearchAttributeValueType.INT


def test_a_run_goes_back_to_moments_of_every_kind(env: Environment, client: UnregisteredClient) -> None:
    first = client.start_workflow("Endings", "w", "Drain", 0, "complete")
    client.get_simple_workflow_result_with_wait("w")
    runs = [
        client.reset_workflow("w", run_id, to).workflow_run_id
        for run_id, to in (
            (first, reset_to_history_event_id(4, "first step")),
            (first, reset_to_state_execution_id("Drain-1", "that pass")),
            (first, reset_to_history_event_time(str(env.now().timestamp()).split(".")[0] + "0" * 9, "by then")),
            (first, reset_to_history_event_time(env.now().isoformat(), "by then")),
        )
    ]

    assert len({first, *runs}) == 5
    for text in ("2h", "2030-01-01T00:00"):
        with pytest.raises(InvalidArgumentError):
            client.reset_workflow("w", "", reset_to_history_event_time(text, "unclear"))


def test_a_run_without_a_first_state_idles_until_it_is_stopped(client: UnregisteredClient) -> None:
    client.start_workflow("Patient", "w", None, 0)
    client.stop_workflow("w")

    ended = client.get_workflow("w")

    assert ended.workflow_status is WorkflowStatus.CANCELED


def test_a_failed_run_tells_why(env: Environment, client: UnregisteredClient) -> None:
    client.start_workflow("Endings", "w", "Drain", 0, "fail")
    env.settle()

    ended = client.get_workflow("w")

    assert (ended.workflow_status, ended.error_type) == ("FAILED", "STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE")


def test_errors_are_those_of_a_server(client: UnregisteredClient) -> None:
    with pytest.raises(ClientSideError):
        client.search_workflow(WorkflowSearchRequest("no query = = "))


def test_options_bound_how_long_is_waited(env: Environment) -> None:
    options = ClientOptions(api_timeout=1)
    with UnregisteredClient(options, backend=env.client.asynchronous.backend) as client:
        client.start_workflow("Patient", "w", None, 0)
        with pytest.raises(WorkflowStillRunningError):
            client.get_simple_workflow_result_with_wait("w")


def test_start_options_in_the_models_words() -> None:
    options = UnregisteredWorkflowOptions(
        IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY,
        "* * * * *",
        5,
        WorkflowRetryPolicy(maximum_attempts=2),
        None,
        WorkflowConfig(continue_as_new_threshold=9),
        WorkflowAlreadyStartedOptions(True, "r"),
        None,
        ["S-1"],
        ["S"],
        None,
        True,
    )

    assert start_options(options, 60) == model.StartOptions(
        model.IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED,
        60_000,
        5_000,
        model.RetryPolicy(maximum_attempts=2),
        "* * * * *",
        ignore_already_started=True,
        request_id="r",
        wait_for_states=frozenset({StateId("S")}),
        wait_for_state_executions=frozenset({"S-1"}),
        config=model.WorkflowConfig(continue_as_new_threshold=9),
        use_memo=True,
    )
    assert start_options(UnregisteredWorkflowOptions(), 0) == model.StartOptions()
