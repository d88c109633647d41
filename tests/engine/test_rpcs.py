"""RPCs with and without locks, on runs that end and engines that crash."""

from __future__ import annotations

import asyncio

import pytest

from perdure.model.attributes import DataAttribute, LoadingPolicy, SearchAttribute, SearchAttributeType
from perdure.model.calls import RpcAnswer, RpcRequest, Writes
from perdure.model.errors import (
    LockConflict,
    RpcFailed,
    WorkflowClosed,
)
from perdure.model.ids import WorkflowId
from perdure.model.options import StartOptions
from perdure.model.outcome import StopKind
from perdure.model.requests import RpcCall
from tests.engine.script import (
    ADA,
    Worker,
    done,
    starting,
    text,
    writing,
)
from tests.engine.stage import EngineStage

BOB = WorkflowId("bob")
LOCK_K = LoadingPolicy(locks=("k",))


async def test_locking_rpc_sees_and_writes_in_one_step_and_refuses_another(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("0"))])
    first = asyncio.ensure_future(stage.backend.call_rpc(RpcCall(ADA, "desk", data_loading=LOCK_K)))
    await stage.settle()
    with pytest.raises(LockConflict, match="being locked by other operations"):
        await stage.backend.call_rpc(RpcCall(ADA, "desk", data_loading=LOCK_K))
    (request,) = stage.worker.calls("desk!")
    assert isinstance(request, RpcRequest)
    assert request.attributes.data == (DataAttribute("k", text("0")),)
    stage.worker.answer(writing("k", "1"))
    assert await first == text("written")
    assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("k", text("1")),)


async def test_run_goes_on_while_a_locking_rpc_is_with_its_worker(stage: EngineStage[Worker]) -> None:
    """On the reference all of this waits until the worker has answered."""
    stage.worker.script = {"only": done("meanwhile"), "look!": RpcAnswer(text("seen"))}
    await stage.backend.start(starting(options=StartOptions(delay_ms=1_000)))
    await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("0"))])
    slow = asyncio.ensure_future(stage.backend.call_rpc(RpcCall(ADA, "desk", data_loading=LOCK_K)))
    await stage.settle()

    assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("k", text("0")),)
    assert await stage.backend.call_rpc(RpcCall(ADA, "look")) == text("seen")
    other = RpcCall(ADA, "look", data_loading=LoadingPolicy(locks=("another",)))
    assert await stage.backend.call_rpc(other) == text("seen")
    await stage.pass_time(1_000)
    assert len(stage.worker.calls("only")) == 1
    slow.cancel()


async def test_end_of_the_run_is_told_to_the_caller_of_a_locking_rpc_at_once(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    calling = asyncio.ensure_future(stage.backend.call_rpc(RpcCall(ADA, "desk", data_loading=LOCK_K)))
    await stage.settle()
    await stage.backend.stop(ADA, StopKind.TERMINATE)
    with pytest.raises(WorkflowClosed):
        await calling
    stage.worker.answer(writing("k", "late"))
    await stage.settle()
    assert await stage.backend.get_data_attributes(ADA) == ()


async def test_rpc_that_writes_a_search_attribute_of_another_type_writes_nothing(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    await stage.backend.set_search_attributes(ADA, [SearchAttribute("age", SearchAttributeType.INT, 3)])
    bad = Writes(
        data=(DataAttribute("k", text("1")),), search=(SearchAttribute("age", SearchAttributeType.BOOL, True),)
    )
    stage.worker.script = {"desk!": RpcAnswer(None, bad)}
    for policy in (LoadingPolicy(), LOCK_K):
        with pytest.raises(RpcFailed, match="age"):
            await stage.backend.call_rpc(RpcCall(ADA, "desk", data_loading=policy))
    assert await stage.backend.get_data_attributes(ADA) == ()


async def test_lock_of_an_rpc_that_a_crash_cut_off_is_given_back(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None))
    calling = asyncio.ensure_future(stage.backend.call_rpc(RpcCall(ADA, "desk", data_loading=LOCK_K)))
    await stage.settle()
    assert stage.worker.held == 1
    await stage.crash()
    calling.cancel()
    stage.worker.script = {"desk!": writing("k", "second")}
    assert await stage.backend.call_rpc(RpcCall(ADA, "desk", data_loading=LOCK_K)) == text("written")
