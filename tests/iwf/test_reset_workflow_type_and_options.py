from perdure.iwf.iwf_api.models import WorkflowResetType
from perdure.iwf.reset_workflow_type_and_options import (
    ResetWorkflowTypeAndOptions,
    reset_to_beginning,
    reset_to_history_event_id,
    reset_to_history_event_time,
    reset_to_state_execution_id,
    reset_to_state_id,
)


def test_each_kind_names_its_moment() -> None:
    assert reset_to_beginning("why") == ResetWorkflowTypeAndOptions(WorkflowResetType.BEGINNING, "why")
    assert reset_to_history_event_id(4, "why").history_event_id == 4
    assert reset_to_history_event_time("1", "why").history_event_time == "1"
    assert reset_to_state_id("S", "why").state_id == "S"
    assert reset_to_state_execution_id("S-1", "why").state_execution_id == "S-1"
