"""What would outgrow a run is refused with the limit and the remedy, in process as over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from perdure.engine.limits import check_ids
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import ExecuteAnswer, RpcAnswer, Writes
from perdure.model.conditions import ChannelKind
from perdure.model.decisions import CloseIfEmpty, Decision, Movement
from perdure.model.errors import InvalidRequest, RpcFailed, UnavailableError
from perdure.model.ids import StateId, WorkflowId
from perdure.model.limits import ATTRIBUTES_MAX, ID_CHARACTERS_MAX, MESSAGES_MAX
from perdure.model.options import RetryPolicy, StartOptions
from perdure.model.outcome import RunStatus
from perdure.model.requests import RpcCall
from perdure.model.value import EncodedValue, Message
from tests.engine.script import ADA, Worker, done, starting, straight, text, writing
from tests.engine.stage import EngineStage

LONG = "x" * (ID_CHARACTERS_MAX + 1)
TOO_LONG = r"has 1,001 characters, expected at most 1,000\. Use a shorter name, and keep the rest in a value"


def attributes(count: int, *, first: int = 0) -> list[DataAttribute]:
    return [DataAttribute(f"k{number}", text("v")) for number in range(first, first + count)]


def test_ids_of_a_thousand_characters_are_taken() -> None:
    check_ids(workflow_id="x" * ID_CHARACTERS_MAX, run_id=None)


@pytest.mark.parametrize(
    "change",
    [
        lambda request: replace(request, workflow_id=WorkflowId(LONG)),
        lambda request: replace(request, workflow_type=LONG),
        lambda request: replace(request, options=StartOptions(request_id=LONG)),
        lambda request: replace(request, options=StartOptions(wait_for_states=frozenset({StateId(LONG)}))),
        lambda request: replace(request, first=Movement(StateId(LONG))),
        lambda request: replace(request, data=(DataAttribute(LONG, None),)),
    ],
    ids=["workflow", "type", "request", "waited for", "state", "key"],
)
async def test_a_start_with_an_id_that_is_too_long_is_refused(
    stage: EngineStage[Worker], change: Callable[..., object]
) -> None:
    with pytest.raises(InvalidRequest, match=TOO_LONG):
        await stage.backend.start(change(starting()))  # type: ignore[arg-type]  # a request again


async def test_attributes_are_counted_by_key_and_the_last_that_fits_is_taken(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    await stage.backend.set_data_attributes(ADA, attributes(ATTRIBUTES_MAX))
    await stage.backend.set_data_attributes(ADA, attributes(5))

    with pytest.raises(InvalidRequest, match=r"would have 10,001 data attributes, expected at most 10,000\. Keep many"):
        await stage.backend.set_data_attributes(ADA, attributes(1, first=ATTRIBUTES_MAX))
    assert len(await stage.backend.get_data_attributes(ADA)) == ATTRIBUTES_MAX


async def test_a_start_may_not_bring_more_attributes_than_a_run_may_have(stage: EngineStage[Worker]) -> None:
    with pytest.raises(InvalidRequest, match="would have 10,001 data attributes"):
        await stage.backend.start(replace(starting(), data=tuple(attributes(ATTRIBUTES_MAX + 1))))


async def test_a_search_attribute_with_a_key_that_is_too_long_is_refused(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    with pytest.raises(InvalidRequest, match=TOO_LONG):
        await stage.backend.set_search_attributes(ADA, [SearchAttribute(LONG, SearchAttributeType.INT, 1)])


async def test_messages_are_counted_by_channel_and_by_kind(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    await stage.backend.publish(ADA, [Message("mail", text("m"))] * MESSAGES_MAX)
    await stage.backend.signal(ADA, Message("mail", text("another kind")))
    await stage.backend.publish(ADA, [Message("post", text("another channel"))])

    with pytest.raises(InvalidRequest, match="channel 'mail' would have 10,001 unread messages, expected at most"):
        await stage.backend.publish(ADA, [Message("mail", text("one more"))])
    run = stage.engine._core._runs.current(ADA)
    assert run is not None
    assert run.execution.unread(ChannelKind.INTERNAL, "mail") == MESSAGES_MAX


async def test_a_channel_with_a_name_that_is_too_long_is_refused(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    with pytest.raises(InvalidRequest, match=TOO_LONG):
        await stage.backend.signal(ADA, Message(LONG))


async def test_a_handler_that_outgrows_its_run_has_failed_and_is_tried_again(stage: EngineStage[Worker]) -> None:
    """It may fit later: a channel is read, an attribute's code is mended."""
    flood = ExecuteAnswer(done().decision, Writes(messages=(Message("mail", text("m")),) * (MESSAGES_MAX + 1)))
    stage.worker.script = {"only": [flood, done()]}
    await stage.backend.start(starting(state=straight(RetryPolicy(1_000))))
    await stage.settle()
    assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
    await stage.pass_time(1_000)
    assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED
    assert stage.worker.attempts("only") == [1, 2]


async def test_the_last_attempt_that_outgrows_its_run_fails_it_with_the_limit(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": ExecuteAnswer(Decision((Movement(StateId(LONG)),)))}
    await stage.backend.start(starting(state=straight(RetryPolicy(maximum_attempts=1))))
    info = await stage.backend.wait_for_result(ADA)
    assert info.outcome is not None
    assert "has 1,001 characters, expected at most 1,000" in (info.outcome.error_message or "")


@pytest.mark.parametrize(
    "answer",
    [
        done("xxxxx"),
        ExecuteAnswer(Decision((Movement(StateId("next"), text("xxxxx")),))),
        ExecuteAnswer(Decision(done().decision.next, CloseIfEmpty(None, output=text("xxxxx")))),
        ExecuteAnswer(done().decision, Writes(data=(DataAttribute("k", text("xxxxx")),))),
        ExecuteAnswer(done().decision, Writes(messages=(Message("mail", text("xxxxx")),))),
    ],
    ids=["output", "input", "conditional output", "attribute", "message"],
)
async def test_a_value_that_is_too_large_is_refused_wherever_it_stands(
    stage: EngineStage[Worker], answer: ExecuteAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perdure.engine.limits.VALUE_CHARACTERS_MAX", 4)
    stage.worker.script = {"only": answer}
    with pytest.raises(
        InvalidRequest, match=r"a value has 5 characters, expected at most 4\. Keep large values elsewhere"
    ):
        await stage.backend.start(starting())
    once = straight(RetryPolicy(maximum_attempts=1))
    await stage.backend.start(replace(starting(), first=Movement(StateId("only"), EncodedValue("x"), once)))
    info = await stage.backend.wait_for_result(ADA)
    assert info.outcome is not None
    assert "a value has 5 characters" in (info.outcome.error_message or "")


async def test_an_rpc_that_outgrows_its_run_writes_nothing(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {
        "desk!": RpcAnswer(None, Writes(data=tuple(attributes(ATTRIBUTES_MAX + 1)))),
        "ok!": writing("k", "1"),
    }
    await stage.backend.start(starting(None))
    with pytest.raises(RpcFailed, match="would have 10,001 data attributes"):
        await stage.backend.call_rpc(RpcCall(ADA, "desk"))
    await stage.backend.call_rpc(RpcCall(ADA, "ok"))
    assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("k", text("1")),)


async def test_rpcs_that_queue_for_one_worker_are_bounded(
    stage: EngineStage[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perdure.engine.rpcs.RPCS_WAITING_MAX", 2)
    await stage.backend.start(starting(None))
    calls = [asyncio.ensure_future(stage.backend.call_rpc(RpcCall(ADA, "desk"))) for _ in range(512 + 2)]
    await stage.settle()
    with pytest.raises(UnavailableError, match=r"2 RPCs wait for the worker of greeting already\. Call again later"):
        await stage.backend.call_rpc(RpcCall(ADA, "desk"))
    for call in calls:
        call.cancel()
