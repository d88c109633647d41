from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from perdure import Registry
from perdure.model.calls import ExecuteAnswer, Failure, RpcAnswer, StateMethod, WaitUntilAnswer
from perdure.model.decisions import Closing
from perdure.testing.conformance.invoking import Hands, InvokerConformance
from perdure.worker.local import LocalInvoker
from tests.authoring.onboarding import Onboarding, rpc_request, sealed, state_request
from tests.worker.hands import hands_here
from tests.worker.service import WAIT_SECONDS, Ends, Gate, Service, invoke


class TestLocalInvoker(InvokerConformance):
    """The contract of an invoker."""

    @pytest.fixture
    async def hands(self) -> AsyncIterator[Hands]:
        async with hands_here() as hands:
            yield hands


def service_request(name: str = "work", text: str | None = '"x"', **others: Any) -> Any:
    return state_request(name, text, workflow_type="Service", **others)


def service_rpc(name: str, text: str | None = None, **others: Any) -> Any:
    return rpc_request(name, text, workflow_type="Service", **others)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


def output_of(answer: object) -> object:
    assert isinstance(answer, ExecuteAnswer)
    (closing,) = answer.decision.next
    assert isinstance(closing, Closing)
    return closing.output


@pytest.mark.parametrize("name", ["work", "work_on_loop"])
def test_handlers_of_both_colours_are_called(name: str) -> None:
    invoker = LocalInvoker(Registry(Service()))
    assert output_of(invoke(invoker, service_request(name))) == sealed('"x None"')
    invoker.close()


def test_def_handlers_run_in_threads_and_async_ones_on_one_loop() -> None:
    threads: dict[str, str] = {}
    name = "work"

    def note() -> None:
        threads[name] = threading.current_thread().name

    invoker = LocalInvoker(Registry(Service(note)))
    for name in ("work", "work_on_loop"):
        invoke(invoker, service_request(name))
    assert threads == {"work": "perdure-Service-1", "work_on_loop": "perdure-handlers"}
    invoker.close()


def test_waits_and_rpcs_are_answered_in_their_own_words() -> None:
    invoker = LocalInvoker(Registry(Service()))
    for name in ("work_on_loop", "sleep_on_loop"):
        assert isinstance(invoke(invoker, service_request(name, method=StateMethod.WAIT_UNTIL)), WaitUntilAnswer)
    for name in ("look", "add"):
        text = '{"amount":1}' if name == "add" else None
        assert isinstance(invoke(invoker, service_rpc(name, text)), RpcAnswer)
    invoker.close()


async def test_async_handlers_run_on_the_loop_that_is_given() -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    invoker = LocalInvoker(
        Registry(Service(lambda: loops.append(asyncio.get_running_loop()))), loop=asyncio.get_running_loop()
    )
    here: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    invoker.invoke(service_request("work_on_loop"), timeout_ms=60_000, report=here.set_result)
    assert output_of(await here) == sealed('"x None"')
    answer = await asyncio.to_thread(invoke, invoker, service_request("work_on_loop"))
    assert output_of(answer) == sealed('"x None"')
    assert loops == [asyncio.get_running_loop()] * 2
    invoker.close()


@pytest.mark.parametrize(
    ("name", "message", "retryable", "retry_after_ms"),
    [
        ("decline", "Declined: no such account", False, None),
        ("ask_for_time", "RetryAfter: busy", True, 5_000),
        ("leave", "SystemExit: 3", True, None),
        ("cancelled", "CancelledError: by the author's own doing", True, None),
    ],
)
def test_what_an_author_raises_is_a_failure(
    name: str, message: str, *, retryable: bool, retry_after_ms: int | None
) -> None:
    invoker = LocalInvoker(Registry(Service()))
    failure = invoke(invoker, service_request(name, None))
    assert isinstance(failure, Failure)
    assert (failure.message, failure.retryable, failure.retry_after_ms) == (message, retryable, retry_after_ms)
    assert failure.error_type == message.split(":", maxsplit=1)[0]
    assert f"in {name}" in failure.detail
    assert output_of(invoke(invoker, service_request())) == sealed('"x None"')
    invoker.close()


def test_a_read_only_rpc_that_writes_is_told_to_its_caller() -> None:
    invoker = LocalInvoker(Registry(Service()))
    failure = invoke(invoker, service_rpc("look_and_touch"))
    assert isinstance(failure, Failure)
    assert failure.error_type == "ReadOnlyWrote"
    invoker.close()


def test_what_is_not_registered_is_a_failure_at_once() -> None:
    invoker = LocalInvoker(Registry(Service()))
    for request in (state_request("begin"), service_request("nothing"), service_rpc("nothing")):
        failure = invoke(invoker, request)
        assert isinstance(failure, Failure)
        assert failure.error_type == "NotRegistered"
        assert failure.retryable
    invoker.close()


def test_a_def_handler_over_its_time_is_reported_and_keeps_its_thread(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    invoker = LocalInvoker(Registry(Service(gate)), threads=1)
    ends = Ends()
    with caplog.at_level(logging.WARNING, "perdure.worker.local"):
        invoker.invoke(service_request(), timeout_ms=30, report=ends.put)
        failure = ends.next()
    assert isinstance(failure, Failure)
    assert (failure.timed_out, failure.retryable) == (True, True)
    assert invoker.overdue_count == 1
    assert "Service.work.execute of ada has run for more than 30 ms and keeps its thread" in caplog.text
    invoker.invoke(service_request(), timeout_ms=60_000, report=ends.put)
    assert ends.empty()  # it waits for the thread, and its time has not begun
    gate.open()
    assert output_of(ends.next()) == sealed('"x None"')
    assert invoker.overdue_count == 0
    assert ends.empty()  # what the late one answered is not heard
    invoker.close()


def test_an_rpc_whose_caller_has_gone_is_not_run(gate: Gate) -> None:
    invoker = LocalInvoker(Registry(Service(gate)), threads=1)
    ends = Ends()
    invoker.invoke(service_request(), timeout_ms=60_000, report=ends.put)
    gate.wait_until_entered()
    invoker.invoke(service_rpc("add", '{"amount":1}'), timeout_ms=30, report=ends.put)
    failure = ends.next()
    assert isinstance(failure, Failure)
    assert failure.timed_out
    assert invoker.overdue_count == 0
    gate.open()
    ends.next()
    invoke(invoker, service_request("decline", None))
    assert not gate.entered.acquire(blocking=False)
    invoker.close()


def test_an_async_handler_over_its_time_is_reported_and_cancelled() -> None:
    invoker = LocalInvoker(Registry(Service()))
    failure = invoke(invoker, service_request("sleep_on_loop", None), timeout_ms=30)
    assert isinstance(failure, Failure)
    assert failure.timed_out
    assert invoker.overdue_count == 0
    assert output_of(invoke(invoker, service_request("work_on_loop"))) == sealed('"x None"')
    invoker.close()


def test_one_type_that_hangs_takes_no_thread_from_another(gate: Gate) -> None:
    invoker = LocalInvoker(Registry(Service(gate), Onboarding()), threads=1)
    ends = Ends()
    for _ in range(5):
        invoker.invoke(service_request(), timeout_ms=60_000, report=ends.put)
    gate.wait_until_entered()
    answer = invoke(invoker, state_request("begin", '{"name":"a","email":"b"}'))
    assert isinstance(answer, ExecuteAnswer)
    gate.open()
    invoker.close()


def test_handlers_in_many_threads_do_not_meet() -> None:
    barrier = threading.Barrier(8)
    invoker = LocalInvoker(Registry(Service(lambda: barrier.wait(WAIT_SECONDS) and None)), threads=8)
    ends = Ends()
    for number in range(8):
        invoker.invoke(service_request(data={"count": str(number)}), timeout_ms=60_000, report=ends.put)
    answers = [ends.next() for _ in range(8)]
    counts = [answer.writes.data[0].value for answer in answers if isinstance(answer, ExecuteAnswer)]
    assert sorted(int(value.data or "") for value in counts if value is not None) == list(range(1, 9))
    invoker.close()


def test_a_closed_worker_takes_no_calls() -> None:
    invoker = LocalInvoker(Registry(Service()))
    invoker.close()
    failure = invoke(invoker, service_request())
    assert isinstance(failure, Failure)
    assert failure.error_type == "WorkerClosed"


async def test_closing_cancels_what_runs_on_a_loop_of_the_callers() -> None:
    invoker = LocalInvoker(Registry(Service()), loop=asyncio.get_running_loop())
    ends = Ends()
    invoker.invoke(service_request("sleep_on_loop", None), timeout_ms=60_000, report=ends.put)
    await asyncio.sleep(0)
    (task,) = invoker._tasks
    invoker.close()
    await asyncio.wait([task], timeout=WAIT_SECONDS)
    assert task.cancelled()
    assert ends.empty()


def test_calls_for_a_loop_that_is_closed_are_failures() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    invoker = LocalInvoker(Registry(Service()), loop=loop)
    for _ in range(2):
        failure = invoke(invoker, service_request("work_on_loop"))
        assert isinstance(failure, Failure)
        assert failure.message == "RuntimeError: Event loop is closed"
    invoker.close()


def test_at_least_one_thread_is_needed() -> None:
    with pytest.raises(ValueError, match="threads is 0, expected 1 or more"):
        LocalInvoker(Registry(), threads=0)
