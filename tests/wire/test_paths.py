import pytest

from perdure.model.calls import LoadedAttributes, RpcRequest, RunContext, StateCall, StateMethod, StateRequest
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.wire.paths import Call, OwnCall, path_of, worker_url


def run_at(worker_url: str) -> RunContext:
    return RunContext(WorkflowId("w"), WorkflowType("T"), RunId("r"), RunId("r"), 0, worker_url)


def state_request(method: StateMethod, run: RunContext) -> StateRequest:
    call = StateCall(method, StateExecutionId("S-1"), StateId("S"), None, LoadedAttributes())
    return StateRequest(run, call, attempt=1, first_attempt_ms=0)


@pytest.mark.parametrize("base", ["http://w:80", "http://w:80/", "http://w:80///"])
def test_each_kind_of_call_has_its_path_below_the_workers_address(base: str) -> None:
    run = run_at(base)

    assert worker_url(state_request(StateMethod.WAIT_UNTIL, run)) == "http://w:80/api/v1/workflowState/start"
    assert worker_url(state_request(StateMethod.EXECUTE, run)) == "http://w:80/api/v1/workflowState/decide"
    assert worker_url(RpcRequest(run, "r", None, LoadedAttributes())) == "http://w:80/api/v1/workflowWorker/rpc"


def test_calls_of_our_own_have_a_path_beside_iwfs() -> None:
    assert path_of(Call.RPC) == "/api/v1/workflow/rpc"
    assert path_of(OwnCall.HISTORY) == "/api/v1/perdure/history"
