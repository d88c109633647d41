"""A server over the embedded engine, spoken to over HTTP, is as good a backend as the engine itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import web

from perdure.client.http import HttpBackend
from perdure.engine.engine import EngineSettings
from perdure.model.errors import InvalidRequest, UnavailableError, WaitTimedOut, WorkflowNotFound
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions
from perdure.model.outcome import Outcome, RunInfo, RunStatus
from perdure.model.requests import RpcCall, StartRequest
from perdure.model.value import Message
from perdure.ports.backend import Backend
from perdure.server.endpoints import Settings, answer
from perdure.testing.conformance import BackendConformance, InspectorConformance, ScriptedInvoker, Stage
from perdure.testing.world import World

SETTINGS = EngineSettings(synchronous="OFF", heartbeat_ms=None, hang_grace_ms=0)
WORKER_URL = "http://127.0.0.1:8802"
ADA = WorkflowId("ada")
REST_TURNS = 40
"""So many turns of the loop nothing may change before a stage is at rest: more than a request takes."""
WAITS = frozenset({"wait_for_result", "wait_for_state", "call_rpc"})


class Serving:
    """An HTTP server on this machine, in the test's loop."""

    def __init__(self, handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self._handle = handle
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        assert site._server is not None
        self.port = cast("asyncio.Server", site._server).sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


class Counting:
    """Forwards to a backend, and knows which of its methods have not returned."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.open: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*args: Any, **kwargs: Any) -> Any:
            self.open.append(name)
            try:
                return await getattr(self._backend, name)(*args, **kwargs)
            finally:
                self.open.remove(name)

        return ask


class HttpStage:
    """Client, server and test on one loop, the engine on its own; the suite alone moves its time.

    What is on its way through a socket is under way: at rest, each call of the client has come to wait
    in the engine.
    """

    def __init__(self) -> None:
        self.worker = ScriptedInvoker()
        self._world = World(
            lambda _: self.worker, advances_for_waiters=False, held=lambda: self.worker.held, settings=SETTINGS
        )
        self._served = Counting(self._world.backend)
        self._settings = Settings(now_ms=self._world.clock.now_ms)
        self._serving = Serving(self._respond)

    async def open(self) -> None:
        self._world.open()
        await self._serving.open()
        self._http = HttpBackend(self._serving.url, worker_url=WORKER_URL, monotonic_ms=self._world.clock.monotonic_ms)
        self._asked = Counting(self._http)

    async def close(self) -> None:
        await self._http.close()
        await self._serving.close()
        self._world.close()

    @property
    def backend(self) -> Backend:
        return cast("Backend", self._asked)

    async def settle(self) -> None:
        async with asyncio.timeout(20):
            turns = 0
            while turns < REST_TURNS:
                await asyncio.wrap_future(self._world.settle())
                await asyncio.sleep(0)
                turns = turns + 1 if self._is_at_rest else 0

    async def pass_time(self, duration_ms: int) -> None:
        await self.settle()
        await asyncio.wrap_future(self._world.advance(duration_ms))
        await self.settle()

    @property
    def _is_at_rest(self) -> bool:
        waiting = self._served.open
        return WAITS.issuperset(waiting) and len(self._asked.open) == len(waiting)

    async def _respond(self, request: web.Request) -> web.Response:
        backend = cast("Backend", self._served)
        response = await answer(backend, request.method, request.path, await request.read(), self._settings)
        return web.Response(status=response.status, body=response.body, headers={"content-type": response.content_type})


class TestHttp(BackendConformance, InspectorConformance):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[Stage]:
        stage = HttpStage()
        await stage.open()
        yield stage
        await stage.close()


class Script:
    """Answers each request with the next of some answers: a status and a body, or ``None`` to hang up."""

    def __init__(self, *answers: tuple[int, str] | None) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    async def respond(self, request: web.Request) -> web.Response:
        self.requests.append((request.path.removeprefix("/api/v1/workflow/"), await request.json()))
        told = self.answers.pop(0)
        if told is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=told[0], text=told[1])


@asynccontextmanager
async def scripted(
    *answers: tuple[int, str] | None, patience_seconds: float = 5.0
) -> AsyncIterator[tuple[HttpBackend, Script]]:
    script = Script(*answers)
    serving = Serving(script.respond)
    await serving.open()
    backend = HttpBackend(serving.url, worker_url=WORKER_URL, patience_seconds=patience_seconds)
    try:
        yield backend, script
    finally:
        await backend.close()
        await serving.close()


AWAY = (503, '{"detail": "away"}')
OPEN = (420, '{"detail": "open", "subStatus": "LONG_POLL_TIME_OUT_SUB_STATUS"}')
STARTED = (200, '{"workflowRunId": "r1"}')
COMPLETED = (200, '{"workflowRunId": "r1", "workflowStatus": "COMPLETED"}')
KIND = WorkflowType("T")


async def test_read_is_repeated_until_the_server_is_back() -> None:
    async with scripted(AWAY, None, (500, ""), (200, '{"objects": [{"key": "a"}]}')) as (backend, script):
        assert [attribute.key for attribute in await backend.get_data_attributes(ADA)] == ["a"]
        assert script.answers == []


async def test_start_is_repeated_only_with_a_request_id() -> None:
    safe = StartOptions(ignore_already_started=True, request_id="r")
    async with scripted(None, STARTED) as (backend, script):
        assert await backend.start(StartRequest(ADA, KIND, options=safe)) == "r1"
        first, second = script.requests
        assert first == second
    async with scripted(None) as (backend, script):
        with pytest.raises(UnavailableError):
            await backend.start(StartRequest(ADA, KIND))
        assert len(script.requests) == 1


@pytest.mark.parametrize("lost", [None, AWAY])
async def test_what_may_do_harm_twice_is_sent_once(lost: tuple[int, str] | None) -> None:
    async with scripted(lost, lost, lost) as (backend, script):
        with pytest.raises(UnavailableError):
            await backend.signal(ADA, Message("c"))
        with pytest.raises(UnavailableError):
            await backend.publish(ADA, [Message("c")])
        with pytest.raises(UnavailableError):
            await backend.call_rpc(RpcCall(ADA, "desk"))
        assert [call for call, _ in script.requests] == ["signal", "publishToInternalChannel", "rpc"]


async def test_what_the_server_cannot_have_seen_is_sent_again() -> None:
    script = Script((200, "{}"))
    serving = Serving(script.respond)
    await serving.open()
    await serving.close()  # the port is known, and nobody listens there
    backend = HttpBackend(serving.url)
    sending = asyncio.ensure_future(backend.signal(ADA, Message("c")))
    await asyncio.sleep(0.1)
    await serving.open()
    await sending
    assert len(script.requests) == 1
    await backend.close()
    await serving.close()


async def test_server_that_stays_away_is_given_up() -> None:
    backend = HttpBackend("http://127.0.0.1:1", patience_seconds=0.2)
    with pytest.raises(UnavailableError, match=r"no connection to http://127\.0\.0\.1:1.*Does the server run"):
        await backend.describe(ADA)
    await backend.close()


async def test_wait_goes_on_when_the_server_ends_it_early() -> None:
    async with scripted(OPEN, OPEN, COMPLETED) as (backend, script):
        info = await backend.wait_for_result(ADA)
        assert info.outcome == Outcome(RunStatus.COMPLETED, results=())
        assert [fields["waitTimeSeconds"] for _, fields in script.requests] == [30, 30, 30]


async def test_wait_is_over_at_its_time_whatever_the_server_thinks_of_it() -> None:
    now_ms = iter([0, 0, 400, 400, 1_000])
    script = Script(OPEN, OPEN)
    serving = Serving(script.respond)
    await serving.open()
    backend = HttpBackend(serving.url, monotonic_ms=lambda: next(now_ms))
    with pytest.raises(WaitTimedOut):
        await backend.wait_for_result(ADA, wait_ms=1_000)
    assert [fields["perdure"]["waitMs"] for _, fields in script.requests] == [1_000, 600]
    await backend.close()
    await serving.close()


async def test_plain_server_is_asked_again_for_how_a_run_ended() -> None:
    failed = '{"workflowRunId": "r1", "workflowStatus": "FAILED", "errorMessage": "why"}'
    async with scripted((200, '{"workflowRunId": "r1", "workflowStatus": "FAILED"}'), (200, failed)) as (
        backend,
        script,
    ):
        info = await backend.describe(ADA)
        assert info == RunInfo(
            ADA,
            RunId("r1"),
            WorkflowType(""),
            RunStatus.FAILED,
            0,
            outcome=Outcome(RunStatus.FAILED, error_message="why"),
        )
        assert [fields["needsResults"] for _, fields in script.requests] == [False, True]


async def test_plain_server_that_tells_of_a_later_run_is_not_believed() -> None:
    async with scripted((200, '{"workflowRunId": "r1", "workflowStatus": "FAILED"}'), COMPLETED) as (backend, _):
        assert (await backend.describe(ADA)).outcome == Outcome(RunStatus.FAILED)


async def test_answer_of_something_else_is_no_answer() -> None:
    async with scripted((200, "<html>"), (404, "404 page not found"), patience_seconds=0) as (backend, _):
        with pytest.raises(UnavailableError, match=r"is not JSON.*expected one of a Perdure or iWF server"):
            await backend.describe(ADA)
        with pytest.raises(UnavailableError, match="404 page not found"):
            await backend.describe(ADA)


async def test_start_without_a_worker_url_says_so_and_sends_nothing() -> None:
    backend = HttpBackend("http://127.0.0.1:1")
    with pytest.raises(InvalidRequest, match="worker_url"):
        await backend.start(StartRequest(ADA, KIND))


async def test_text_that_is_no_text_is_refused_before_it_is_sent() -> None:
    backend = HttpBackend("http://127.0.0.1:1")
    with pytest.raises(InvalidRequest, match="UTF-8"):
        await backend.describe(WorkflowId("\ud800"))


@pytest.mark.parametrize("url", ["localhost:8801", "ftp://host", "http://", "http://host?a=1"])
def test_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="http://localhost:8801"):
        HttpBackend(url)


async def test_closed_client_asks_nothing_more() -> None:
    async with scripted(STARTED) as (backend, script):
        await backend.start(StartRequest(ADA, KIND))
        await backend.close()
        with pytest.raises(UnavailableError, match="closed"):
            await backend.describe(ADA)
        assert len(script.requests) == 1


def not_found() -> tuple[int, str]:
    return 400, '{"detail": "workflow not found for ID: ada", "subStatus": "WORKFLOW_NOT_EXISTS_SUB_STATUS"}'


async def test_backend_may_be_awaited_on_several_loops() -> None:
    async with scripted(not_found(), not_found()) as (backend, script):

        def elsewhere() -> None:
            with pytest.raises(WorkflowNotFound):
                asyncio.run(_ask_and_close(backend))

        with pytest.raises(WorkflowNotFound):
            await backend.describe(ADA)
        await asyncio.to_thread(elsewhere)
        assert len(script.requests) == 2


async def _ask_and_close(backend: HttpBackend) -> None:
    try:
        await backend.describe(ADA)
    finally:
        await backend.close()


async def test_server_that_is_not_ours_tells_nothing_of_the_inside() -> None:
    async with scripted((404, "404 page not found"), (404, "404 page not found")) as (backend, script):
        with pytest.raises(InvalidRequest, match=r"is no Perdure server, or of an earlier release: .*perdure/history"):
            await backend.history(ADA)
        with pytest.raises(InvalidRequest, match="perdure/progress"):
            await backend.progress(ADA)
        assert [path for path, _ in script.requests] == ["/api/v1/perdure/history", "/api/v1/perdure/progress"]


async def test_long_history_is_fetched_page_after_page() -> None:
    pages = ('{"entries": [{"seq": 1}, {"seq": 2}]}', '{"entries": [{"seq": 3}]}', '{"entries": []}')
    async with scripted(*((200, page) for page in pages)) as (backend, script):
        assert [entry.seq for entry in await backend.history(ADA, limit=9)] == [1, 2, 3]
        assert [(fields["afterSeq"], fields["limit"]) for _, fields in script.requests] == [(0, 9), (2, 7), (3, 6)]
