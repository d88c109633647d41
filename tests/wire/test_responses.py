from typing import Any

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.outcome import Outcome, RunErrorType, RunInfo, RunStatus, RunSummary, SearchPage, StateOutput
from perdure.model.requests import StateWait
from perdure.model.value import EMPTY_VALUE, EncodedValue
from perdure.wire import responses

W, T, R = WorkflowId("w"), WorkflowType("T"), RunId("r1")
OUTPUT = StateOutput(StateId("S"), StateExecutionId("S-1"), EncodedValue("1", "json"))
RESULTS = [
    {
        "completedStateId": "S",
        "completedStateExecutionId": "S-1",
        "completedStateOutput": {"encoding": "json", "data": "1"},
    }
]


@pytest.mark.parametrize(
    ("outcome", "fields"),
    [
        (None, {"workflowStatus": "RUNNING"}),
        (Outcome(RunStatus.COMPLETED, results=(OUTPUT,)), {"workflowStatus": "COMPLETED", "results": RESULTS}),
        (Outcome(RunStatus.COMPLETED, results=()), {"workflowStatus": "COMPLETED"}),
        (
            Outcome(RunStatus.FAILED, results=(), error_type=RunErrorType.STATE_DECISION),
            {"workflowStatus": "FAILED", "results": [], "errorType": "STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE"},
        ),
        (
            Outcome(RunStatus.FAILED, error_type=RunErrorType.CLIENT, error_message="why"),
            {"workflowStatus": "FAILED", "errorType": "CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE", "errorMessage": "why"},
        ),
        (
            Outcome(RunStatus.FAILED, error_type=RunErrorType.CLIENT, error_message=""),
            {"workflowStatus": "FAILED", "errorType": "CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE"},
        ),
        (Outcome(RunStatus.TIMED_OUT), {"workflowStatus": "TIMEOUT"}),
        (Outcome(RunStatus.TERMINATED), {"workflowStatus": "TERMINATED"}),
        (Outcome(RunStatus.CANCELED), {"workflowStatus": "CANCELED"}),
    ],
)
def test_how_a_run_is_shown(outcome: Outcome | None, fields: dict[str, Any]) -> None:
    status = RunStatus.RUNNING if outcome is None else outcome.status
    info = RunInfo(W, RunId("r2"), T, status, started_ms=0, outcome=outcome)

    assert responses.encode_run(info, run_id=R, with_outcome=True) == {"workflowRunId": "r1", **fields}


def test_without_results_wanted_a_run_shows_its_status_alone() -> None:
    info = RunInfo(W, R, T, RunStatus.COMPLETED, 0, outcome=Outcome(RunStatus.COMPLETED, results=(OUTPUT,)))

    assert responses.encode_run(info, run_id=R, with_outcome=False) == {
        "workflowRunId": "r1",
        "workflowStatus": "COMPLETED",
    }


def test_lists_that_are_empty_are_left_out() -> None:
    assert responses.encode_data_attributes(()) == {}
    assert responses.encode_search_attributes(()) == {}
    assert responses.encode_rpc_output(None) == {}
    assert responses.encode_search_page(SearchPage(())) == {"nextPageToken": ""}


def test_attributes_and_outputs() -> None:
    assert responses.encode_data_attributes((DataAttribute("a"),)) == {"objects": [{"key": "a"}]}
    assert responses.encode_search_attributes((SearchAttribute("a", SearchAttributeType.BOOL, True),)) == {
        "searchAttributes": [{"key": "a", "valueType": "BOOL", "boolValue": True}]
    }
    assert responses.encode_rpc_output(EMPTY_VALUE) == {"output": {}}


def test_a_page_of_hits() -> None:
    page = SearchPage((RunSummary(W, R, T, RunStatus.RUNNING, 0),), "token")

    assert responses.encode_search_page(page) == {
        "workflowExecutions": [{"workflowId": "w", "workflowRunId": "r1"}],
        "nextPageToken": "token",
    }


@pytest.mark.parametrize(
    ("wait", "named"),
    [
        (StateWait(W, StateExecutionId("a-b-12")), {"completedStateId": "a-b", "completedStateExecutionId": "a-b-12"}),
        (StateWait(W, state_id=StateId("S"), key="k"), {"completedStateId": "S", "completedStateExecutionId": ""}),
    ],
)
def test_a_completion_names_the_state_that_was_waited_for(wait: StateWait, named: dict[str, str]) -> None:
    assert responses.encode_state_completion(wait, EncodedValue("1")) == {
        "stateCompletionOutput": {**named, "completedStateOutput": {"data": "1"}}
    }


def test_a_completion_without_output_names_nothing() -> None:
    assert responses.encode_state_completion(StateWait(W, StateExecutionId("S-1")), None) == {
        "stateCompletionOutput": {"completedStateId": "", "completedStateExecutionId": ""}
    }


def test_health() -> None:
    assert responses.encode_health("h") == {"condition": "OK", "hostname": "h", "duration": 0}
