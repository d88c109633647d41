"""What an author sees of a handler that raises, and is tried again for ever."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from perdure import (
    Attribute,
    Decision,
    LockConflict,
    Retry,
    Workflow,
    WorkflowFailed,
    after,
    complete,
    complete_now,
    connect,
    go_to,
    rpc,
    state,
    together,
)
from perdure.testing.environment import AsyncEnvironment, Environment
from perdure.testing.watch import Stuck


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


class Guarded(Workflow[None, str]):
    """Fails for ever, and holds a lock meanwhile."""

    status: Attribute[str] = Attribute(default="new")

    @state(start=True, lock=[status])
    def look(self) -> Decision:
        raise OSError("the shop is closed")

    @rpc(lock=[status])
    def ask(self) -> str:
        return self.status


class Twofold(Workflow[None, str]):
    """Fails for ever beside a timer that ends it."""

    @state(start=True)
    def split(self) -> Decision:
        return together(go_to(self.look), go_to(self.sleep))

    @state
    def look(self) -> Decision:
        raise OSError("the shop is closed")

    @state(wait=after(timedelta(hours=24)))
    def sleep(self) -> Decision:
        return complete_now("slept")


class Ending(Workflow[None, str]):
    @state(start=True, retry=Retry(attempts=12))
    def look(self) -> Decision:
        raise OSError("the shop is closed")


class Late(Workflow[None, int]):
    @state(start=True)
    def look(self) -> Decision:
        if self.run.attempt < 30:
            raise OSError("the shop is closed")
        return complete(self.run.attempt)


def test_a_wait_for_a_handler_that_only_fails_is_given_up_with_what_it_raised() -> None:
    with Environment(Mistaken()) as env:
        began = env.now()
        wrong = env.client.start(Mistaken, "w", "k")
        with pytest.raises(Stuck) as caught:
            wrong.result()
        assert env.now() - began < timedelta(hours=1)
    assert str(caught.value) == (
        "Mistaken.look, execute of look-1 of workflow 'w', has failed 10 times in one wait, and nothing else moves the "
        "workflow on: KeyError: 'k'. If it is to recover, allow more: Environment(…, failures_max=100), None for any "
        "number; if it is to end, say so: @state(retry=Retry(attempts=3))"
    )
    assert "return complete(known[text])" in str(caught.value.__cause__)


async def test_the_same_in_an_async_test() -> None:
    async with AsyncEnvironment(Mistaken(), failures_max=2) as env:
        wrong = await env.client.start(Mistaken, "w", "k")
        with pytest.raises(Stuck, match="has failed 2 times in one wait"):
            await wrong.result()


def test_more_failures_can_be_allowed() -> None:
    with Environment(Late(), failures_max=None) as env:
        assert env.client.start(Late, "l").result() == 30


def test_failures_before_the_wait_do_not_count() -> None:
    with Environment(Late()) as env:
        late = env.client.start(Late, "l")
        env.advance(timedelta(minutes=35))
        assert late.result() == 30


def test_what_a_timer_or_an_end_of_the_tries_moves_on_is_waited_for() -> None:
    with Environment(Twofold(), Ending()) as env:
        assert env.client.start(Twofold, "t").result() == "slept"
        with pytest.raises(WorkflowFailed):
            env.client.start(Ending, "e").result()


def test_who_waits_for_another_workflow_is_left_alone() -> None:
    with Environment(Mistaken(), Twofold()) as env:
        env.client.start(Mistaken, "w", "k")
        assert env.client.start(Twofold, "t").result() == "slept"


def test_the_error_of_a_failed_run_has_the_handlers_stack() -> None:
    with Environment(Ending()) as env, pytest.raises(WorkflowFailed) as caught:
        env.client.start(Ending, "e").result()
    assert str(caught.value) == "workflow 'e' failed: OSError: the shop is closed"
    assert 'raise OSError("the shop is closed")' in str(caught.value.__cause__)


def test_the_error_of_a_failed_run_has_the_handlers_stack_in_process(tmp_path: Path) -> None:
    class Once(Workflow[None, None]):
        @state(start=True, retry=Retry(attempts=1))
        async def look(self) -> Decision:
            raise OSError("the shop is closed")

    with connect(f"sqlite:///{tmp_path / 'once.db'}", Once()) as client:
        once = client.start(Once, "o")
        with pytest.raises(WorkflowFailed) as caught:
            once.result(timeout=60)
    assert 'raise OSError("the shop is closed")' in str(caught.value.__cause__)


def test_a_lock_is_asked_for_by_the_clock_of_the_test() -> None:
    with Environment(Guarded()) as env:
        guarded = env.client.start(Guarded, "g")
        env.settle()
        began = env.now()
        with pytest.raises(LockConflict):
            guarded.call(Guarded.ask)
        assert timedelta(seconds=29) < env.now() - began < timedelta(seconds=31)
