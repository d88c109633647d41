"""Workflows tried in a place where everything is real but the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from perdure.authoring.attribute import Attribute
from perdure.authoring.channel import Channel
from perdure.authoring.decision import Decision, complete, dead_end, go_to
from perdure.authoring.met import Met
from perdure.authoring.retry import Retry
from perdure.authoring.rpc import rpc
from perdure.authoring.state import state
from perdure.authoring.waiting import Wait, after, all_of, any_of
from perdure.authoring.workflow import Workflow
from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.model.errors import InvalidRequest, UnavailableError, WaitTimedOut
from perdure.model.outcome import RunStatus
from perdure.testing.environment import AsyncEnvironment, Environment
from perdure.testing.watch import Stuck


@dataclass
class Form:
    name: str
    email: str


class Signup(Workflow[Form, str]):
    form: Attribute[Form] = Attribute()
    status: Attribute[str | None] = Attribute(default=None, index="keyword")
    verified: Channel[None] = Channel()

    def __init__(self, send: Callable[[str, str], None], remind_every: timedelta = timedelta(hours=24)) -> None:
        self.send, self.remind_every = send, remind_every

    @state(start=True)
    def submit(self, form: Form) -> Decision:
        self.form = form
        self.send(form.email, "please verify")
        return go_to(self.verify)

    def until_verified(self) -> Wait:
        return any_of(self.verified, after(self.remind_every))

    @state(wait=until_verified)
    async def verify(self, met: Met) -> Decision:
        if self.verified in met:
            self.send(self.form.email, "welcome")
            return complete("done")
        self.send(self.form.email, "reminder")
        return go_to(self.verify)

    @rpc(lock=[status])
    def confirm(self, source: str) -> str:
        if self.status == "verified":
            return "already verified"
        self.status = "verified"
        self.verified.publish()
        return "done"


def test_reminder_after_24_hours() -> None:
    mails: list[str] = []
    with Environment(Signup(send=lambda to, what: mails.append(what))) as env:
        ada = env.client.start(Signup, "ada", Form("ada", "ada@example.org"))
        env.advance(timedelta(hours=24))
        assert mails == ["please verify", "reminder"]
        assert ada.call(Signup.confirm, "link") == "done"
        assert ada.result() == "done"


ADA = Form("ada", "ada@example.org")


class Sleeper(Workflow[float, str]):
    """Sleeps so many seconds, in two naps."""

    woke: Attribute[list[datetime]] = Attribute(factory=list)

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now

    @state(start=True)
    def lie_down(self, seconds: float) -> Decision:
        return go_to(self.nap, seconds)

    def half(self, seconds: float) -> Wait:
        return any_of(after(seconds / 2))

    @state(wait=half)
    def nap(self, seconds: float) -> Decision:
        self.woke = [*self.woke, self.now()]
        return complete("rested") if len(self.woke) == 2 else go_to(self.nap, seconds)


class Flaky(Workflow[None, int]):
    """Fails until its third attempt."""

    def __init__(self) -> None:
        self.attempts: list[int] = []

    @state(start=True, retry=Retry(first=timedelta(hours=1), longest=timedelta(days=1)))
    def only(self) -> Decision:
        self.attempts.append(self.run.attempt)
        if self.run.attempt < 3:
            raise OSError("not yet")
        return complete(self.run.attempt)


class Hanging(Workflow[None, None]):
    """Hangs in its first call until it is let go."""

    def __init__(self) -> None:
        self.called, self.let_go = Event(), Event()
        self.calls: list[int] = []

    @state(start=True)
    def only(self) -> Decision:
        self.calls.append(self.run.attempt)
        self.called.set()
        if len(self.calls) == 1:
            self.let_go.wait(60)
        return complete()


class Idle(Workflow[None, None]):
    @state(start=True)
    def only(self) -> Decision:
        return dead_end()


def signup(mails: list[str]) -> Signup:
    return Signup(send=lambda to, what: mails.append(what))


def test_time_stands_still_unless_it_is_moved() -> None:
    mails: list[str] = []
    start = datetime(2031, 2, 3, tzinfo=UTC)
    with Environment(signup(mails), start=start) as env:
        ada = env.client.start(Signup, "ada", ADA)
        env.settle()
        assert ada.describe().status is RunStatus.RUNNING
        assert ada.get(Signup.form) == ADA
        assert env.now() == start
        assert mails == ["please verify"]


def test_advance_stops_short_of_what_is_due_later() -> None:
    mails: list[str] = []
    with Environment(signup(mails)) as env:
        env.client.start(Signup, "ada", ADA)
        env.advance(timedelta(hours=24) - timedelta(milliseconds=1))
        assert mails == ["please verify"]
        env.advance(timedelta(milliseconds=1))
        assert mails == ["please verify", "reminder"]


def test_endless_reminder_is_called_once_for_each_day_that_passes() -> None:
    mails: list[str] = []
    with Environment(signup(mails)) as env:
        env.client.start(Signup, "ada", ADA)
        env.advance(timedelta(days=30))
        assert mails == ["please verify"] + ["reminder"] * 30


def test_handlers_see_the_moment_at_which_they_are_due() -> None:
    start = datetime(2031, 1, 1, tzinfo=UTC)
    times: list[Callable[[], datetime]] = []
    with Environment(Sleeper(lambda: times[0]()), start=start) as env:
        times.append(env.now)
        long, short = env.client.start(Sleeper, "long", 10), env.client.start(Sleeper, "short", 4)
        env.advance(60)
        assert short.get(Sleeper.woke) == [start + timedelta(seconds=2), start + timedelta(seconds=4)]
        assert long.get(Sleeper.woke) == [start + timedelta(seconds=5), start + timedelta(seconds=10)]
        assert env.now() == start + timedelta(seconds=60)


def test_blocking_wait_moves_time_no_further_than_it_must() -> None:
    with Environment(Sleeper(lambda: datetime(2031, 1, 1, tzinfo=UTC))) as env:
        began = env.now()
        sleeper = env.client.start(Sleeper, "s", 3600)
        assert sleeper.result() == "rested"
        assert env.now() == began + timedelta(hours=1)
        assert sleeper.result() == "rested"
        assert env.now() == began + timedelta(hours=1)


def test_blocking_wait_ends_at_its_own_time() -> None:
    with Environment(Sleeper(lambda: datetime(2031, 1, 1, tzinfo=UTC))) as env:
        began = env.now()
        sleeper = env.client.start(Sleeper, "s", 3600)
        with pytest.raises(WaitTimedOut):
            sleeper.result(timeout=timedelta(minutes=10))
        assert env.now() == began + timedelta(minutes=10)


def test_retries_take_no_real_time() -> None:
    flaky = Flaky()
    with Environment(flaky) as env:
        began = env.now()
        assert env.client.start(Flaky, "f").result() == 3
        assert flaky.attempts == [1, 2, 3]
        assert env.now() == began + timedelta(hours=1 + 2)


def test_restart_in_the_middle_loses_nothing() -> None:
    mails: list[str] = []
    with Environment(signup(mails)) as env:
        ada = env.client.start(Signup, "ada", ADA)
        env.advance(timedelta(hours=23))
        env.restart()
        env.advance(timedelta(hours=1))
        assert mails == ["please verify", "reminder"]
        env.restart()
        assert ada.call(Signup.confirm, "link") == "done"
        env.restart()
        assert ada.result() == "done"
        assert mails[-1] == "welcome"


def test_call_that_was_under_way_is_made_again_after_a_restart() -> None:
    hanging = Hanging()
    with Environment(hanging) as env:
        run = env.client.start(Hanging, "h")
        assert hanging.called.wait(60)
        env.restart()
        assert run.result() is None
        hanging.let_go.set()
        env.settle()
        assert hanging.calls == [1, 1]


def test_caller_of_a_killed_engine_is_told() -> None:
    errors: list[Exception] = []
    hanging = Hanging()
    with Environment(hanging) as env:
        run = env.client.start(Hanging, "h")
        assert hanging.called.wait(60)

        def wait() -> None:
            try:
                run.result()
            except UnavailableError as error:
                errors.append(error)

        waiting = Thread(target=wait)
        waiting.start()
        while not env.callers_waiting:
            env.client.search()
        env.restart()
        waiting.join(60)
        assert [str(error) for error in errors] == ["the engine was killed before it could answer"]
        hanging.let_go.set()


def test_wait_for_what_never_comes_is_given_up() -> None:
    with Environment(Idle(), patience=0.2) as env:
        idle = env.client.start(Idle, "i")
        with pytest.raises(Stuck) as caught:
            idle.result()
    assert str(caught.value) == (
        "nothing has happened for 0.2 s, and a caller waits; no handler runs and nothing is due: is a message missing?; "
        "workflow 'i': no state of it is open: it idles until an RPC starts one, or it is stopped"
    )


def test_wait_that_only_reminds_is_given_up_after_years() -> None:
    mails: list[str] = []
    with Environment(Signup(send=lambda to, what: mails.append(what), remind_every=timedelta(days=365))) as env:
        ada = env.client.start(Signup, "ada", ADA)
        with pytest.raises(Stuck, match="3650 days have passed in one wait"):
            ada.result()
        assert mails.count("reminder") >= 10


def test_handler_that_does_not_return_is_told_to_whoever_advances() -> None:
    hanging = Hanging()
    with Environment(hanging, patience=0.2) as env:
        env.client.start(Hanging, "h")
        with pytest.raises(
            Stuck,
            match=r"calls of handlers that have not returned: 1: Hanging\.only, execute of only-1 of workflow 'h'$",
        ):
            env.advance(1)
        hanging.let_go.set()


def test_time_never_goes_back() -> None:
    with Environment() as env, pytest.raises(ValueError, match="never goes back"):
        env.advance(-1)


def test_file_that_was_given_is_kept(tmp_path: Path) -> None:
    mails: list[str] = []
    with Environment(signup(mails), path=tmp_path / "kept.db") as env:
        env.client.start(Signup, "ada", ADA)
        env.settle()
    with Environment(signup(mails), path=tmp_path / "kept.db") as env:
        assert env.client.get(Signup, "ada").get(Signup.form) == ADA
    assert mails == ["please verify"]


async def test_async_environment_is_the_same_place() -> None:
    mails: list[str] = []
    async with AsyncEnvironment(signup(mails)) as env:
        ada = await env.client.start(Signup, "ada", ADA)
        await env.advance(timedelta(hours=24))
        assert mails == ["please verify", "reminder"]
        await env.restart()
        assert await ada.call(Signup.confirm, "link") == "done"
        assert await ada.result() == "done"
        await env.settle()
        assert mails[-1] == "welcome"


def test_a_workflow_that_is_not_of_this_place_is_not_started() -> None:
    with (
        Environment(Signup(send=lambda _email, _text: None)) as env,
        pytest.raises(InvalidRequest, match=r"found workflow type 'Sign', .* here: Signup\. Did you mean 'Signup'\?"),
    ):
        env.client.start("Sign", "ada")


class Essay(Workflow[str, str]):
    text: Attribute[str] = Attribute()
    approved: Channel[None] = Channel()

    def until_approved(self) -> Wait:
        return any_of(self.approved, after(timedelta(days=30)))

    @state(start=True)
    def write(self, topic: str) -> Decision:
        self.text = topic * 1_000
        return go_to(self.read)

    @state(wait=until_approved)
    def read(self) -> Decision:
        return complete(self.text)


def test_large_values_are_apart_here_too_and_outlive_a_restart(tmp_path: Path) -> None:
    blobs = Blobs(BlobFolder(tmp_path / "blobs"), threshold_bytes=100)
    with Environment(Essay(), path=tmp_path / "e.db", blobs=blobs) as env:
        essay = env.client.start(Essay, "1", "tea ")
        env.settle()
        assert b"tea tea" not in (tmp_path / "e.db").read_bytes() + (tmp_path / "e.db-wal").read_bytes()
        env.restart()
        env.advance(timedelta(days=2))
        assert essay.result() == "tea " * 1_000
    with pytest.raises(InvalidRequest, match="large values in the store 'folder'"):
        Environment(Essay(), path=tmp_path / "e.db").__enter__()


def test_time_does_not_pass_from_one_cleaning_to_the_next(tmp_path: Path) -> None:
    class Waiting(Workflow[None, None]):
        said: Channel[None] = Channel()

        def until_said(self) -> Wait:
            return all_of(self.said)

        @state(start=True, wait=until_said)
        def wait(self) -> Decision:
            return complete(None)

    with Environment(Waiting(), blobs=Blobs(BlobFolder(tmp_path / "blobs")), patience=0.2) as env:
        begun = env.now()
        waiting = env.client.start(Waiting, "1", None)
        with pytest.raises(Stuck, match="nothing is due"):
            waiting.result()
        assert env.now() == begun
