"""The last failure of each workflow, for whoever gets an error made of it."""

from __future__ import annotations

from perdure.model.calls import Failure
from perdure.model.ids import WorkflowId
from perdure.worker.tracebacks import Tracebacks

ADA, BOB, EVE = WorkflowId("ada"), WorkflowId("bob"), WorkflowId("eve")


def test_the_last_failure_is_told_apart_by_its_message() -> None:
    tracebacks = Tracebacks()
    tracebacks.note(ADA, Failure("first", detail="in line 1"))
    tracebacks.note(ADA, Failure("second", detail="in line 2"))
    assert tracebacks.of(ADA, "second") == "in line 2"
    assert tracebacks.of(ADA, "first") == ""
    assert tracebacks.of(BOB, "second") == ""


def test_what_failed_longest_ago_is_forgotten() -> None:
    tracebacks = Tracebacks(kept=2)
    for workflow in (ADA, BOB, ADA, EVE):
        tracebacks.note(workflow, Failure("no", detail=workflow))
    assert [tracebacks.of(workflow, "no") for workflow in (ADA, BOB, EVE)] == ["ada", "", "eve"]
