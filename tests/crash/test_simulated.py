"""The engine dies at every moment of every program, and the end is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.engine.inputs import Reply
from perdure.engine.ledger import Ledger
from perdure.engine.outputs import Answered
from perdure.engine.segments import CutPolicy
from perdure.testing.rule import rule
from tests.crash.process import Knobs
from tests.crash.program import Program
from tests.crash.programs import PROGRAMS, SIGNUP
from tests.crash.simulation import SECOND_CRASHES, Tally, WrongEnd, begin, crash_everywhere, run

ROOMY = Knobs()
NARROW = Knobs(resting_max=0, lane_max=1, cut=CutPolicy(events_max=1, growth=0))
"""Every run leaves memory as soon as it may, each workflow type has one call at a time, and journals are cut at every step."""

LONG_SEEDS = range(10, 15)


@pytest.fixture(scope="module")
def total() -> Tally:
    return Tally()


@rule("C1", "C2")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program_ends_the_same_wherever_it_crashes(program: Program, tmp_path: Path, total: Tally) -> None:
    expected = run(program, tmp_path, seed=0, knobs=ROOMY)
    seed = PROGRAMS.index(program)
    total.add(crash_everywhere(program, tmp_path, seed=seed, knobs=NARROW if seed % 2 else ROOMY, expected=expected))


def test_enough_was_tried(total: Tally, tell: Callable[[str], None]) -> None:
    tell(f"simulated: {total}")
    if not total.points:
        pytest.skip("the programs were not run")
    kinds = ("before a batch was written", "after a batch was written", "outputs not delivered", "worker calls out")
    assert min(total.seen[kind] for kind in (*kinds, "second crashes", "refused batches")) > 0


@pytest.mark.long
@pytest.mark.parametrize("knobs", [ROOMY, NARROW], ids=["roomy", "narrow"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program_ends_the_same_in_many_orders(
    program: Program, knobs: Knobs, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    expected = run(program, tmp_path, seed=0, knobs=ROOMY)
    tally = Tally()
    for seed in LONG_SEEDS:
        tally.add(
            crash_everywhere(
                program, tmp_path, seed=seed, knobs=knobs, expected=expected, second_crashes=SECOND_CRASHES * 10
            )
        )
    tell(f"simulated, {program.name}, {knobs}: {tally}")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program_has_one_end_in_whatever_order(program: Program, tmp_path: Path) -> None:
    ends = {run(program, tmp_path, seed=seed, knobs=knobs) for seed in range(2) for knobs in (ROOMY, NARROW)}
    assert len(ends) == 1, "\n\n".join(ends)


def test_narrow_engine_cuts_journals_all_the_way(tmp_path: Path) -> None:
    world = begin(SIGNUP, tmp_path / "cut.db", seed=0, knobs=NARROW)
    while world.move():
        pass
    rows = [
        line
        for run in world.process.store.runs_of(SIGNUP.workflows[0])
        for line in world.process.store.journal(run.key)
    ]
    world.close()
    assert sum(row.event.kind == "resumed" for row in rows) > 3


@rule("C3")
def test_engine_that_answers_before_its_commit_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run(SIGNUP, tmp_path, seed=0, knobs=ROOMY)

    def answer(ledger: Ledger, run: object, reply: Reply, value: object) -> None:
        ledger.say(Answered(reply, value))

    monkeypatch.setattr(Ledger, "answer", answer)
    with pytest.raises(WrongEnd):
        crash_everywhere(SIGNUP, tmp_path, seed=0, knobs=ROOMY, expected=expected)


def test_engine_that_calls_workers_before_its_commit_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(SIGNUP, tmp_path, seed=0, knobs=ROOMY)
    monkeypatch.setattr(Ledger, "after", lambda ledger, run, do, *, reply=None: do())
    with pytest.raises(WrongEnd, match=r"a worker was asked for run|the journal asks|known to be durable"):
        crash_everywhere(SIGNUP, tmp_path, seed=0, knobs=ROOMY, expected=expected)
