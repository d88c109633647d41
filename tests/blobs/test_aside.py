from __future__ import annotations

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
