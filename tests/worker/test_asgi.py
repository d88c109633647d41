"""What a server is answered by a worker that is served by ASGI."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from perdure.model.calls import ExecuteAnswer, Failure, RpcAnswer, StateMethod, WaitUntilAnswer
from perdure.model.decisions import Closing
from perdure.model.value import EncodedValue
from perdure.wire import paths
from perdure.worker import exchange
from perdure.worker.asgi import AsgiApp
from perdure.worker.runnable import registered, runnables_of
from perdure.worker.serving import Worker
from perdure.worker.signature import Signer
from tests.authoring.onboarding import rpc_request, state_request
from tests.worker.caller import AsgiCall, call_asgi, written
from tests.worker.service import WAIT_SECONDS, Gate, Service
from tests.worker.test_signature import AT, SECRET, guard


@pytest.fixture
def app() -> Iterator[AsgiApp]:
    app = Worker(Service()).asgi_app()
    yield app
    app.close()


def to_service(name: str, input: str | None = None, **more: Any) -> Any:
    return state_request(name, input, workflow_type="Service", **more)


@pytest.mark.parametrize("name", ["work", "work_on_loop"])
async def test_state_is_run_in_a_thread_or_on_the_loop_with_the_same_context(app: AsgiApp, name: str) -> None:
    answer = await call_asgi(app, to_service(name, '"hello"', data={"count": "41"}))
    assert isinstance(answer, ExecuteAnswer)
    (step,) = answer.decision.next
    assert isinstance(step, Closing)
    assert step.output == EncodedValue('"hello None"', "json")
    assert [(written.key, written.value) for written in answer.writes.data] == [("count", EncodedValue("42", "json"))]


async def test_all_three_routes_answer(app: AsgiApp) -> None:
    wait = await call_asgi(app, to_service("work_on_loop", method=StateMethod.WAIT_UNTIL))
    assert isinstance(wait, WaitUntilAnswer)
    assert len(wait.wait.conditions) == 2
    look = await call_asgi(app, rpc_request("look", data={"count": "7"}, workflow_type="Service"))
    assert look == RpcAnswer(EncodedValue("7", "json"))
    add = await call_asgi(app, rpc_request("add", '{"amount": 1}', workflow_type="Service"))
    assert isinstance(add, RpcAnswer)
    assert [movement.state_id for movement in add.movements] == ["decline"]


async def test_what_went_wrong_is_told_with_its_stack(app: AsgiApp) -> None:
    failure = await call_asgi(app, to_service("leave"))
    assert isinstance(failure, Failure)
    assert (failure.status, failure.error_type, failure.retryable) == (500, "SystemExit", True)
    assert failure.detail.startswith("SystemExit: 3\nTraceback")
    assert "in leave" in failure.detail


async def test_what_an_author_asks_for_arrives_at_a_server_of_ours(app: AsgiApp) -> None:
    declined = await call_asgi(app, to_service("decline"))
    assert isinstance(declined, Failure)
    assert (declined.error_type, declined.retryable) == ("Declined", False)
    later = await call_asgi(app, to_service("ask_for_time"))
    assert isinstance(later, Failure)
    assert (later.retryable, later.retry_after_ms) == (True, 5_000)


async def test_handler_that_cancels_itself_has_failed(app: AsgiApp) -> None:
    failure = await call_asgi(app, to_service("cancelled"))
    assert isinstance(failure, Failure)
    assert failure.error_type == "CancelledError"


async def test_what_is_not_here_is_told(app: AsgiApp) -> None:
    for request in (to_service("nothing"), state_request(workflow_type="Other")):
        failure = await call_asgi(app, request)
        assert isinstance(failure, Failure)
        assert failure.error_type == "NotRegistered"


async def test_handler_on_the_loop_is_cancelled_when_the_server_has_gone(app: AsgiApp) -> None:
    before = asyncio.all_tasks()
    call = AsgiCall(app, paths.WORKER_EXECUTE, written(to_service("sleep_on_loop")))
    running = asyncio.ensure_future(call.run())
    async with asyncio.timeout(WAIT_SECONDS):
        # The call, its handler, and who waits for the server to go.
        while len(asyncio.all_tasks() - before) != 3:  # noqa: ASYNC110 - turns of this loop, not time
            await asyncio.sleep(0)
        call.leave()
        await running
        while asyncio.all_tasks() != before:  # noqa: ASYNC110 - turns of this loop, not time
            await asyncio.sleep(0)
    assert call.sent == []


async def test_call_that_nobody_waits_for_gets_no_thread() -> None:
    gate = Gate()
    app = Worker(Service(gate), threads=1).asgi_app()
    held = asyncio.ensure_future(call_asgi(app, to_service("work", '"first"')))
    await asyncio.to_thread(gate.wait_until_entered)
    second = AsgiCall(app, paths.WORKER_EXECUTE, written(to_service("work", '"second"')))
    waiting = asyncio.ensure_future(second.run())
    second.leave()
    await waiting
    gate.open()
    assert isinstance(await held, ExecuteAnswer)
    assert isinstance(await call_asgi(app, to_service("work", '"third"')), ExecuteAnswer)
    gate.wait_until_entered()
    assert not gate.entered.acquire(blocking=False), "the second call was run all the same"
    app.close()


async def test_def_handlers_run_beside_the_loop(app: AsgiApp) -> None:
    threads: list[int] = []
    other = Worker(Service(lambda: threads.append(threading.get_ident()))).asgi_app()
    await call_asgi(other, to_service("work", '"x"'))
    await call_asgi(other, to_service("work_on_loop", '"x"'))
    assert threads[0] != threading.get_ident() == threads[1]
    other.close()


async def test_path_is_counted_from_where_the_application_is_mounted(app: AsgiApp) -> None:
    call = AsgiCall(app, paths.WORKER_EXECUTE, written(to_service("work", '"x"')), root_path="/worker")
    assert (await call.make()).status == 200
    assert (await AsgiCall(app, "/other", b"").make()).status == 404
    assert (await AsgiCall(app, paths.WORKER_EXECUTE, b"", method="GET").make()).status == 405
    assert (await AsgiCall(app, paths.WORKER_EXECUTE, b"no JSON").make()).status == 400


async def test_body_over_the_limit_is_refused(app: AsgiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perdure.worker.asgi.WORKER_BODY_BYTES_MAX", 10)
    assert (await AsgiCall(app, paths.WORKER_EXECUTE, b"x" * 11).make()).status == exchange.TOO_LONG.status == 413


async def test_server_that_asks_whether_all_has_begun_is_told(app: AsgiApp) -> None:
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(ValueError, match="websocket"):
        await app({"type": "websocket"}, receive, send)


async def test_a_call_that_is_not_signed_is_told_so_by_a_worker_with_a_key() -> None:
    app = AsgiApp(runnables_of(registered([Service()])), threads=1, guard=guard())
    body = written(to_service("work", '"x"'))
    lines = Signer([SECRET], now_ms=lambda: AT * 1_000).lines(body).strip().split("\r\n")
    headers = [(name.title().encode(), value.encode()) for name, value in (line.split(": ") for line in lines)]

    async def status(body: bytes, headers: list[tuple[bytes, bytes]]) -> int:
        call = AsgiCall(app, paths.WORKER_EXECUTE, body, headers=headers)
        reply = await call.make()
        if reply.status == 401:
            assert json.loads(reply.body)["errorType"] == "NotSigned"
        return reply.status

    assert await status(body, []) == 401
    assert await status(body + b" ", headers) == 401
    assert await status(body, headers) == 200
    assert await status(body, headers) == 401
    app.close()
