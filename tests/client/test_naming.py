"""A refusal says of which workflow it is, and what was asked of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perdure.authoring.channel import Channel
from perdure.authoring.decision import Decision, complete, go_to
from perdure.authoring.rpc import rpc
from perdure.authoring.state import state
from perdure.authoring.workflow import Workflow
from perdure.client.naming import HandlerTraceback, named
from perdure.client.sync import Handle
from perdure.model.errors import (
    InvalidRequest,
    LockConflict,
    PerdureError,
    RpcFailed,
    TimerNotFound,
    WaitTimedOut,
    WorkflowCanceled,
    WorkflowClosed,
    WorkflowNotFound,
    WorkflowTerminated,
)
from perdure.model.ids import RunId, WorkflowId
from perdure.testing.environment import Environment

ADA = WorkflowId("ada")


class Desk(Workflow[None, str]):
    letters: Channel[str] = Channel()

    @state(start=True)
    def open(self) -> Decision:
        return go_to(self.read)

    @state(wait=letters)
    def read(self) -> Decision:
        return complete("read")

    @rpc
    def break_down(self) -> None:
        raise ValueError("out of ink")


@pytest.fixture
def env() -> Iterator[Environment]:
    with Environment(Desk()) as env:
        yield env


@pytest.fixture
def ada(env: Environment) -> Handle[Desk, str]:
    return env.client.start(Desk, "ada")


def test_a_failed_rpc_is_named_with_where_it_was(ada: Handle[Desk, str]) -> None:
    with pytest.raises(RpcFailed) as caught:
        ada.call(Desk.break_down)
    assert str(caught.value) == "RPC Desk.break_down of workflow 'ada' failed: ValueError: out of ink"
    assert caught.value.error_type == "ValueError"
    assert isinstance(caught.value.__cause__, HandlerTraceback)
    assert 'raise ValueError("out of ink")' in str(caught.value.__cause__)


def test_an_ended_workflow_is_named(ada: Handle[Desk, str]) -> None:
    ada.cancel()
    with pytest.raises(WorkflowClosed) as caught:
        ada.publish(Desk.letters, "late")
    assert str(caught.value) == "workflow 'ada' has ended, and takes no more messages, writes or stops"
    assert caught.value.run_id == ada.run_id


def test_a_workflow_that_is_not_there_is_named(env: Environment) -> None:
    with pytest.raises(WorkflowNotFound) as caught:
        env.client.get(Desk, "eve").describe()
    assert str(caught.value) == "there is no workflow 'eve'"
    with pytest.raises(WorkflowNotFound) as caught:
        env.client.get(Desk, "eve", run_id="r1").result()
    assert str(caught.value) == "there is no workflow 'eve' with a run 'r1'"


def test_a_state_that_did_not_complete_is_named(ada: Handle[Desk, str]) -> None:
    with pytest.raises(WaitTimedOut) as caught:
        ada.wait_for_state(Desk.read, timeout=0)
    assert str(caught.value) == (
        "the completion of state 'read', pass 1, of workflow 'ada' has not come within the time given; "
        "nothing is lost by waiting again"
    )


def test_a_timer_that_is_not_there_is_named(env: Environment, ada: Handle[Desk, str]) -> None:
    env.settle()
    with pytest.raises(TimerNotFound) as caught:
        ada.skip_timer(Desk.read, timer="day")
    assert str(caught.value) == "workflow 'ada' waits for no such timer: 'day' of read-1"


def test_what_a_run_was_stopped_for_is_told(env: Environment, ada: Handle[Desk, str]) -> None:
    ada.cancel("she has moved")
    outcome = ada.describe().outcome
    assert outcome is not None
    assert outcome.error_message == "she has moved"
    with pytest.raises(WorkflowCanceled) as canceled:
        ada.result()
    assert str(canceled.value) == "workflow 'ada' was canceled: she has moved"

    eve = env.client.start(Desk, "eve")
    eve.terminate("closed for good")
    with pytest.raises(WorkflowTerminated) as terminated:
        eve.result()
    assert str(terminated.value) == "workflow 'eve' was terminated: closed for good"


def test_a_lock_that_is_held_is_named() -> None:
    with pytest.raises(LockConflict) as caught, named(ADA, "RPC Desk.ask", run_id=RunId("r")):
        raise LockConflict("locked")
    assert str(caught.value) == (
        "workflow 'ada' with a run 'r': attributes that RPC Desk.ask locks are held by another call; nothing ran, try again"
    )


@pytest.mark.parametrize("error", [InvalidRequest("wrong"), PerdureError("other")])
def test_other_errors_stay_as_they_are(error: PerdureError) -> None:
    with pytest.raises(PerdureError) as caught, named(ADA):
        raise error
    assert caught.value is error


def test_a_failure_without_a_stack_has_no_cause() -> None:
    with pytest.raises(RpcFailed) as caught, named(ADA, "RPC ask"):
        raise RpcFailed("gone", status=500)
    assert (str(caught.value), caught.value.status) == ("RPC ask of workflow 'ada' failed: gone", 500)
    assert caught.value.__cause__ is None
