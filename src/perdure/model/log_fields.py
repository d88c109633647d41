"""What a line of log has beside its text, as ``extra=``: these names, and never a value of an author's."""

from __future__ import annotations

from typing import Protocol

from perdure.model.calls import RpcRequest, StateRequest
from perdure.model.ids import RunId, WorkflowId, WorkflowType

Fields = dict[str, str | int]


class OfRun(Protocol):
    """Whatever has the names of a run."""

    @property
    def workflow_id(self) -> WorkflowId: ...

    @property
    def run_id(self) -> RunId: ...

    @property
    def workflow_type(self) -> WorkflowType: ...


def fields_of_run(run: OfRun) -> Fields:
    return {"workflow_id": run.workflow_id, "run_id": run.run_id, "workflow_type": run.workflow_type}


def fields_of_call(request: StateRequest | RpcRequest) -> Fields:
    fields = fields_of_run(request.run)
    if isinstance(request, RpcRequest):
        return {**fields, "method": "rpc", "rpc": request.name}
    call = request.call
    return {
        **fields,
        "method": call.method.value,
        "state_execution_id": call.state_execution_id,
        "attempt": request.attempt,
    }
