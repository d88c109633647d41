"""What a server is answered by a worker that is served by WSGI."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from perdure.model.calls import ExecuteAnswer, Failure, RpcAnswer, StateMethod, WaitUntilAnswer
from perdure.model.value import EncodedValue
from perdure.wire import paths
from perdure.worker.runnable import registered, runnables_of
from perdure.worker.serving import Worker
from perdure.worker.signature import Signer
from perdure.worker.wsgi import WsgiApp
from tests.authoring.onboarding import rpc_request, state_request
from tests.worker.caller import call_wsgi, post_wsgi, written
from tests.worker.service import Service
from tests.worker.test_signature import AT, SECRET, guard


@pytest.fixture
def app() -> Iterator[WsgiApp]:
    app = Worker(Service()).wsgi_app()
    yield app
    app.close()


def to_service(name: str, input: str | None = None, **more: Any) -> Any:
    return state_request(name, input, workflow_type="Service", **more)


@pytest.mark.parametrize("name", ["work", "work_on_loop"])
def test_state_is_run_here_or_on_the_loop_with_the_same_context(app: WsgiApp, name: str) -> None:
    answer = call_wsgi(app, to_service(name, '"hello"', data={"count": "41"}))
    assert isinstance(answer, ExecuteAnswer)
    assert [(written.key, written.value) for written in answer.writes.data] == [("count", EncodedValue("42", "json"))]


def test_all_three_routes_answer(app: WsgiApp) -> None:
    assert isinstance(call_wsgi(app, to_service("work_on_loop", method=StateMethod.WAIT_UNTIL)), WaitUntilAnswer)
    look = call_wsgi(app, rpc_request("look", data={"count": "7"}, workflow_type="Service"))
    assert look == RpcAnswer(EncodedValue("7", "json"))


@pytest.mark.parametrize(
    ("name", "error_type", "retryable"),
    [("leave", "SystemExit", True), ("decline", "Declined", False), ("cancelled", "CancelledError", True)],
)
def test_what_went_wrong_is_told(app: WsgiApp, name: str, error_type: str, retryable: bool) -> None:
    failure = call_wsgi(app, to_service(name))
    assert isinstance(failure, Failure)
    assert (failure.status, failure.error_type, failure.retryable) == (500, error_type, retryable)


def test_what_is_not_here_is_told(app: WsgiApp) -> None:
    failure = call_wsgi(app, state_request(workflow_type="Other"))
    assert isinstance(failure, Failure)
    assert failure.error_type == "NotRegistered"


def test_def_handlers_run_in_the_thread_that_asks() -> None:
    threads: list[int] = []
    app = Worker(Service(lambda: threads.append(threading.get_ident()))).wsgi_app()
    call_wsgi(app, to_service("work", '"x"'))
    call_wsgi(app, to_service("work_on_loop", '"x"'))
    assert threads[0] == threading.get_ident() != threads[1]
    app.close()


def test_what_is_no_call_is_refused(app: WsgiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post_wsgi(app, "/other", b"").status == 404
    assert post_wsgi(app, paths.WORKER_EXECUTE, b"", REQUEST_METHOD="PUT").status == 405
    assert post_wsgi(app, paths.WORKER_EXECUTE, b"no JSON").status == 400
    monkeypatch.setattr("perdure.worker.wsgi.WORKER_BODY_BYTES_MAX", 10)
    assert post_wsgi(app, paths.WORKER_EXECUTE, b"x" * 11).status == 413


def test_body_without_a_length_is_read_where_the_server_says_that_it_ends(app: WsgiApp) -> None:
    body = written(to_service("work", '"x"'))
    chunked = {"CONTENT_LENGTH": "", "wsgi.input": BytesIO(body)}
    assert post_wsgi(app, paths.WORKER_EXECUTE, b"", **chunked, **{"wsgi.input_terminated": True}).status == 200
    assert post_wsgi(app, paths.WORKER_EXECUTE, b"", **chunked).status == 400


def test_a_call_that_is_not_signed_is_told_so_by_a_worker_with_a_key() -> None:
    app = WsgiApp(runnables_of(registered([Service()])), guard=guard())
    body = written(to_service("work", '"x"'))
    lines = Signer([SECRET], now_ms=lambda: AT * 1_000).lines(body).strip().split("\r\n")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in (line.split(": ") for line in lines)}

    def status(body: bytes, headers: dict[str, str]) -> int:
        reply = post_wsgi(app, paths.WORKER_EXECUTE, body, **headers)
        if reply.status == 401:
            assert json.loads(reply.body)["errorType"] == "NotSigned"
        return reply.status

    assert status(body, {}) == 401
    assert status(body + b" ", headers) == 401
    assert status(body, headers) == 200
    assert status(body, headers) == 401
    app.close()
