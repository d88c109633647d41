from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import get_args

from perdure.engine.core import Core
from perdure.engine.ids import UuidV7
from perdure.engine.inputs import Forget, Input, Prune, Reported, Wake
from perdure.store.store import Store
from perdure.testing.clock import VirtualClock


def test_core_knows_what_to_do_with_every_input(tmp_path: Path) -> None:
    store, clock = Store.open(tmp_path / "engine.db", synchronous="OFF"), VirtualClock()
    core = Core(store, clock=clock, ids=UuidV7(clock.now_ms))
    assert core.understands == set(get_args(Input))
    store.close()


def test_everything_callers_ask_has_somebody_to_answer() -> None:
    asked = set(get_args(Input)) - {Forget, Prune, Reported, Wake}
    assert all(fields(kind)[0].name == "reply" for kind in asked)
