from hypothesis import given
from hypothesis import strategies as st

from perdure.interpreter.deadlines import BEGINNING, EXPIRY, Deadlines, Due


def test_what_is_dropped_is_never_due() -> None:
    deadlines = Deadlines()
    deadlines.add(Due(1, 0), 10)
    deadlines.add(Due(2, 0), 20)
    deadlines.drop(Due(1, 0))
    assert deadlines.next_ms() == 20
    assert deadlines.take_due(15) == []
    assert deadlines.take_due(20) == [Due(2, 0)]
    assert deadlines.next_ms() is None


def test_the_workflows_own_timeout_comes_before_all_that_is_due_with_it() -> None:
    deadlines = Deadlines()
    for due in (Due(1, 0), BEGINNING, EXPIRY):
        deadlines.add(due, 10)
    assert deadlines.take_due(10) == [EXPIRY, BEGINNING, Due(1, 0)]


def test_a_moment_that_is_moved_counts_once() -> None:
    deadlines = Deadlines()
    deadlines.add(EXPIRY, 10)
    deadlines.drop(EXPIRY)
    deadlines.add(EXPIRY, 30)
    assert deadlines.take_due(20) == []
    assert deadlines.take_due(30) == [EXPIRY]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50), st.booleans())))
def test_deadlines_are_a_sorted_dictionary(steps: list[tuple[int, int, bool]]) -> None:
    deadlines, model = Deadlines(), dict[Due, int]()
    for state, at_ms, drop in steps:
        due = Due(state, 0)
        if drop:
            deadlines.drop(due)
            model.pop(due, None)
        elif due not in model:
            deadlines.add(due, at_ms)
            model[due] = at_ms
        assert deadlines.next_ms() == min(model.values(), default=None)
    assert deadlines.take_due(50) == sorted(model, key=lambda due: (model[due], due))
