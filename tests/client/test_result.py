"""How a run ended, as outputs or as an error."""

from __future__ import annotations

import pytest

from perdure.client.result import outputs_of
from perdure.model.errors import (
    InternalError,
    WorkflowCanceled,
    WorkflowEnded,
    WorkflowFailed,
    WorkflowTerminated,
    WorkflowTimedOut,
)
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.outcome import Outcome, RunErrorType, RunInfo, RunStatus, StateOutput
from perdure.model.value import EncodedValue


def info(status: RunStatus, outcome: Outcome | None) -> RunInfo:
    return RunInfo(WorkflowId("ada"), RunId("r"), WorkflowType("Signup"), status, 0, 1, outcome)


def test_outputs_come_in_their_order() -> None:
    values = (EncodedValue("1"), EncodedValue("2"))
    results = tuple(StateOutput(StateId("s"), StateExecutionId(f"s-{n}"), value) for n, value in enumerate(values))
    assert outputs_of(info(RunStatus.COMPLETED, Outcome(RunStatus.COMPLETED, results))) == values
    assert outputs_of(info(RunStatus.COMPLETED, Outcome(RunStatus.COMPLETED))) == ()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (RunStatus.FAILED, WorkflowFailed),
        (RunStatus.TIMED_OUT, WorkflowTimedOut),
        (RunStatus.TERMINATED, WorkflowTerminated),
        (RunStatus.CANCELED, WorkflowCanceled),
    ],
)
def test_other_ends_are_errors_that_say_how(status: RunStatus, error: type[WorkflowEnded]) -> None:
    outcome = Outcome(status, error_type=RunErrorType.CLIENT, error_message="enough")
    with pytest.raises(error, match=r"workflow 'ada' .*: enough$") as ended:
        outputs_of(info(status, outcome))
    assert (ended.value.workflow_id, ended.value.run_id, ended.value.outcome) == ("ada", "r", outcome)


def test_end_without_an_outcome_is_our_mistake() -> None:
    with pytest.raises(InternalError):
        outputs_of(info(RunStatus.COMPLETED, None))


@pytest.mark.parametrize(
    ("data", "said"), [('"the boss never answered"', "the boss never answered"), ("[1]", r"\[1\]")]
)
def test_what_a_state_failed_with_is_in_the_message(data: str, said: str) -> None:
    results = (StateOutput(StateId("s"), StateExecutionId("s-1"), EncodedValue(data)),)
    outcome = Outcome(RunStatus.FAILED, results, RunErrorType.STATE_DECISION)
    with pytest.raises(WorkflowFailed, match=f"workflow 'ada' failed: {said}$"):
        outputs_of(info(RunStatus.FAILED, outcome))
