"""A server over the embedded engine, spoken to over HTTP, is as good a backend as the engine itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from perdure.client.http import HttpBackend, HttpTransport
from perdure.client.remote import RemoteBackend
from perdure.model.errors import InvalidRequest, UnavailableError, WorkflowNotFound
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.requests import StartRequest
from perdure.model.value import Message
from perdure.ports.backend import Backend
from perdure.server.endpoints import Settings, answer
from perdure.testing.conformance import BackendConformance, InspectorConformance, Stage
from tests.client.serving import STARTED, WORKER_URL, Script, Serving, scripted
from tests.client.stage import RemoteStage

ADA = WorkflowId("ada")
KIND = WorkflowType("T")


class HttpStage(RemoteStage):
    async def open_door(self, served: Backend) -> RemoteBackend:
        self._settings = Settings(now_ms=self.clock.now_ms)
        self._backend = served
        self._serving = Serving(self._respond)
        await self._serving.open()
        return HttpBackend(self._serving.url, worker_url=WORKER_URL, monotonic_ms=self.clock.monotonic_ms)

    async def close_door(self) -> None:
        await self._serving.close()

    async def _respond(self, request: web.Request) -> web.Response:
        body = await request.read()
        response = await answer(self._backend, request.method, request.path, body, self._settings)
        return web.Response(status=response.status, body=response.body, headers={"content-type": response.content_type})


class TestHttp(BackendConformance, InspectorConformance):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[Stage]:
        stage = HttpStage()
        await stage.open()
        yield stage
        await stage.close()


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
    with pytest.raises(UnavailableError, match="nothing answers at") as told:
        await backend.describe(ADA)
    assert type(told.value) is UnavailableError  # how a transport tells what was not sent is its own business
    assert re.fullmatch(
        r"nothing answers at http://127\.0\.0\.1:1: connection refused\. Does the server run, and is this its host and "
        r"port\? Tried \d+ times in \d+\.\d s; nothing was sent",
        str(told.value),
    )
    await backend.close()


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


async def test_server_that_says_nothing_is_given_up_in_time() -> None:
    async def say_nothing(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    serving = Serving(say_nothing)
    await serving.open()
    transport = HttpTransport(serving.url)
    with pytest.raises(UnavailableError, match=r"/api has not answered within 0\.05 s"):
        await transport.send("/api", b"{}", seconds=0.05)
    await transport.close()
    await serving.close()


async def test_a_host_that_nobody_knows_is_told_as_such() -> None:
    backend = HttpBackend("http://nobody.invalid:8801", patience_seconds=0)
    with pytest.raises(UnavailableError, match=r"nothing answers at http://nobody\.invalid:8801: .*Tried once"):
        await backend.describe(ADA)
    await backend.close()
