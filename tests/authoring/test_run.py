from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.authoring.onboarding import Onboarding, bound, rpc_request, state_request


def test_a_state_knows_its_run() -> None:
    run = bound(state_request("begin", attempt=3))[0].run
    assert (run.workflow_id, run.workflow_type, run.run_id, run.first_run_id) == ("ada", "Onboarding", "run-1", "run-0")
    assert (run.state, run.state_execution_id, run.attempt) == ("begin", "begin-1", 3)
    assert run.key == "run-1-begin-1"
    assert run.started_at == run.first_attempt_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_an_rpc_knows_what_it_can() -> None:
    run = bound(rpc_request())[0].run
    assert (run.workflow_id, run.attempt) == ("ada", 1)
    for name in ("key", "state", "state_execution_id", "first_attempt_at"):
        with pytest.raises(RuntimeError, match=f"run.{name} is asked for in RPC 'upgrade', and only a state has one"):
            getattr(run, name)


def test_outside_a_handler_there_is_no_run() -> None:
    with pytest.raises(RuntimeError, match="only inside a handler"):
        _ = Onboarding().run
