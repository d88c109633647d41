from perdure.iwf.state_schema import StateDef, StateSchema
from tests.iwf.everything import Gather, Rest


def test_at_most_the_first_state_starts() -> None:
    gather, rest = Gather(), Rest()

    assert StateSchema.with_starting_state(gather, rest).states == [
        StateDef.starting_state(gather),
        StateDef.non_starting_state(rest),
    ]
    assert [state.can_start_workflow for state in StateSchema.no_starting_state(gather, rest).states] == [False, False]
    assert StateSchema().states == []
