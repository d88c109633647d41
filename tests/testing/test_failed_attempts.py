"""What an author sees of a handler that raises, and is tried again for ever."""

import logging
from datetime import timedelta

import pytest

from perdure import Decision, Workflow, complete, state
from perdure.testing.environment import Environment


class Mistaken(Workflow[str, str]):
    @state(start=True)
    def look(self, text: str) -> Decision:
        known: dict[str, str] = {}
        return complete(known[text])


def test_every_failed_attempt_is_logged_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), Environment(Mistaken()) as env:
        env.client.start(Mistaken, "w", "k")
        env.advance(timedelta(seconds=2))
    told = [record for record in caplog.records if "look-1" in record.getMessage()]
    assert len(told) == 2
    assert (
        told[0]
        .getMessage()
        .startswith("Mistaken.execute of look-1, workflow 'w', failed and will be tried again: KeyError: 'k'")
    )
    assert "Traceback" in (told[0].exc_text or "")
    assert "Traceback" in caplog.text  # whatever formats it
    assert [record.__dict__["attempt"] for record in told] == [1, 2]
    assert (told[0].__dict__["workflow_id"], told[0].__dict__["error_type"]) == ("w", "KeyError")
