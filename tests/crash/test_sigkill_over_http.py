"""A server under HTTP load is killed again and again, and so is its worker; what was acknowledged is there, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.siege import Siege

SECONDS = 12
LONG_SECONDS = 120


async def test_what_a_server_acknowledged_survives_every_kill_once(
    tmp_path: Path, code: Path, tell: Callable[[str], None]
) -> None:
    siege = Siege(tmp_path, code, seed=20261124)
    await siege.run(SECONDS)
    tell(f"sigkill over HTTP: {siege.figures()}")
    assert siege.account.acknowledged > siege.servers_killed, siege.figures()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
async def test_what_a_server_acknowledged_survives_minutes_of_kills_once(
    tmp_path: Path, code: Path, seed: int, tell: Callable[[str], None]
) -> None:
    siege = Siege(tmp_path, code, seed=seed)
    await siege.run(LONG_SECONDS)
    tell(f"sigkill over HTTP: {siege.figures()}")
