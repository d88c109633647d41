"""Threads take turns sooner while handlers run in threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from threading import Event

import pytest

from perdure.worker import pool as pool_module
from perdure.worker.pool import Pool
from perdure.worker.switching import INTERVAL_S, Switching

USUAL_S = 0.005


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process in which nobody else has threads for handlers."""
    monkeypatch.setattr(pool_module, "switching", Switching())
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(USUAL_S)
    yield
    sys.setswitchinterval(before_s)


def test_interval_is_short_until_the_last_holder_releases_it() -> None:
    switching = Switching()
    switching.hold()
    switching.hold()
    switching.release()
    assert sys.getswitchinterval() == pytest.approx(INTERVAL_S)
    switching.release()
    assert sys.getswitchinterval() == pytest.approx(USUAL_S)


def test_shorter_interval_of_the_program_stays() -> None:
    sys.setswitchinterval(0.0002)
    switching = Switching()
    switching.hold()
    assert sys.getswitchinterval() == pytest.approx(0.0002)
    switching.release()
    assert sys.getswitchinterval() == pytest.approx(0.0002)


def test_interval_that_the_program_sets_in_the_meantime_stays() -> None:
    switching = Switching()
    switching.hold()
    sys.setswitchinterval(0.02)
    switching.release()
    assert sys.getswitchinterval() == pytest.approx(0.02)


def test_pool_holds_it_from_its_first_thread_until_it_closes() -> None:
    pool = Pool("test", 2)
    assert sys.getswitchinterval() == pytest.approx(USUAL_S)
    done = Event()
    pool.submit(done.set)
    assert done.wait(60)
    assert sys.getswitchinterval() == pytest.approx(INTERVAL_S)
    pool.close()
    pool.close()
    assert sys.getswitchinterval() == pytest.approx(USUAL_S)


def test_pool_without_threads_changes_nothing() -> None:
    pool = Pool("test", 2)
    pool.close()
    assert sys.getswitchinterval() == pytest.approx(USUAL_S)
