"""Calls over real sockets, to workers of a few lines."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    Failure,
    LoadedAttributes,
    RpcAnswer,
    RpcRequest,
    RunContext,
    StateCall,
    StateMethod,
    StateRequest,
)
from perdure.model.errors import InvalidRequest
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.testing.conformance.invoking import Hands, InvokerConformance
from perdure.worker.destination import AllowList
from perdure.worker.http import HttpInvoker, read_authorities
from perdure.worker.signature import Signed, Signer
from tests.worker.hands import hands_over_http
from tests.worker.test_signature import AT, SECRET, guard

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]
DONE = {"stateDecision": {"nextStates": [{"stateId": "_SYS_GRACEFUL_COMPLETING_WORKFLOW"}]}}


class TestHttpInvoker(InvokerConformance):
    """The contract of an invoker, over a socket."""

    @pytest.fixture
    async def hands(self) -> AsyncIterator[Hands]:
        async with hands_over_http() as hands:
            yield hands


class Worker:
    """Serves with one function, and remembers what came and over how many connections."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.requests: list[web.Request] = []
        self.peers: set[object] = set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        return await self._serve(request)


@asynccontextmanager
async def serving(serve: Serve, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Worker, str]]:
    worker = Worker(serve)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", worker.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield worker, f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def invoker(**options: object) -> AsyncIterator[HttpInvoker]:
    made = HttpInvoker(asyncio.get_running_loop(), **options)  # type: ignore[arg-type]  # named at each use
    try:
        yield made
    finally:
        made.close()


async def ask(made: HttpInvoker, request: StateRequest | RpcRequest, *, timeout_ms: int = 10_000) -> Answer | Failure:
    end: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()
    made.invoke(request, timeout_ms=timeout_ms, report=end.set_result)
    return await end


def run(url: str) -> RunContext:
    return RunContext(WorkflowId("w"), WorkflowType("T"), RunId("r"), RunId("r"), 1_000, url)


def state(url: str) -> StateRequest:
    call = StateCall(StateMethod.EXECUTE, StateExecutionId("S-1"), StateId("S"), None, LoadedAttributes())
    return StateRequest(run(url), call, attempt=1, first_attempt_ms=1_000)


def rpc(url: str) -> RpcRequest:
    return RpcRequest(run(url), "look", None, LoadedAttributes())


async def done(_request: web.Request) -> web.Response:
    return web.json_response(DONE)


async def test_a_call_is_a_post_in_the_protocols_own_form() -> None:
    bodies = []

    async def serve(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response(DONE)

    async with serving(serve) as (worker, url), invoker() as made:
        answer = await ask(made, state(url + "/behind/a/proxy/"))

    (request,) = worker.requests
    assert isinstance(answer, ExecuteAnswer)
    assert (request.method, request.path) == ("POST", "/behind/a/proxy/api/v1/workflowState/decide")
    assert request.headers["host"] == url.removeprefix("http://")
    assert request.content_type == "application/json"
    assert bodies[0]["context"]["stateExecutionId"] == "S-1"


async def test_calls_one_after_the_other_share_a_connection_and_calls_at_once_do_not() -> None:
    async with serving(done) as (worker, url), invoker() as made:
        for _ in range(5):
            await ask(made, state(url))
        assert len(worker.peers) == 1
        await asyncio.gather(*(ask(made, state(url)) for _ in range(3)))
        assert len(worker.peers) == 3


async def test_headers_of_the_owners_go_with_states_and_not_with_rpcs() -> None:
    async with serving(done) as (worker, url), invoker(state_headers={"x-tenant": "ours"}) as made:
        await ask(made, state(url))
        await ask(made, rpc(url))

    assert [request.headers.get("x-tenant") for request in worker.requests] == ["ours", None]


async def test_every_call_is_signed_by_a_server_with_keys_and_no_other_is() -> None:
    bodies = []

    async def serve(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.json_response(DONE)

    signer = Signer([SECRET], now_ms=lambda: AT * 1_000)
    async with serving(serve) as (worker, url), invoker(signer=signer) as made, invoker() as plain:
        await ask(made, state(url))
        await ask(made, rpc(url))
        await ask(plain, state(url))

    once = guard()
    for request, body in zip(worker.requests[:2], bodies, strict=False):
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        assert once.refusal(Signed(*(request.headers[name] for name in names)), body) is None
    assert not any(name.startswith("webhook") for name in map(str.lower, worker.requests[2].headers))


async def test_a_worker_that_refuses_a_signature_is_a_failed_attempt_that_says_why() -> None:
    async def serve(_request: web.Request) -> web.Response:
        return web.json_response({"detail": "of none of this worker's keys", "errorType": "NotSigned"}, status=401)

    async with serving(serve) as (_, url), invoker() as made:
        refused = await ask(made, state(url))

    assert isinstance(refused, Failure)
    assert (refused.status, refused.error_type, refused.retryable) == (401, "NotSigned", True)
    assert "of none of this worker's keys" in refused.message


@pytest.mark.parametrize(
    "header",
    [
        {"x y": "a"},
        {"x": "a\r\nhost: b"},
        {"": "a"},
        {"x": "\u4e2d"},
        {"x": "a\x7f"},
        {"Content-Length": "5"},
        {"transfer-encoding": "chunked"},
        {"host": "elsewhere"},
        {"webhook-id": "a"},
    ],
)
async def test_a_header_that_is_none_is_refused(header: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="header"):
        HttpInvoker(asyncio.get_running_loop(), state_headers=header)


async def test_an_rpc_is_answered_with_its_output() -> None:
    async def serve(_request: web.Request) -> web.Response:
        return web.json_response({"output": {"encoding": "json", "data": "1"}})

    async with serving(serve) as (_, url), invoker() as made:
        answer = await ask(made, rpc(url))

    assert isinstance(answer, RpcAnswer)
    assert answer.output is not None
    assert answer.output.data == "1"


async def test_a_slow_worker_is_not_waited_for_and_its_connection_not_used_again() -> None:
    slow = True

    async def serve(_request: web.Request) -> web.Response:
        if slow:
            await asyncio.sleep(30)
        return web.json_response(DONE)

    async with serving(serve) as (worker, url), invoker() as made:
        began = time.monotonic()
        late = await ask(made, state(url), timeout_ms=80)
        took = time.monotonic() - began
        slow = False
        again = await ask(made, state(url))

    assert isinstance(late, Failure)
    assert late.timed_out
    assert "StartToClose" in late.message
    assert took >= 0.08
    assert isinstance(again, ExecuteAnswer)
    assert len(worker.peers) == 2


async def test_an_rpc_that_is_late_is_told_in_the_references_words() -> None:
    async def serve(_request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(serve) as (_, url), invoker() as made:
        late = await ask(made, rpc(url), timeout_ms=50)

    assert isinstance(late, Failure)
    assert late.message == f'Post "{url}/api/v1/workflowWorker/rpc": context deadline exceeded'


async def test_nobody_there() -> None:
    async with invoker() as made:
        refused = await ask(made, rpc("http://127.0.0.1:1"))

    assert isinstance(refused, Failure)
    assert refused.message == 'Post "http://127.0.0.1:1/api/v1/workflowWorker/rpc": connection refused'


async def test_an_address_that_is_not_allowed_is_not_called_whatever_is_stored_in_a_run() -> None:
    async with serving(done) as (worker, url), invoker(allowed=AllowList(["10.0.0.0/8"])) as made:
        refused = await ask(made, state(url))

    assert isinstance(refused, Failure)
    assert "not among the addresses" in refused.detail
    assert worker.requests == []


async def test_a_redirect_is_a_failed_attempt_and_is_not_followed() -> None:
    async def serve(_request: web.Request) -> web.Response:
        raise web.HTTPFound("http://10.1.2.3/")

    async with serving(serve) as (worker, url), invoker() as made:
        refused = await ask(made, state(url))

    assert isinstance(refused, Failure)
    assert refused.status == 302
    assert len(worker.requests) == 1


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(done) as (_, url), invoker() as made:
        assert isinstance(await ask(made, state(url)), ExecuteAnswer)


async def test_an_answer_that_is_too_long_is_a_failed_attempt() -> None:
    async def serve(_request: web.Request) -> web.Response:
        return web.json_response({"more": "x" * 2_000})

    async with serving(serve) as (_, url), invoker(reply_bytes_max=1_000) as made:
        refused = await ask(made, state(url))

    assert isinstance(refused, Failure)
    assert refused.detail == (
        "the response has more than 1000 bytes. Answer less, or let the server's owner raise --worker-reply-bytes-max"
    )


async def test_a_worker_that_closes_each_connection_is_called_over_new_ones() -> None:
    async def serve(_request: web.Request) -> web.Response:
        response = web.json_response(DONE)
        response.force_close()
        return response

    async with serving(serve) as (worker, url), invoker() as made:
        answers = [await ask(made, state(url)) for _ in range(3)]

    assert all(isinstance(answer, ExecuteAnswer) for answer in answers)
    assert len(worker.peers) == 3


async def test_a_worker_that_was_started_again_is_called_at_once() -> None:
    async with invoker() as made:
        async with serving(done) as (_, url):
            assert isinstance(await ask(made, state(url)), ExecuteAnswer)
        assert isinstance(await ask(made, state(url)), Failure)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", done)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(url.rpartition(":")[2]), reuse_address=True).start()
        try:
            assert isinstance(await ask(made, state(url)), ExecuteAnswer)
        finally:
            await runner.cleanup()


async def test_a_closed_invoker_takes_no_calls_and_reports_none_of_those_under_way() -> None:
    arrived = asyncio.Event()

    async def serve(_request: web.Request) -> web.Response:
        arrived.set()
        await asyncio.sleep(30)
        return web.Response()

    async with serving(serve) as (_, url):
        for timeout_ms in (100, 1_000, 10_000):
            reports: list[Answer | Failure] = []
            arrived.clear()
            async with invoker() as made:
                made.invoke(state(url), timeout_ms=timeout_ms, report=reports.append)
                await arrived.wait()
                if reports:
                    continue  # the machine is so slow that the call's time was over before it was closed
                made.close()
                await asyncio.sleep(timeout_ms * 1.5 / 1_000)
                assert reports == []
                refused = await ask(made, state(url))
                break
        else:
            raise AssertionError("no call arrives within ten seconds")

    assert isinstance(refused, Failure)
    assert refused.detail == "the server is closing"


async def test_a_url_is_checked_as_repaired() -> None:
    async with invoker(environment={"AUTO_FIX_WORKER_URL": "10.1.2.3"}) as made:
        with pytest.raises(InvalidRequest, match=r"http://10\.1\.2\.3:8802 is not among"):
            await made.check_url("http://localhost:8802/")
        with pytest.raises(InvalidRequest, match="iwfWorkerUrl is ''"):
            await made.check_url("")


async def test_what_is_written_is_json_of_one_length() -> None:
    lengths = []

    async def serve(request: web.Request) -> web.Response:
        body = await request.read()
        lengths.append((int(request.headers["content-length"]), len(body)))
        assert json.loads(body)["workflowType"] == "T"
        return web.json_response(DONE)

    async with serving(serve) as (_, url), invoker() as made:
        await ask(made, state(url))

    assert lengths[0][0] == lengths[0][1] > 0


# https

OURS = trustme.CA()


def certified(ca: trustme.CA, *names: str, until: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names, not_after=until).configure_cert(context)
    return context


@pytest.fixture
def trusted(tmp_path: Path) -> ssl.SSLContext:
    OURS.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return read_authorities(str(tmp_path / "ca.pem"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_worker_at_https_is_called_over_a_connection_that_is_kept(trusted: ssl.SSLContext, host: str) -> None:
    tls = certified(OURS, "127.0.0.1", "localhost")
    async with serving(done, tls=tls) as (worker, url), invoker(tls=trusted) as made:
        for _ in range(3):
            assert isinstance(await ask(made, state(url.replace("127.0.0.1", host))), ExecuteAnswer)
    assert len(worker.peers) == 1
    assert all(request.secure for request in worker.requests)


@pytest.mark.parametrize(
    ("tls", "told"),
    [
        (certified(trustme.CA(), "127.0.0.1"), "unable to get local issuer certificate"),
        (certified(OURS, "workers.example.org"), "IP address mismatch"),
        (certified(OURS, "127.0.0.1", until=datetime(2001, 1, 1)), "certificate has expired"),  # noqa: DTZ001 - trustme's
    ],
    ids=["another authority", "another host", "expired"],
)
async def test_a_certificate_that_is_not_good_is_a_failed_attempt_that_says_why(
    trusted: ssl.SSLContext, tls: ssl.SSLContext, told: str
) -> None:
    async with serving(done, tls=tls) as (worker, url), invoker(tls=trusted) as made:
        refused = await ask(made, state(url))
    assert isinstance(refused, Failure)
    assert refused.retryable
    assert "the worker's certificate is not trusted: " in refused.detail
    assert told in refused.detail
    assert "--worker-ca-file" in refused.detail
    assert worker.requests == []


async def test_nobody_but_the_systems_authorities_is_trusted_if_nobody_is_named() -> None:
    async with serving(done, tls=certified(OURS, "127.0.0.1")) as (_, url), invoker() as made:
        refused = await ask(made, rpc(url))
    assert isinstance(refused, Failure)
    assert "is not trusted" in refused.message


async def test_a_worker_that_speaks_no_tls_is_told_apart(trusted: ssl.SSLContext) -> None:
    async with serving(done) as (_, url), invoker(tls=trusted) as made:
        refused = await ask(made, state(url.replace("http://", "https://")))
    assert isinstance(refused, Failure)
    assert "no TLS with the worker: " in refused.detail
    assert "does it serve https there?" in refused.detail


def test_a_file_without_authorities_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("nobody")
    with pytest.raises(InvalidRequest, match="has no certificate, expected some in PEM"):
        read_authorities(str(tmp_path / "none.pem"))
    with pytest.raises(InvalidRequest, match="cannot be read: No such file"):
        read_authorities(str(tmp_path / "absent.pem"))
