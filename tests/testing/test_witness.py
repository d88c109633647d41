"""What an invoker that looks on knows of the calls that go through it."""

from __future__ import annotations

from dataclasses import replace

from perdure.model.calls import Answer, ExecuteAnswer, Failure, RpcAnswer, RpcRequest, StateRequest
from perdure.model.decisions import Decision
from perdure.model.ids import StateExecutionId, WorkflowId, WorkflowType
from perdure.ports.invoker import Report
from perdure.testing.witness import Witness, name_of
from tests.authoring.onboarding import rpc_request, state_request


class Held:
    """An invoker whose calls the test answers."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.closed = False

    def invoke(self, request: StateRequest | RpcRequest, *, timeout_ms: int, report: Report) -> None:
        self.reports.append(report)

    def close(self) -> None:
        self.closed = True


def call(witness: Witness, held: Held, request: StateRequest | RpcRequest, result: Answer | Failure) -> list[object]:
    told: list[object] = []
    witness.invoke(request, timeout_ms=1, report=told.append)
    held.reports[-1](result)
    return told


DONE = ExecuteAnswer(Decision(()))


def test_failures_in_a_row_are_counted_until_one_succeeds() -> None:
    held = Held()
    witness = Witness(held)
    request, no = state_request(), Failure("no")
    for times in (1, 2):
        assert call(witness, held, request, no) == [no]
        assert [failing.count for failing in witness.failing(times)] == [times]
    witness.count_anew()
    assert witness.failing(1) == []
    call(witness, held, request, no)
    assert [(failing.request, failing.failure, failing.count) for failing in witness.failing(1)] == [(request, no, 1)]
    call(witness, held, request, DONE)
    assert witness.failing(0) == []


def test_a_failed_rpc_is_nobodys_retry() -> None:
    held = Held()
    witness = Witness(held)
    call(witness, held, rpc_request(), Failure("no"))
    assert witness.failing(0) == []


def test_calls_under_way_are_named_and_many_are_counted() -> None:
    held = Held()
    witness = Witness(held)
    request = state_request()
    witness.invoke(request, timeout_ms=1, report=lambda result: None)
    assert witness.under_way() == name_of(request)
    for _ in range(6):
        witness.invoke(rpc_request(), timeout_ms=1, report=lambda result: None)
    assert witness.under_way().endswith(f"{name_of(rpc_request())}, and 2 more")
    for report in held.reports:
        report(RpcAnswer())
    assert witness.under_way() == ""
    witness.close()
    assert held.closed


def test_a_call_is_named_by_its_method_and_its_workflow() -> None:
    request = state_request("begin")
    run = replace(request.run, workflow_id=WorkflowId("ada"), workflow_type=WorkflowType("Onboarding"))
    call = replace(request.call, state_execution_id=StateExecutionId("begin-2"))
    assert name_of(replace(request, run=run, call=call)) == ("Onboarding.begin, execute of begin-2 of workflow 'ada'")
    assert name_of(replace(rpc_request("ping"), run=run)) == "RPC Onboarding.ping of workflow 'ada'"
