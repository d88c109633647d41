"""Everything at once, by a seed: nothing is lost, nothing stops, and every run is what its journal says."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.store import bodies
from tests.crash.turmoil import Turmoil

SEEDS = range(3)
STEPS = 60
LONG_SEEDS = range(100, 200)
TOGETHER = 20
LONG_STEPS = 200
EXPECTED = ("batch was not written", "the store refuses", "the log could not be emptied")
"""What an engine says as an error, or as a warning, of what this disk does to it."""


async def live_through(
    seed: int, steps: int, folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Counter[str]:
    turmoil = Turmoil(folder, seed=seed)
    monkeypatch.setattr(bodies, "TIMES", turmoil.dice.choice((1, 2, 8)))
    monkeypatch.setattr(bodies, "SHARED_MAX", turmoil.dice.choice((5, 16_384)))
    caplog.set_level(logging.ERROR, logger="perdure")
    try:
        await turmoil.run(steps)
    except Exception as error:
        error.add_note(f"seed {seed}, after: {', '.join(turmoil.trail)}")
        raise
    said = [record.getMessage() for record in caplog.records if record.name.startswith("perdure")]
    assert [line for line in said if not any(words in line for words in EXPECTED)] == [], f"seed {seed}"
    caplog.clear()
    return turmoil.tally


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_run_is_what_its_journal_says(
    seed: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tell: Callable[[str], None],
) -> None:
    tally = await live_through(seed, STEPS, tmp_path, caplog, monkeypatch)
    tell(f"turmoil, seed {seed}: {told(tally)}")
    assert tally["event started"] > 0


@pytest.mark.long
@pytest.mark.parametrize("first", LONG_SEEDS[::TOGETHER])
async def test_every_run_is_what_its_journal_says_in_many_turmoils(
    first: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tell: Callable[[str], None],
) -> None:
    tally: Counter[str] = Counter()
    for seed in range(first, first + TOGETHER):
        folder = tmp_path / str(seed)
        folder.mkdir()
        tally += await live_through(seed, LONG_STEPS, folder, caplog, monkeypatch)
    tell(f"turmoil, seeds {first} to {seed}: {told(tally)}")
    assert min(tally[f"event {kind}"] for kind in ("started", "resumed", "erased", "rpc-wrote", "released")) > 0
    assert min(tally[deed] for deed in ("crash", "close", "copy", "prune", "reset")) > 0


def told(tally: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(tally.items()))
