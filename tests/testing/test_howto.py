"""The tests that the how-to shows are tests that pass."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.testing.environment import Environment
from perdure.testing.pytest_plugin import perdure_environment

__all__ = ["perdure_environment"]

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "test-a-workflow.md"


def shown() -> dict[str, Callable[..., object]]:
    names: dict[str, object] = {"__name__": "shown"}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(block, str(PAGE), "exec", dont_inherit=True), names)
    return {name: value for name, value in names.items() if name.startswith("test_") and callable(value)}


@pytest.mark.parametrize("name", shown())
async def test_what_is_shown_passes(name: str, perdure_environment: Callable[..., Environment]) -> None:
    test = shown()[name]
    arguments = [perdure_environment] if inspect.signature(test).parameters else []
    await asyncio.to_thread(test, *arguments)  # as a test without a loop, which is what a reader has


def test_every_kind_of_test_is_shown() -> None:
    assert len(shown()) == 4
