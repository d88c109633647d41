"""What needs no workflow. What the calls do with one is played from recordings, in ``tests/recordings``."""

import json
from dataclasses import replace
from typing import cast

import pytest

from perdure.model.ids import RunId
from perdure.model.options import WorkflowConfig
from perdure.model.requests import StartRequest
from perdure.ports.backend import Backend
from perdure.server.endpoints import Response, Settings, answer
from perdure.wire.paths import API, OWN_API, Call, OwnCall

SETTINGS = Settings(now_ms=lambda: 0, hostname="here")
NO_BACKEND = cast("Backend", object())
"""Whatever asks it for anything, ends as a mistake of ours, 500."""


async def ask(method: str, path: str, body: bytes = b"") -> Response:
    return await answer(NO_BACKEND, method, path, body, SETTINGS)


async def test_the_two_pages() -> None:
    hello = await ask("GET", "/")
    health = await ask("GET", "/info/healthcheck")

    assert (hello.status, hello.body, hello.content_type) == (
        200,
        b"Hello World from iWF server!",
        "text/plain; charset=utf-8",
    )
    assert (health.status, json.loads(health.body)) == (200, {"condition": "OK", "hostname": "here", "duration": 0})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("POST", "/info/healthcheck"),
        ("GET", API + "start"),
        ("PUT", API + "start"),
        ("POST", API + "Start"),
        ("POST", API),
        ("GET", "/favicon.ico/"),
    ],
)
async def test_everything_else_is_not_found(method: str, path: str) -> None:
    found = await ask(method, path)

    assert (found.status, found.body, found.content_type) == (404, b"404 page not found", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", API + "start", 307), ("GET", "/info/healthcheck", 301)]
)
async def test_a_trailing_slash_is_sent_to_the_path_without(method: str, path: str, status: int) -> None:
    found = await ask(method, path + "/")

    assert (found.status, found.location) == (status, path)


@pytest.mark.parametrize("call", Call)
async def test_every_call_refuses_a_body_that_is_not_its_own_without_a_sub_status(call: Call) -> None:
    refused = await ask("POST", API + call, b"[]")

    assert refused.status == 400
    assert json.loads(refused.body) == {"detail": "invalid request schema: is a list, expected an object"}


@pytest.mark.parametrize(
    ("call", "field", "body"),
    [
        (Call.START, "workflowId", {"workflowId": "x" * 1_001}),
        (Call.SIGNAL, "signalChannelName", {"workflowId": "w", "signalChannelName": "x" * 1_001}),
        (Call.SET_DATA, "objects[1].key", {"workflowId": "w", "objects": [{"key": "a"}, {"key": "x" * 1_001}]}),
        (Call.RPC, "rpcName", {"workflowId": "w", "rpcName": "x" * 1_001}),
    ],
)
async def test_an_id_that_is_too_long_is_named(call: Call, field: str, body: dict[str, object]) -> None:
    refused = await ask("POST", API + call, json.dumps(body).encode())

    assert refused.status == 400
    assert f"{field} has 1,001 characters, expected at most 1,000" in json.loads(refused.body)["detail"]


async def test_what_a_start_leaves_open_is_the_servers_default() -> None:
    started: list[StartRequest] = []

    class Starting:
        async def start(self, request: StartRequest) -> RunId:
            started.append(request)
            return RunId("r")

    settings = replace(SETTINGS, default_config=WorkflowConfig(continue_as_new_threshold=7, optimize_timer=True))
    own = b'{"workflowId": "w", "workflowStartOptions": {"workflowConfigOverride": {"optimizeTimer": false}}}'
    for body in (b'{"workflowId": "w"}', own):
        assert (await answer(cast("Backend", Starting()), "POST", API + Call.START, body, settings)).status == 200

    assert [request.options.config for request in started] == [
        WorkflowConfig(continue_as_new_threshold=7, optimize_timer=True),
        WorkflowConfig(continue_as_new_threshold=7, optimize_timer=False),
    ]


async def test_a_value_that_is_there_is_loaded_and_one_that_is_elsewhere_is_said_to_be() -> None:
    here = await ask("POST", API + Call.LOAD_VALUE, b'{"encoding": "json", "data": "1"}')
    elsewhere = await ask("POST", API + Call.LOAD_VALUE, b'{"extStoreId": "s3", "extPath": "20260101$w/1"}')

    assert (here.status, json.loads(here.body)) == (200, {"encoding": "json", "data": "1"})
    assert elsewhere.status == 400
    assert (
        "kept in store 's3' at '20260101$w/1', and this server has no external storage"
        in json.loads(elsewhere.body)["detail"]
    )


async def test_the_servers_own_document_is_there() -> None:
    told = await ask("GET", "/openapi.json")

    assert (told.status, told.content_type) == (200, "application/json; charset=utf-8")
    assert json.loads(told.body)["openapi"] == "3.1.0"


async def test_a_mistake_of_ours_is_told_without_its_inside(caplog: pytest.LogCaptureFixture) -> None:
    failed = await ask("POST", API + Call.GET, b'{"workflowId": "w"}')

    assert failed.status == 500
    assert json.loads(failed.body) == {
        "detail": "internal error, see the server's log",
        "subStatus": "UNCATEGORIZED_SUB_STATUS",
    }
    assert "AttributeError" in caplog.text


@pytest.mark.parametrize("call", OwnCall)
async def test_every_call_of_our_own_stands_apart_from_iwfs_and_reads_its_body_alike(call: OwnCall) -> None:
    refused = await ask("POST", OWN_API + call, b"[]")

    assert refused.status == 400
    assert json.loads(refused.body) == {"detail": "invalid request schema: is a list, expected an object"}
    assert (await ask("POST", API + call, b"[]")).status == 404


@pytest.mark.parametrize("call", [OwnCall.HISTORY, OwnCall.PROGRESS])
async def test_a_backend_that_is_no_inspector_is_not_asked(call: OwnCall) -> None:
    refused = await ask("POST", OWN_API + call, b'{"workflowId": "w"}')

    assert refused.status == 400
    assert "tells nothing of the inside of runs" in json.loads(refused.body)["detail"]
