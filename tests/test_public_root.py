"""What ``import perdure`` gives, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import perdure

HEAVY = ("asyncio", "apsw", "sqlite3", "json", "perdure.engine", "perdure.store", "perdure.authoring")


def test_every_public_name_is_there_and_says_where_it_is_from() -> None:
    for name in perdure.__all__:
        assert getattr(perdure, name) is not None
    assert sorted(perdure.__all__) == sorted(perdure._HOME)
    assert set(perdure.__all__) <= set(dir(perdure))


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(perdure, "nothing_of_ours")


def test_importing_loads_next_to_nothing() -> None:
    script = f"import sys; before = set(sys.modules); import perdure; print([n for n in {HEAVY} if n in sys.modules and n not in before])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_what_an_author_uses_loads_no_engine() -> None:
    script = (
        "import sys; from perdure import Workflow, Attribute, Channel, Registry, state, rpc, go_to, complete, any_of;"
        "print([n for n in ('apsw', 'perdure.engine', 'perdure.store', 'pydantic', 'attr') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
