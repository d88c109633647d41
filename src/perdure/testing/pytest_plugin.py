"""A fixture for tests of workflows. Named in a ``conftest.py``: ``pytest_plugins = ["perdure.testing.pytest_plugin"]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from perdure.testing.environment import Environment


@pytest.fixture
def perdure_environment() -> Iterator[Callable[..., Environment]]:
    """Open environments that end with the test.

    Takes what ``Environment`` takes: ``env = perdure_environment(Signup(send=mails.append))``.
    """
    with ExitStack() as stack:
        yield lambda *workflows, **options: stack.enter_context(Environment(*workflows, **options))
