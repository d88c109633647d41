"""Sync code runs coroutines on a loop in another thread."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from perdure.client.portal import Portal
from perdure.model.errors import UnavailableError


async def where() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_portal_brings_a_thread_and_ends_it() -> None:
    before = set(threading.enumerate())
    portal = Portal()
    assert portal.run(where()) == "perdure-client"
    portal.close()
    portal.close()
    assert set(threading.enumerate()) <= before
    with pytest.raises(RuntimeError, match="the client is closed"):
        portal.run(where())


def test_caller_who_waits_while_it_is_closed_is_told() -> None:
    portal = Portal()
    asked = threading.Event()

    async def wait_for_ever() -> None:
        asked.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: portal.run(wait_for_ever()))
        assert asked.wait(60)
        portal.close()
        with pytest.raises(UnavailableError, match="closed before its question was answered"):
            waiting.result(60)


def test_error_is_raised_in_the_caller() -> None:
    async def fail() -> None:
        raise KeyError("no")

    portal = Portal()
    with pytest.raises(KeyError):
        portal.run(fail())
    portal.close()


async def test_portal_to_a_loop_of_others_leaves_it_running() -> None:
    loop = asyncio.get_running_loop()
    portal = Portal(loop)
    assert await asyncio.to_thread(lambda: portal.run(where())) == threading.current_thread().name
    await asyncio.to_thread(portal.close)
    assert loop.is_running()


async def test_waiting_for_who_waits_for_oneself_is_refused() -> None:
    portal = Portal(answers=asyncio.get_running_loop)
    with pytest.raises(RuntimeError, match="await an AsyncClient instead"):
        portal.run(where())
    portal.close()


async def test_waiting_for_oneself_is_refused() -> None:
    portal = Portal(asyncio.get_running_loop())
    with pytest.raises(RuntimeError, match="await an AsyncClient instead"):
        portal.run(where())


async def here() -> str:
    return threading.current_thread().name


def test_coroutine_that_needs_no_loop_runs_in_its_callers_thread() -> None:
    portal = Portal(needs_loop=False)
    assert portal.run(here()) == threading.current_thread().name
    portal.close()
    with pytest.raises(RuntimeError, match="the client is closed"):
        portal.run(here())


def test_coroutine_that_needs_a_loop_after_all_is_told() -> None:
    portal = Portal(needs_loop=False)
    with pytest.raises(RuntimeError, match="found a coroutine that waits for a loop"):
        portal.run(where())
    portal.close()


async def test_caller_on_a_loop_of_its_own_is_served_by_the_portals() -> None:
    portal = Portal(needs_loop=False)
    assert portal.run(where()) == "perdure-client"
    portal.close()


def test_portal_that_a_fork_has_copied_says_so_instead_of_waiting_for_ever() -> None:
    portal = Portal()
    child = os.fork()
    if not child:
        told = 1
        try:
            portal.run(asyncio.sleep(0))
        except UnavailableError:
            told = 0
        finally:
            os._exit(told)
    assert os.waitpid(child, 0)[1] == 0
    assert not portal.is_inherited
    portal.run(asyncio.sleep(0))
    portal.close()
