from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perdure.client.client import AsyncClient
from perdure.client.handle import AsyncHandle
from perdure.client.remote import Unsent
from perdure.engine.owner import said_of
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.model.ids import WorkflowId
from perdure.model.value import EncodedValue, Message
from perdure.ports.invoker import Invoker
from perdure.sharing.guest import Guest
from perdure.sharing.host import Host, Offer
from tests.sharing.opened import offer, until
from tests.sharing.program import Program
from tests.sharing.workflows import Farewell, Greeting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def owner(path: Path) -> Iterator[Program]:
    with Program(f"sqlite:///{path}", "Greeting()") as program:
        yield program


def join(made: Offer, *, patience_seconds: float = 60.0) -> Guest:
    _, address = said_of(made.path)
    assert address
    return Guest.join(made, address=address, patience_seconds=patience_seconds)


async def started(guest: Guest) -> AsyncHandle[Greeting, str]:
    return await AsyncClient(guest.backend).start(Greeting, "ada", "Ada")


async def test_handlers_run_in_the_owner(path: Path, owner: Program, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        guest = join(offer(path, Greeting(), Farewell()))
    assert "runs Greeting, and not Farewell" in caplog.text
    assert f"process {owner.pid}, which owns {path} and runs Greeting" in repr(guest.backend)
    ada = await started(guest)
    assert await ada.call(Greeting.whoami) == owner.pid
    await ada.publish(Greeting.go_on)
    assert await ada.result() == f"hello Ada from {owner.pid}"
    with pytest.raises(InvalidRequest, match=f"'Farewell', expected one that process {owner.pid} runs.*: Greeting"):
        await AsyncClient(guest.backend).start(Farewell, "bob")
    guest.stop()


async def test_guest_takes_over_from_an_owner_that_is_killed_and_who_waits_goes_on_waiting(
    path: Path, owner: Program
) -> None:
    guest = join(offer(path, Greeting(), Farewell()))
    ada = await started(guest)
    waiting = asyncio.ensure_future(ada.result())
    await ada.call(Greeting.whoami)
    owner.kill()
    await until(lambda: guest.owns)
    assert repr(guest.backend) == f"<RemoteBackend of this process, which owns {path}>"
    await ada.publish(Greeting.go_on)
    assert await waiting == f"hello Ada from {os.getpid()}"
    with Program(f"sqlite:///{path}", "Greeting()") as third:
        assert third.says("client.get(Greeting, 'ada').result()") == f"hello Ada from {os.getpid()}"
    guest.stop()
    guest.stop()


async def test_who_cannot_run_what_the_owner_ran_waits_for_the_next_one(path: Path, owner: Program) -> None:
    guest = join(offer(path, Farewell()))
    ada = await started(guest)
    owner.kill()
    waiting = asyncio.ensure_future(ada.result())
    with Program(f"sqlite:///{path}", "Greeting()") as following:
        assert await ada.call(Greeting.whoami) == following.pid
        assert not guest.owns
        await ada.publish(Greeting.go_on)
        assert await waiting == f"hello Ada from {following.pid}"
        guest.stop()


async def test_who_waits_is_told_when_no_owner_comes(path: Path, owner: Program) -> None:
    guest = join(offer(path), patience_seconds=0.3)
    ada = await started(guest)
    waiting = asyncio.ensure_future(ada.result())
    await ada.call(Greeting.whoami)
    owner.kill()
    with pytest.raises(UnavailableError, match=rf"process {owner.pid}.* (gone|cannot be reached)"):
        await waiting
    with pytest.raises(UnavailableError):
        await ada.publish(Greeting.go_on)
    guest.stop()


async def test_one_of_several_guests_takes_over_and_the_others_are_its_guests(path: Path, owner: Program) -> None:
    url = f"sqlite:///{path}"
    with Program(url, "Greeting()") as first, Program(url, "Greeting()") as second:
        guest = join(offer(path, Greeting()))
        await started(guest)
        owner.kill()
        # A read is repeated until there is an owner; an RPC just then might have to be refused.
        await AsyncClient(guest.backend).get(Greeting, "ada").describe()
        assert {program.says("client.get(Greeting, 'ada').describe().status.name") for program in (first, second)} == {
            "RUNNING"
        }
        who = "client.get(Greeting, 'ada').call(Greeting.whoami)"
        owns = {
            first.says(who),
            second.says(who),
            await AsyncClient(guest.backend).get(Greeting, "ada").call(Greeting.whoami),
        }
        assert len(owns) == 1
        assert owns <= {first.pid, second.pid, os.getpid()}
        guest.stop()


async def test_owner_that_closes_is_followed_at_once(path: Path) -> None:
    host = await Host.open_here(offer(path, Greeting()))
    guest = await asyncio.to_thread(join, offer(path, Greeting()))
    ada = await started(guest)
    waiting = asyncio.ensure_future(ada.result())
    await until(lambda: host.engine.callers_waiting == 1)
    await host.aclose()
    await until(lambda: guest.owns)
    await ada.publish(Greeting.go_on)
    assert (await waiting).startswith("hello Ada")
    await asyncio.to_thread(guest.stop)


async def test_nobody_there_is_told_apart_from_somebody_who_cannot_be_spoken_to(path: Path) -> None:
    with pytest.raises(Unsent, match="nobody listens at"):
        Guest.join(offer(path), address="unix:x.db.sock")


async def test_owner_that_hangs_is_waited_for_until_the_time_of_the_call_is_over(path: Path, owner: Program) -> None:
    guest = join(offer(path, Greeting()))
    await started(guest)
    owner.pause()
    with pytest.raises(UnavailableError, match=rf"process {owner.pid} has not answered within 0\.1 s"):
        await guest.send("/api/v1/workflow/get", b"{}", seconds=0.1)
    owner.process.send_signal(signal.SIGCONT)
    assert (await guest.backend.describe(WorkflowId("ada"))).workflow_type == "Greeting"
    guest.stop()


async def test_closed_guest_answers_nobody(path: Path, owner: Program) -> None:
    guest = join(offer(path, Greeting()))
    ada = await started(guest)
    waiting = asyncio.ensure_future(ada.result())
    await ada.call(Greeting.whoami)
    await asyncio.to_thread(guest.stop)
    with pytest.raises(UnavailableError, match="closed"):
        await waiting
    with pytest.raises(UnavailableError, match="closed"):
        await ada.describe()
    assert owner.says("client.get(Greeting, 'ada').describe().status.name") == "RUNNING"


async def test_guest_of_an_owner_that_hangs_can_be_closed(path: Path, owner: Program) -> None:
    guest = join(offer(path, Greeting()))
    owner.pause()
    long = EncodedValue("x" * 3_000_000)  # more than a socket takes for who does not read
    sending = asyncio.ensure_future(guest.backend.signal(WorkflowId("ada"), Message("go_on", long)))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(60):
        await asyncio.to_thread(guest.stop)
    with pytest.raises(UnavailableError, match="closed"):
        await sending


async def test_guest_that_cannot_become_the_owner_tries_again(
    path: Path, owner: Program, caplog: pytest.LogCaptureFixture
) -> None:
    made = offer(path, Greeting())
    refusals = [OSError("no threads")]

    def make_invoker(loop: asyncio.AbstractEventLoop) -> Invoker:
        if refusals:
            raise refusals.pop()
        return made.make_invoker(loop)

    guest = join(replace(made, make_invoker=make_invoker))
    owner.kill()
    await until(lambda: guest.owns)
    assert "could not become the owner" in caplog.text
    assert "no threads" in caplog.text
    guest.stop()


async def test_guest_that_lacks_something_says_so_once_and_tells_its_callers(
    path: Path, owner: Program, caplog: pytest.LogCaptureFixture
) -> None:
    made = offer(path, Greeting())
    tries = []

    def make_invoker(loop: asyncio.AbstractEventLoop) -> Invoker:
        tries.append(loop)
        raise InvalidRequest("this process lacks a store")

    guest = join(replace(made, make_invoker=make_invoker), patience_seconds=0.1)
    ada = await started(guest)
    owner.kill()
    await until(lambda: len(tries) > 2)
    with pytest.raises(UnavailableError, match=r"cannot be reached\. this process lacks a store"):
        await ada.describe()
    assert caplog.text.count("lacks a store") == 1
    guest.stop()


def test_fork_of_a_guest_is_told_to_connect_once_more(path: Path, owner: Program) -> None:
    guest = join(offer(path, Greeting()))
    child = os.fork()
    if not child:
        told = 1
        try:
            guest.stop()  # its copy: the parent's goes on
            asyncio.run(guest.backend.describe(WorkflowId("ada")))
        except InvalidRequest:
            told = 0
        finally:
            os._exit(told)
    assert os.waitpid(child, 0)[1] == 0
    ada = asyncio.run(started(guest))
    assert asyncio.run(ada.call(Greeting.whoami)) == owner.pid
    guest.stop()


def test_child_of_an_owner_does_not_keep_its_end_from_being_noticed(path: Path, owner: Program) -> None:
    guest = join(offer(path, Greeting()))
    child = owner.says("os.fork() or __import__('time').sleep(60)")
    try:
        owner.kill()
        asyncio.run(until(lambda: guest.owns))
    finally:
        os.kill(child, signal.SIGKILL)
    guest.stop()
