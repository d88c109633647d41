"""What is sent again, what is not, and how a wait goes on."""

from __future__ import annotations

import pytest

from perdure.client.http import HttpBackend
from perdure.model.errors import UnavailableError, WaitTimedOut
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions
from perdure.model.outcome import Outcome, RunInfo, RunStatus
from perdure.model.requests import RpcCall, StartRequest
from perdure.model.value import Message
from tests.client.serving import AWAY, COMPLETED, OPEN, STARTED, Script, Serving, scripted

ADA = WorkflowId("ada")
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
