"""What clients are answered, from the model to JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perdure.model.attributes import DataAttribute, SearchAttribute
from perdure.model.ids import RunId, StateExecutionId, StateId
from perdure.model.outcome import Outcome, RunInfo, RunStatus, RunSummary, SearchPage, StateOutput
from perdure.model.requests import StateWait
from perdure.model.value import EncodedValue
from perdure.wire.extension import said
from perdure.wire.values import encode_data, encode_search, encode_value

Fields = dict[str, Any]


def encode_run_id(run_id: RunId) -> Fields:
    """The answer to a start and to a reset."""
    return {"workflowRunId": run_id}


def encode_data_attributes(attributes: Sequence[DataAttribute]) -> Fields:
    return {"objects": encode_data(attributes)} if attributes else {}


def encode_search_attributes(attributes: Sequence[SearchAttribute]) -> Fields:
    return {"searchAttributes": encode_search(attributes)} if attributes else {}


def encode_rpc_output(output: EncodedValue | None) -> Fields:
    return {} if output is None else {"output": encode_value(output)}


def encode_run(info: RunInfo, *, run_id: RunId, with_outcome: bool, detailed: bool = False) -> Fields:
    """The answer to ``get`` and ``getWithWait``.

    Args:
        run_id: the run that was asked for; after a workflow-level retry *info* is of a later one.
        with_outcome: whether results and errors are wanted, and not the status alone.
        detailed: say all of *info* too, for a client that has asked for it.
    """
    fields: Fields = {"workflowRunId": run_id, "workflowStatus": info.status.value}
    if with_outcome and info.outcome is not None:
        fields.update(_encode_outcome(info.outcome))
    if detailed:
        fields.update(said(workflowRunId=info.run_id, **_described(info), **_whole_outcome(info.outcome)))
    return fields


def _described(run: RunInfo | RunSummary) -> Fields:
    return {
        "workflowType": run.workflow_type,
        "workflowStatus": run.status.value,
        "startedMs": run.started_ms,
        "closedMs": run.closed_ms,
    }


def _whole_outcome(outcome: Outcome | None) -> Fields:
    """Where iWF leaves an empty list out, this does not: no results and none possible are two things."""
    if outcome is None:
        return {}
    return {
        "results": None if outcome.results is None else [encode_state_output(output) for output in outcome.results],
        "errorType": None if outcome.error_type is None else outcome.error_type.value,
        "errorMessage": outcome.error_message,
    }


def _encode_outcome(outcome: Outcome) -> Fields:
    fields: Fields = {}
    # iWF: a completed run without results has no list of them, one failed by a decision an empty one.
    if outcome.results or (outcome.results is not None and outcome.status is RunStatus.FAILED):
        fields["results"] = [encode_state_output(output) for output in outcome.results]
    if outcome.error_type is not None:
        fields["errorType"] = outcome.error_type.value
    if outcome.error_message:
        fields["errorMessage"] = outcome.error_message
    return fields


def encode_state_output(output: StateOutput) -> Fields:
    return _encode_completion(output.state_id, output.state_execution_id, output.output)


def encode_state_completion(wait: StateWait, output: EncodedValue | None) -> Fields:
    """The answer to ``waitForStateCompletion``, naming the state as the request did.

    The reference never tells the output, nor any name; without an output there is no more to tell.
    """
    if output is None:
        return {"stateCompletionOutput": _encode_completion(StateId(""), StateExecutionId(""), None)}
    state_execution_id = wait.state_execution_id or StateExecutionId("")
    state_id = wait.state_id or StateId(state_execution_id.rpartition("-")[0])
    return {"stateCompletionOutput": _encode_completion(state_id, state_execution_id, output)}


def _encode_completion(state_id: StateId, state_execution_id: StateExecutionId, output: EncodedValue | None) -> Fields:
    fields: Fields = {"completedStateId": state_id, "completedStateExecutionId": state_execution_id}
    if output is not None:
        fields["completedStateOutput"] = encode_value(output)
    return fields


def encode_search_page(page: SearchPage, *, detailed: bool = False) -> Fields:
    """The answer to a search; *detailed* as in ``encode_run``."""
    fields: Fields = {"nextPageToken": page.next_token}
    if page.runs:
        fields["workflowExecutions"] = [_encode_hit(run, detailed=detailed) for run in page.runs]
    return fields


def _encode_hit(run: RunSummary, *, detailed: bool) -> Fields:
    fields: Fields = {"workflowId": run.workflow_id, "workflowRunId": run.run_id}
    if detailed:
        fields.update(said(**_described(run)))
    return fields


def encode_health(hostname: str) -> Fields:
    return {"condition": "OK", "hostname": hostname, "duration": 0}
