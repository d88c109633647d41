"""The fixture opens a place to try workflows in, and closes it with the test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perdure.authoring.decision import Decision, complete
from perdure.authoring.state import state
from perdure.authoring.workflow import Workflow
from perdure.model.errors import UnavailableError
from perdure.testing.environment import Environment
from perdure.testing.pytest_plugin import perdure_environment

__all__ = ["perdure_environment"]

opened: list[Environment] = []


class Echo(Workflow[str, str]):
    @state(start=True)
    def echo(self, word: str) -> Decision:
        return complete(word)


def test_workflow_runs_in_the_fixture(perdure_environment: Callable[..., Environment]) -> None:
    env = perdure_environment(Echo(), patience=5)
    opened.append(env)
    assert env.client.start(Echo, "e", "hello").result() == "hello"


def test_place_is_closed_after_the_test() -> None:
    assert len(opened) == 1
    with pytest.raises(UnavailableError, match="not open"):
        opened[0].settle()
