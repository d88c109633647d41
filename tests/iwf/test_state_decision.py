from perdure.iwf.iwf_api.models import WorkflowConditionalCloseType
from perdure.iwf.state_decision import InternalConditionalClose, StateDecision
from perdure.iwf.state_movement import StateMovement
from tests.iwf.everything import Gather, Rest


def test_decisions_lead_to_states() -> None:
    assert StateDecision.single_next_state(Rest, 1).next_states == [StateMovement.create(Rest, 1)]
    assert StateDecision.multi_next_states(Rest, StateMovement.create(Gather)).next_states == [
        StateMovement.create(Rest),
        StateMovement.create(Gather),
    ]


def test_decisions_end() -> None:
    assert StateDecision.graceful_complete_workflow(1).next_states == [StateMovement.graceful_complete_workflow(1)]
    assert StateDecision.force_complete_workflow(1).next_states == [StateMovement.force_complete_workflow(1)]
    assert StateDecision.force_fail_workflow(1).next_states == [StateMovement.force_fail_workflow(1)]
    assert StateDecision.dead_end.next_states == [StateMovement.dead_end]


def test_decisions_end_if_nothing_is_unread() -> None:
    internal = StateDecision.force_complete_if_internal_channel_empty_or_else("c", "out", Rest, "in")
    signal = StateDecision.force_complete_if_signal_channel_empty_or_else("s", or_else_state="Rest")

    assert internal.next_states == [StateMovement.create(Rest, "in")]
    assert internal.conditional_close == InternalConditionalClose(
        WorkflowConditionalCloseType.FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY, "c", "out"
    )
    assert signal.conditional_close == InternalConditionalClose(
        WorkflowConditionalCloseType.FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY, "s"
    )
