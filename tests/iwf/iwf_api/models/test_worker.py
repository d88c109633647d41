import pytest

from perdure.iwf.iwf_api.models import (
    WorkflowStateExecuteRequest,
    WorkflowStateExecuteResponse,
    WorkflowStateWaitUntilRequest,
    WorkflowStateWaitUntilResponse,
    WorkflowWorkerRpcRequest,
    WorkflowWorkerRpcResponse,
)
from perdure.model.calls import ExecuteAnswer, RpcAnswer, StateMethod, WaitUntilAnswer
from perdure.model.decisions import Closing, ClosingKind, Decision
from perdure.wire.document import Malformed

CONTEXT = {"workflowId": "w", "workflowRunId": "r", "workflowStartedTimestamp": 1}
STATE = {
    "context": {**CONTEXT, "stateExecutionId": "S-1", "firstAttemptTimestamp": 2, "attempt": 1},
    "workflowType": "T",
    "workflowStateId": "S",
}


def test_a_states_call_is_read_and_written_back() -> None:
    waits = WorkflowStateWaitUntilRequest.from_dict(STATE)
    executes = WorkflowStateExecuteRequest.from_dict(STATE)

    assert (waits.workflow_type, waits.workflow_state_id) == ("T", "S")
    assert waits.request.call.method is StateMethod.WAIT_UNTIL
    assert executes.request.call.method is StateMethod.EXECUTE
    assert waits.to_dict() == executes.to_dict() == STATE


def test_an_rpcs_call_is_read_and_written_back() -> None:
    fields = {
        "context": CONTEXT,
        "workflowType": "T",
        "rpcName": "ask",
        "signalChannelInfos": {},
        "internalChannelInfos": {"c": {"size": 2}},
    }

    request = WorkflowWorkerRpcRequest.from_dict(fields)

    assert (request.workflow_type, request.rpc_name) == ("T", "ask")
    assert request.to_dict() == fields


def test_what_is_no_request_is_malformed() -> None:
    with pytest.raises(Malformed):
        WorkflowStateExecuteRequest.from_dict({"context": "w"})


def test_answers_are_written() -> None:
    done = Decision((Closing(ClosingKind.DEAD_END),))

    assert WorkflowStateWaitUntilResponse(WaitUntilAnswer()).to_dict() == {
        "commandRequest": {"commandWaitingType": "ALL_COMPLETED"}
    }
    assert WorkflowStateExecuteResponse(ExecuteAnswer(done)).to_dict() == {
        "stateDecision": {"nextStates": [{"stateId": "_SYS_DEAD_END"}]}
    }
    assert WorkflowWorkerRpcResponse(RpcAnswer()).to_dict() == {}
