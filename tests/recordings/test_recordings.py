"""Every recorded scenario, played in this process, has to come out as recorded."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest

from tests.recordings.player import play
from tests.recordings.scenario import FOLDER, Json, Scenario, all_scenarios

PENDING: dict[str, str] = {}
"""Scenarios that do not come out yet, and what is missing. One that comes out has to leave."""
UNMARKED = frozenset({"api-searchattributes-set", "data-memo"})
"""Scenarios whose own file says nothing, though the recorded answer is not the right one; OURS.md does."""


@pytest.mark.parametrize("scenario", all_scenarios(), ids=lambda scenario: scenario.name)
async def test_a_scenario_comes_out_as_recorded(
    scenario: Scenario, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if scenario.name in PENDING:
        request.applymarker(pytest.mark.xfail(reason=PENDING[scenario.name], strict=True))

    got, wanted = await play(scenario, tmp_path / "file.db"), scenario.wanted()

    assert got == wanted, difference(got, wanted, scenario)


def test_an_answer_of_ours_has_its_mark_and_its_reason() -> None:
    reasons = (FOLDER.parent / "OURS.md").read_text(encoding="utf-8")
    ours = [scenario for scenario in all_scenarios() if scenario.ours.exists()]

    assert ours
    for scenario in ours:
        assert scenario.mark or scenario.name in UNMARKED, f"{scenario.name} has an answer of ours and no mark"
        assert f"`{scenario.name}`" in reasons, f"OURS.md says nothing of {scenario.name}"


def test_what_is_pending_exists() -> None:
    assert {scenario.name for scenario in all_scenarios()} >= PENDING.keys() | UNMARKED


def difference(got: Json, wanted: Json, scenario: Scenario) -> str:
    lines = difflib.unified_diff(_lines(wanted), _lines(got), "wanted", "here", n=2, lineterm="")
    return "\n".join([f"{scenario.name}: {scenario.told['about']}", *lines])


def _lines(transcript: Json) -> list[str]:
    return json.dumps(transcript, indent=1, ensure_ascii=False, sort_keys=True).splitlines()
