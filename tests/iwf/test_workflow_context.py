from perdure.iwf.workflow_context import WorkflowContext, context_of
from perdure.model.calls import LoadedAttributes, RpcRequest, RunContext, StateCall, StateMethod, StateRequest
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType

RUN = RunContext(WorkflowId("w"), WorkflowType("T"), RunId("r2"), RunId("r1"), 1_999)


def test_a_state_is_told_the_first_run_and_an_rpc_its_own() -> None:
    call = StateCall(StateMethod.EXECUTE, StateExecutionId("S-2"), StateId("S"), None, LoadedAttributes())

    assert context_of(StateRequest(RUN, call, 3, 5_500)) == WorkflowContext("w", "r1", 1, "S-2", 5, 3, "r1-S-2")
    assert context_of(RpcRequest(RUN, "ask", None, LoadedAttributes())) == WorkflowContext("w", "r2", 1)
