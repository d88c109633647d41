"""Every recorded scenario over real HTTP: a real ``perdure server``, and a worker and clients outside of it.

They are played once, many at a time, and then compared one by one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from tests.recordings.http_player import play_all
from tests.recordings.scenario import Json, Scenario, all_scenarios
from tests.recordings.test_recordings import difference
from tests.server.process import ServerProcess

pytestmark = pytest.mark.timeout(600)  # a minute of real time, and more on a busy machine


@pytest.fixture(scope="module")
def transcripts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    """What came of the scenarios that are chosen to run."""
    chosen = [scenario for item in request.session.items if (scenario := _scenario_of(item))]
    folder: Path = tmp_path_factory.mktemp("server")
    with ServerProcess(folder, "--max-wait-seconds", "60") as server:  # the reference's cap
        return asyncio.run(play_all(chosen, server.url))


def _scenario_of(item: pytest.Item) -> Scenario | None:
    if isinstance(item, pytest.Function) and item.function is test_a_scenario_comes_out_as_recorded_over_http:
        return cast("Scenario", item.callspec.params["scenario"])
    return None


@pytest.mark.parametrize("scenario", all_scenarios(), ids=lambda scenario: scenario.name)
def test_a_scenario_comes_out_as_recorded_over_http(scenario: Scenario, transcripts: dict[str, Json]) -> None:
    got, wanted = transcripts[scenario.name], scenario.wanted()

    assert got == wanted, difference(got, wanted, scenario)
