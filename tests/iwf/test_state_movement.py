import pytest

from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.state_movement import StateMovement
from perdure.iwf.workflow_state_options import WorkflowStateOptions
from tests.iwf.everything import Rest


def test_a_state_is_named_by_its_class_or_its_id() -> None:
    options = WorkflowStateOptions(execute_api_timeout_seconds=1)

    assert StateMovement.create(Rest, "in", options, "key") == StateMovement("Rest", "in", options, "key")
    assert StateMovement.create(Rest).state_class is Rest
    assert StateMovement.create("Rest").state_class is None


def test_ends_have_reserved_ids_that_no_state_may_have() -> None:
    assert StateMovement.graceful_complete_workflow(1) == StateMovement("_SYS_GRACEFUL_COMPLETING_WORKFLOW", 1)
    assert StateMovement.force_complete_workflow().state_id == "_SYS_FORCE_COMPLETING_WORKFLOW"
    assert StateMovement.force_fail_workflow().state_id == "_SYS_FORCE_FAILING_WORKFLOW"
    assert StateMovement.dead_end.state_id == "_SYS_DEAD_END"
    with pytest.raises(WorkflowDefinitionError, match="'_SYS_MINE'"):
        StateMovement.create("_SYS_MINE")
