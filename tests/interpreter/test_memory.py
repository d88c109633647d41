"""That nothing is forgotten, the laws hold over random runs; here are the seams."""

from dataclasses import fields

from perdure.interpreter.execution import Execution
from perdure.interpreter.memory import Memory
from perdure.interpreter.snapshot import Snapshot
from tests.interpreter.programs import tell


def test_a_snapshot_is_equal_to_itself_across_a_restore() -> None:
    for program in range(40):
        after = tell(program).steps[-1].after
        assert Memory.restore(after).snapshot() == after


def test_a_restored_execution_waits_for_the_same_moment() -> None:
    for program in range(40):
        last = tell(program).steps[-1]
        assert Execution.restore(last.after).next_deadline_ms() == last.deadline_ms


def test_random_runs_fill_every_field_of_a_snapshot_but_those_of_a_reset() -> None:
    empty = tell(0, lines=1).steps[0].after
    seen = {
        field.name
        for program in range(60)
        for step in tell(program).steps
        for field in fields(Snapshot)
        if getattr(step.after, field.name) not in (getattr(empty, field.name), ())
    }
    assert {field.name for field in fields(Snapshot)} - seen <= {"request", "run", "attempt", "holding", "asked_again"}
