from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from perdure.blobs.aside import Aside
from perdure.model.errors import UnavailableError


async def test_on_a_loop_work_is_done_in_a_thread_beside_it() -> None:
    aside = Aside(1)
    assert await aside.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await aside.run(lambda: 1 // 0)
    aside.close()


def test_without_a_loop_it_never_suspends() -> None:
    asked = Aside(1).run(threading.get_ident)
    with pytest.raises(StopIteration) as done:
        asked.send(None)
    assert done.value.value == threading.get_ident()


def test_a_closed_one_takes_no_work() -> None:
    aside = Aside(1)
    aside.close()
    with pytest.raises(UnavailableError, match="closed"):
        aside.submit(lambda: None)


def test_no_more_threads_than_allowed_work_at_once_and_all_work_is_done() -> None:
    aside = Aside(3)
    gate, together = threading.Event(), threading.Barrier(4)

    def meet() -> int:
        together.wait(60)
        gate.wait(60)
        return threading.get_ident()

    meeting = [aside.submit(meet) for _ in range(3)]
    together.wait(60)  # three are at work
    waiting = [aside.submit(threading.get_ident) for _ in range(20)]
    assert not any(each.done() for each in waiting)
    gate.set()
    assert len({each.result(60) for each in meeting}) == 3
    assert {each.result(60) for each in waiting} <= {each.result() for each in meeting}
    aside.close()


def test_a_thread_that_has_nothing_to_do_is_used_again() -> None:
    aside = Aside(3)
    first = aside.submit(threading.get_ident).result(60)
    used = [aside.submit(threading.get_ident).result(60) for _ in range(50)]
    assert len({first, *used}) <= 3
    aside.close()


def test_what_waits_when_it_is_closed_is_never_done() -> None:
    aside = Aside(1)
    gate, begun, done = threading.Event(), threading.Event(), []

    def wait() -> None:
        begun.set()
        gate.wait(60)

    waiting = aside.submit(wait)
    assert begun.wait(60)
    aside.submit(lambda: done.append(1))
    aside.close()
    gate.set()
    waiting.result(60)
    assert done == []


def test_a_process_ends_although_a_store_does_not_answer() -> None:
    program = (
        "from threading import Event\nfrom perdure.blobs.aside import Aside\n"
        "begun = Event()\nAside().submit(lambda: (begun.set(), Event().wait()))\nbegun.wait()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
