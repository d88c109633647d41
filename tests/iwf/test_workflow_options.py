from perdure.iwf.workflow_options import WorkflowOptions
from tests.iwf.everything import Choose, Gather


def test_states_to_wait_for_are_added_or_assigned() -> None:
    options = WorkflowOptions()
    options.add_wait_for_completion_state_ids(Gather, "Other")
    options.add_wait_for_completion_state_execution_id(Choose, 2)

    assert options.wait_for_completion_state_ids == [Gather, "Other"]
    assert options.wait_for_completion_state_execution_ids == [(Choose, 2)]

    options.wait_for_completion_state_ids = [Choose]
    options.wait_for_completion_state_execution_ids = ["Gather-1"]

    assert options.wait_for_completion_state_ids == [Choose]
    assert options.wait_for_completion_state_execution_ids == ["Gather-1"]
