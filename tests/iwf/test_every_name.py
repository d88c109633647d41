"""Every name, signature and call of iWF's Python SDK, run in process: what they do, not only that they are there."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from perdure.iwf.client import Client
from perdure.iwf.client_options import ClientOptions
from perdure.iwf.errors import (
    ClientSideError,
    HttpError,
    InvalidArgumentError,
    NotRegisteredError,
    StateStillRunningError,
    WorkflowAbnormalExitError,
    WorkflowAlreadyStartedError,
    WorkflowCanceled,
    WorkflowDefinitionError,
    WorkflowFailed,
    WorkflowNotExistsError,
    WorkflowRPCAcquiringLockFailure,
    WorkflowRPCExecutionError,
    WorkflowStillRunningError,
    WorkflowTerminated,
    WorkflowTimeout,
)
from perdure.iwf.iwf_api.errors import UnexpectedStatus
from perdure.iwf.iwf_api.models import (
    ErrorSubStatus,
    ExecutingStateIdMode,
    IDReusePolicy,
    SearchAttribute,
    SearchAttributeValueType,
    WorkflowAlreadyStartedOptions,
    WorkflowConfig,
    WorkflowErrorType,
    WorkflowRetryPolicy,
    WorkflowSearchRequest,
    WorkflowStatus,
    WorkflowStopType,
)
from perdure.iwf.registry import Registry
from perdure.iwf.reset_workflow_type_and_options import reset_to_beginning, reset_to_state_id
from perdure.iwf.stop_workflow_options import StopWorkflowOptions
from perdure.iwf.workflow_info import WorkflowInfo
from perdure.iwf.workflow_options import WorkflowOptions
from perdure.testing.environment import Environment
from tests.iwf.everything import (
    Choose,
    Endings,
    Everything,
    Gather,
    Idle,
    Locking,
    Order,
    Patient,
    Risky,
    Waiting,
)
from tests.iwf.place import opened, place

HOUR = timedelta(hours=1)


def test_states_wait_for_all_for_combinations_and_for_nothing_and_remember() -> None:
    options = WorkflowOptions(
        initial_data_attributes={"note-first": "hello"}, initial_search_attributes={"CustomIntField": 1}
    )
    options.add_wait_for_completion_state_ids(Choose)
    options.add_wait_for_completion_state_execution_id(Gather, 1)
    with place(Everything()) as (env, client):
        run_id = client.start_workflow(Everything, "w", 0, Order("book", 3), options)
        assert run_id
        assert client.describe_workflow("w") == WorkflowInfo(WorkflowStatus.RUNNING)
        assert client.describe_workflow("w", run_id).workflow_status == "RUNNING"
        env.settle()
        client.signal_workflow("w", "go", 7)
        env.advance(timedelta(seconds=60))
        client.wait_for_state_execution_completion_with_state_execution_id(Gather, "w", 1)

        read = client.get_all_workflow_data_attributes(Everything, "w")

        assert read["order"] == Order("book", 3)
        assert (read["counts"], read["price"], read["note-left"]) == ([3], 3, "book")
        assert "gone" not in read
        assert read["found"] == {
            "timers": [["minute", "FIRED"]],
            "internal": [["parts", "", "RECEIVED", {"item": "part", "count": 1}]],
            "signals": [["go", "go", "RECEIVED", 7]],
            "waited": True,
        }
        assert read["read"] == [
            "book",
            "some words",
            "2030-01-01T01:00:00+01:00",
            "3",
            "0.5",
            "True",
            "['a', 'b']",
        ]

        assert client.invoke_rpc("w", Everything.answer, "no, thanks") == ["w", 1, 0]
        client.wait_for_state_execution_completion_with_wait_for_key(Choose, "w", "chosen")
        assert client.wait_for_workflow_completion("w", str) == "all read"
        notes = client.get_workflow_data_attributes(Everything, "w", "", ["note-rpc", "found", "note-first"])
        assert notes["note-rpc"] == "no, thanks"
        assert notes["note-first"] == "hello"
        assert notes["found"]["internal"] == [["answers-no", "no", "RECEIVED", None]]
        assert notes["found"]["timers"] == [["late", "SCHEDULED"]]
        with pytest.warns(DeprecationWarning, match="wait_for_workflow_completion"):
            assert client.get_simple_workflow_result_with_wait("w", str) == "all read"


def test_rpcs_take_what_they_want_in_any_order() -> None:
    with place(Everything()) as (env, client):
        client.start_workflow(Everything, "w", 0, Order("book", 3))
        env.settle()

        assert client.invoke_rpc("w", Everything.plain) == "nothing asked"
        assert client.invoke_rpc("w", Everything().plain) == "nothing asked"
        assert client.invoke_rpc("w", Everything.price, 1.5) == 4.5
        assert client.invoke_rpc("w", Everything.describe, return_type_hint=Order) == Order("book", 3)
        assert client.invoke_rpc("w", Everything.start_rest) is None
        with pytest.raises(WorkflowRPCExecutionError) as refused:
            client.invoke_rpc("w", Everything.refuse, "not today")
        assert refused.value.error_resp.original_worker_error_type == "ValueError"
        assert (refused.value.status, refused.value.sub_status) == (420, ErrorSubStatus.WORKER_API_ERROR)
        with pytest.raises(InvalidArgumentError, match="expected a method with @rpc"):
            client.invoke_rpc("w", Everything.get_persistence_options)
        with pytest.raises(InvalidArgumentError):
            client.invoke_rpc("w", Idle.keep)


def test_a_workflow_without_states_is_a_store_with_a_front_desk() -> None:
    with place(Idle()) as (_env, client):
        client.start_workflow(Idle, "w", 0)
        client.invoke_rpc("w", Idle.keep, "this")

        assert client.get_all_workflow_data_attributes(Idle, "w") == {"kept": "this"}


def test_data_attributes_are_written_and_checked_from_outside() -> None:
    with place(Everything()) as (env, client):
        client.start_workflow(Everything, "w", 0, Order("book", 3))
        env.settle()
        client.set_workflow_data_attributes(Everything, "w", "", {"counts": [1, 2], "note-x": "y"})

        assert client.get_workflow_data_attributes(Everything, "w", keys=["counts", "note-x", "gone"]) == {
            "counts": [1, 2],
            "note-x": "y",
        }
        with pytest.raises(NotRegisteredError):
            client.get_workflow_data_attributes(Everything, "w", keys=["other"])
        with pytest.raises(NotRegisteredError):
            client.set_workflow_data_attributes(Everything, "w", data_attributes={"counts": ["one"]})


def test_search_attributes_are_read_written_and_searched() -> None:
    with place(Everything()) as (env, client):
        client.start_workflow(Everything, "w", 0, Order("book", 3))
        env.settle()
        value = SearchAttribute(
            key="CustomKeywordField", string_value="film", value_type=SearchAttributeValueType.KEYWORD
        )
        client.set_workflow_search_attributes(Everything, "w", [value])

        assert client.get_workflow_search_attributes(
            Everything, "w", ["CustomKeywordField", "CustomKeywordArrayField"]
        ) == {"CustomKeywordField": "film", "CustomKeywordArrayField": ["a", "b"]}
        assert client.get_all_search_attributes(Everything, "w") == {
            "CustomKeywordField": "film",
            "CustomTextField": "some words",
            "CustomDatetimeField": "2030-01-01T00:00:00Z",
            "CustomIntField": 3,
            "CustomDoubleField": 0.5,
            "CustomBoolField": True,
            "CustomKeywordArrayField": ["a", "b"],
        }
        found = client._unregistered_client.search_workflow(WorkflowSearchRequest("CustomKeywordField = 'film'"))
        assert [entry.workflow_id for entry in found.workflow_executions] == ["w"]
        with pytest.raises(ValueError, match="attribute_keys"):
            client.get_workflow_search_attributes(Everything, "w", [])
        with pytest.raises(InvalidArgumentError):
            client.get_workflow_search_attributes(Everything, "w", ["Other"])
        with pytest.raises(InvalidArgumentError):
            client.set_workflow_search_attributes(Everything, "w", [SearchAttribute(key="Other")])
        with pytest.raises(ValueError, match="found INT, expected KEYWORD"):
            client.set_workflow_search_attributes(
                Everything,
                "w",
                [SearchAttribute(key="CustomKeywordField", value_type=SearchAttributeValueType.INT)],
            )


def test_a_state_that_fails_goes_on_as_its_options_say() -> None:
    with place(Risky()) as (_env, client):
        client.start_workflow(Risky, "w", 0, "all")

        assert client.wait_for_workflow_completion("w") == "recovered all"


@pytest.mark.parametrize(
    ("word", "output"),
    [("complete", "completed"), ("nothing", None), ("force", "forced"), ("drain", "drained")],
)
def test_decisions_that_complete(word: str, output: str | None) -> None:
    with place(Endings()) as (_env, client):
        client.start_workflow(Endings, "w", 0, word)

        assert client.wait_for_workflow_completion("w") == output


def test_runs_that_end_otherwise_say_how() -> None:
    with place(Endings(), Patient()) as (_env, client):
        client.start_workflow(Endings, "failed", 0, "fail")
        client.start_workflow(Patient, "timeout", 5)
        client.start_workflow(Patient, "canceled", 0)
        client.start_workflow(Patient, "terminated", 0)
        client.stop_workflow("canceled")
        client.stop_workflow("terminated", StopWorkflowOptions(WorkflowStopType.TERMINATE, "enough"))

        with pytest.raises(WorkflowFailed) as failed:
            client.wait_for_workflow_completion("failed")
        for workflow_id, kind in (
            ("timeout", WorkflowTimeout),
            ("canceled", WorkflowCanceled),
            ("terminated", WorkflowTerminated),
        ):
            with pytest.raises(kind):
                client.wait_for_workflow_completion(workflow_id)
        assert isinstance(failed.value, WorkflowAbnormalExitError)
        assert failed.value.workflow_status is WorkflowStatus.FAILED
        assert failed.value.error_type is WorkflowErrorType.STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE
        assert failed.value.run_id


def test_several_outputs_are_not_one_and_a_dead_end_stays_open() -> None:
    with place(Endings()) as (env, client):
        client.start_workflow(Endings, "two", 0, "two")
        with pytest.raises(WorkflowDefinitionError, match="2 outputs"):
            client.wait_for_workflow_completion("two")
        client.start_workflow(Endings, "dead", 0, "dead")
        env.advance(HOUR)
        assert client.describe_workflow("dead").workflow_status is WorkflowStatus.RUNNING


def test_timers_are_skipped_by_id_and_by_index() -> None:
    with place(Patient()) as (env, client):
        for name in ("by id", "by index", "by name"):
            client.start_workflow(Patient, name, 0)
            client.invoke_rpc(name, Patient.wait)
        env.settle()
        client.skip_timer_by_command_id("by id", "Waiting", "hour")
        client.skip_timer_at_command_index("by index", Waiting, 1, 1)
        client.skip_timer_at_command_index("by name", "Waiting")

        assert client.wait_for_workflow_completion("by id") == ["FIRED", "SCHEDULED"]
        assert client.wait_for_workflow_completion("by index") == ["SCHEDULED", "FIRED"]
        assert client.wait_for_workflow_completion("by name") == ["FIRED", "SCHEDULED"]


def test_a_workflow_is_reset_to_an_earlier_moment() -> None:
    with place(Endings()) as (_env, client):
        first = client.start_workflow(Endings, "w", 0, "complete")
        client.wait_for_workflow_completion("w")
        again = client.reset_workflow("w", reset_to_beginning("once more")).workflow_run_id
        assert again != first
        assert client.wait_for_workflow_completion("w") == "completed"
        assert client.reset_workflow("w", reset_to_state_id("Drain", "from there")).workflow_run_id != again
        assert client.wait_for_workflow_completion("w") == "completed"


def test_ids_are_reused_delayed_retried_and_scheduled_as_the_options_say() -> None:
    taken = WorkflowAlreadyStartedOptions(ignore_already_started_error=True)
    taken.request_id = "r1"
    options = WorkflowOptions(workflow_start_delay_seconds=60, workflow_already_started_options=taken)
    with place(Endings(), Patient()) as (env, client):
        first = client.start_workflow(Endings, "w", 100, "complete", options)
        assert client.start_workflow(Endings, "w", 100, "complete", options) == first
        with pytest.raises(WorkflowAlreadyStartedError):
            client.start_workflow(Endings, "w", 100, "complete")
        began = env.now()
        assert client.wait_for_workflow_completion("w") == "completed"
        assert env.now() - began == timedelta(seconds=60)
        with pytest.raises(WorkflowAlreadyStartedError):
            client.start_workflow(
                Endings, "w", 0, "complete", WorkflowOptions(workflow_id_reuse_policy=IDReusePolicy.DISALLOW_REUSE)
            )

        retried = WorkflowOptions(workflow_retry_policy=WorkflowRetryPolicy(maximum_attempts=2))
        client.start_workflow(Endings, "failing", 0, "fail", retried)
        with pytest.raises(WorkflowFailed):
            client.wait_for_workflow_completion("failing")

        scheduled = WorkflowOptions(
            workflow_cron_schedule="0 * * * *",
            workflow_config_override=WorkflowConfig(executing_state_id_mode=ExecutingStateIdMode.DISABLED),
        )
        client.start_workflow(Endings, "cron", 0, "complete", scheduled)
        env.advance(3 * HOUR)
        assert client.describe_workflow("cron").workflow_status is WorkflowStatus.RUNNING


def test_what_is_missing_or_closed_is_told_as_by_a_server() -> None:
    with place(Endings()) as (_env, client):
        with pytest.raises(WorkflowNotExistsError) as missing:
            client.describe_workflow("nobody")
        assert (missing.value.status, missing.value.sub_status) == (
            400,
            ErrorSubStatus.WORKFLOW_NOT_EXISTS_SUB_STATUS,
        )
        assert isinstance(missing.value, ClientSideError)
        assert isinstance(missing.value, HttpError)
        with pytest.raises(InvalidArgumentError, match="Patient is not registered"):
            client.start_workflow(Patient, "w", 0)


def test_with_options_waits_end_and_without_them_they_do_not() -> None:
    options = ClientOptions.local_default()
    options.api_timeout, options.long_poll_api_max_wait_time_seconds = 7, 3
    started = WorkflowOptions()
    started.wait_for_completion_state_ids = [Waiting]
    with place(Patient(), options=options) as (env, client):
        client.start_workflow(Patient, "w", 0, options=started)
        client.invoke_rpc("w", Patient.wait)
        began = env.now()
        with pytest.raises(WorkflowStillRunningError):
            client.wait_for_workflow_completion("w")
        assert env.now() - began == timedelta(seconds=7)
        with pytest.raises(StateStillRunningError) as open_:
            client.wait_for_state_execution_completion_with_state_execution_id(Waiting, "w")
        assert isinstance(open_.value, UnexpectedStatus)
        assert open_.value.status_code == 420


def test_a_held_lock_is_told_at_once() -> None:
    workflow = Locking()
    with place(workflow) as (_env, client):
        client.start_workflow(Locking, "w", 0)
        holding = threading.Thread(target=lambda: client.invoke_rpc("w", Locking.hold))
        holding.start()
        assert workflow.entered.wait(60)
        with pytest.raises(WorkflowRPCAcquiringLockFailure):
            client.invoke_rpc("w", Locking.hold)
        workflow.gate.set()
        holding.join()


def test_it_runs_from_a_file_without_anything_beside_it(tmp_path: Path) -> None:
    registry = Registry()
    registry.add_workflow(Endings())
    with Client.local(registry, f"sqlite:///{tmp_path / 'w.db'}") as client:
        client.start_workflow(Endings, "w", 0, "complete")
        assert client.wait_for_workflow_completion("w") == "completed"
        client.close()


def test_a_restart_in_between_changes_nothing() -> None:
    registry = Registry()
    registry.add_workflow(Patient())
    with Environment(*registry) as env, opened(registry, env) as client:
        client.start_workflow(Patient, "w", 0)
        client.invoke_rpc("w", Patient.wait)
        env.restart()
        assert client.wait_for_workflow_completion("w") == ["FIRED", "SCHEDULED"]
