"""The laws over random programs, a few hundred here; many with ``python -m tests.interpreter.laws``."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress

import pytest

from tests.interpreter.laws import EXPECTED_SIGHTS, LAWS, Law, check, hold, sights
from tests.interpreter.mutants import HASH_ORDER, MUTANTS, Mutant
from tests.interpreter.programs import Story, tell

PROGRAMS = int(os.environ.get("PERDURE_LAW_PROGRAMS", "400"))
MANY = int(os.environ.get("PERDURE_LAW_PROGRAMS", "20000"))


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    return [tell(program) for program in range(PROGRAMS)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_program_keeps_the(law: Law, stories: list[Story]) -> None:
    for story in stories:
        check(story, [law])


def test_the_programs_show_everything_that_can_happen(stories: list[Story]) -> None:
    """A law over what never happens says nothing. ``Resumed`` and ``Released`` are the reset law's."""
    seen = Counter(sight for story in stories for sight in sights(story))
    assert EXPECTED_SIGHTS - seen.keys() == {"event: Resumed", "event: Released"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_its_law_notices_an_interpreter_that(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch.setattr)
    with pytest.raises(AssertionError, match=mutant.law.__name__):
        hold_told(mutant.law)


def hold_told(law: Law) -> None:
    """Hold what programs can be told at all to a law: one that raises on the way proves another law than this."""
    for program in range(400):
        with suppress(LookupError):
            story = tell(program)
            check(story, [law])


def test_every_law_was_seen_to_notice_something() -> None:
    assert {mutant.law for mutant in MUTANTS} == set(LAWS)


DIGEST = "import sys; from tests.interpreter import laws, mutants; {plant}; sys.stdout.write(laws.digest(range(60)))"


def digests(plant: str) -> set[str]:
    """Return what as many processes with different hashes make of the same programs."""
    command = [sys.executable, "-c", DIGEST.format(plant=plant)]
    found = set()
    for seed in "012":
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        found.add(done.stdout)
    return found


def test_every_process_makes_the_same_of_a_program() -> None:
    assert len(digests("pass")) == 1


def test_that_test_notices_an_interpreter_that_iterates_over_a_set() -> None:
    assert HASH_ORDER not in MUTANTS
    assert len(digests("mutants.HASH_ORDER.plant(setattr)")) > 1


@pytest.mark.long
def test_many_programs_keep_all_laws() -> None:
    assert not EXPECTED_SIGHTS - hold(range(MANY)).keys()
