"""The application without a network: what it reads, whom it waits for, and when it stops waiting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any, cast

import pytest

from perdure.model.errors import InvalidRequest
from perdure.model.ids import RunId, WorkflowType
from perdure.model.outcome import RunInfo, RunStatus
from perdure.ports.backend import Backend
from perdure.server.app import App
from perdure.server.endpoints import Settings
from perdure.wire.paths import API, Call


class Waiting:
    """A backend of which one thing can be asked: to wait for what never comes."""

    def __init__(self) -> None:
        self.waits = 0

    async def wait_for_state(self, *_: object, **__: object) -> None:
        self.waits += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waits -= 1


class Caller:
    """One request, and what is answered."""

    def __init__(
        self, app: App, path: str, body: bytes = b"{}", *, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        self._inbox: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self.sent: list[MutableMapping[str, Any]] = []
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers or [], "query_string": b"a=1"}
        self.task = asyncio.ensure_future(app(scope, self._inbox.get, self._send))

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)

    def leave(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})

    async def answered(self) -> tuple[int, Any]:
        await self.task
        start, body = self.sent
        return start["status"], json.loads(body["body"])


WAIT = API + Call.WAIT_FOR_STATE
BODY = b'{"workflowId": "w", "stateExecutionId": "S-1"}'


def an_app(backend: object = None, **options: Any) -> App:
    settings = Settings(now_ms=lambda: 0, **options.pop("settings", {}))
    return App(cast("Backend", backend), settings, **options)


async def until_waiting(backend: Waiting, count: int) -> None:
    while backend.waits != count:  # noqa: ASYNC110 - turns of this loop, not time
        await asyncio.sleep(0)


async def test_a_caller_who_leaves_is_not_waited_for() -> None:
    backend = Waiting()
    app = an_app(backend)
    caller = Caller(app, WAIT, BODY)
    await until_waiting(backend, 1)
    caller.leave()
    await caller.task

    assert caller.sent == []
    assert (backend.waits, app.waiting_count) == (0, 0)


async def test_long_polls_cost_a_task_and_end_when_the_server_stops() -> None:
    backend = Waiting()
    app = an_app(backend)
    callers = [Caller(app, WAIT, BODY) for _ in range(10_000)]
    await until_waiting(backend, 10_000)
    app.drain()
    answers = [await caller.answered() for caller in callers]
    late = await Caller(app, WAIT, BODY).answered()

    assert app.waiting_count == 0
    assert {status for status, _ in [*answers, late]} == {420}
    assert late[1] == {
        "detail": "waiting has exceeded timeout limit, please retry",
        "subStatus": "LONG_POLL_TIME_OUT_SUB_STATUS",
    }


@pytest.mark.parametrize(
    ("body", "headers"), [(b"x" * 101, []), (b"", [(b"content-length", b"101")])], ids=["sent", "announced"]
)
async def test_a_body_over_the_limit_is_refused_with_the_limit(body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    status, told = await Caller(an_app(body_bytes_max=100), API + Call.START, body, headers=headers).answered()

    assert status == 413
    assert "more than 100 bytes" in told["detail"]
    assert "--body-bytes-max" in told["detail"]


async def test_what_nobody_may_send_is_refused_before_it_is_read() -> None:
    status, told = await Caller(an_app(), API + Call.START, b'{"workflowId": "a\\u0000"}').answered()

    assert (status, told) == (
        400,
        {"detail": "invalid request schema: workflowId has a NUL character, which no text here may have"},
    )


async def test_a_start_whose_worker_may_not_be_called_is_refused_with_the_reason() -> None:
    async def check(url: str) -> None:
        raise InvalidRequest(f"{url} is not for us")

    app = an_app(settings={"check_worker_url": check})
    status, told = await Caller(app, API + Call.START, b'{"iwfWorkerUrl": "http://10.1.2.3"}').answered()

    assert (status, told["detail"]) == (400, "http://10.1.2.3 is not for us")


async def test_a_redirect_keeps_the_query() -> None:
    caller = Caller(an_app(), API + "start/")
    await caller.task

    assert caller.sent[0]["status"] == 307
    assert (b"location", b"/api/v1/workflow/start?a=1") in caller.sent[0]["headers"]


async def test_a_caller_who_leaves_in_the_middle_of_a_body_is_not_answered() -> None:
    caller = Caller(an_app(), API + Call.START)
    caller._inbox.get_nowait()
    caller.leave()
    await caller.task

    assert caller.sent == []


async def test_what_is_no_http_is_refused() -> None:
    with pytest.raises(ValueError, match="websocket"):
        await an_app()({"type": "websocket"}, asyncio.Queue[MutableMapping[str, Any]]().get, cast("Any", None))


async def test_a_result_that_is_there_is_answered_at_once() -> None:
    class Done:
        async def describe(self, workflow_id: str, **_: object) -> RunInfo:
            return RunInfo(workflow_id, RunId("r"), WorkflowType("T"), RunStatus.RUNNING, 0)  # type: ignore[arg-type]

    status, told = await Caller(an_app(Done()), API + Call.GET, b'{"workflowId": "w"}').answered()

    assert (status, told) == (200, {"workflowRunId": "r", "workflowStatus": "RUNNING"})


class Busy:
    """A backend whose signals take for ever."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def signal(self, *_: object, **__: object) -> None:
        self.asked.set()
        await asyncio.Event().wait()


async def test_a_call_that_is_cut_off_while_the_server_stops_is_told_so() -> None:
    backend = Busy()
    app = an_app(backend)
    caller = Caller(app, API + Call.SIGNAL, b'{"workflowId": "w", "signalChannelName": "c"}')
    await backend.asked.wait()
    app.drain()
    caller.task.cancel()
    status, told = await caller.answered()
    assert status == 503
    assert told["detail"].startswith("the server is stopping")


async def test_a_call_that_is_cancelled_otherwise_is_not_answered() -> None:
    backend = Busy()
    caller = Caller(an_app(backend), API + Call.SIGNAL, b'{"workflowId": "w", "signalChannelName": "c"}')
    await backend.asked.wait()
    caller.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller.task
    assert caller.sent == []
