from __future__ import annotations

import logging
import threading

import pytest

from perdure.worker.pool import Pool

SECONDS = 20


def test_no_more_threads_than_asked_for_and_no_more_than_needed() -> None:
    pool = Pool("test", 2)
    names: set[str] = set()
    done = threading.Semaphore(0)

    def job() -> None:
        names.add(threading.current_thread().name)
        done.release()

    for _ in range(50):
        pool.submit(job)
    for _ in range(50):
        assert done.acquire(timeout=SECONDS)
    assert names <= {"test-1", "test-2"}
    pool.close()


def test_a_job_that_hangs_holds_one_thread_only() -> None:
    pool = Pool("test", 2)
    release, entered, done = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        release.wait(SECONDS)

    pool.submit(hang)
    assert entered.wait(SECONDS)
    pool.submit(done.set)
    assert done.wait(SECONDS)
    release.set()
    pool.close()


def test_jobs_run_in_their_order() -> None:
    pool = Pool("test", 1)
    seen: list[int] = []
    done = threading.Event()
    for number in range(10):
        pool.submit(lambda number=number: seen.append(number))  # type: ignore[misc]  # a lambda's default has no type
    pool.submit(done.set)
    assert done.wait(SECONDS)
    assert seen == list(range(10))
    pool.close()


def test_a_job_that_raises_is_logged_and_its_thread_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool("test", 1)
    done = threading.Event()

    def wrong() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR, "perdure.worker.pool"):
        pool.submit(wrong)
        pool.submit(done.set)
        assert done.wait(SECONDS)
    assert "a job in thread pool test raised" in caplog.text
    pool.close()


def test_its_threads_end_when_it_is_closed() -> None:
    pool = Pool("closing", 2)
    entered, release = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        release.wait(SECONDS)

    pool.submit(hold)
    assert entered.wait(SECONDS)
    ran = threading.Event()
    pool.close()
    pool.submit(ran.set)
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("closing-"):
            thread.join(SECONDS)
            assert not thread.is_alive()
    assert not ran.is_set()
