"""``Backend.call_rpc``: one step with locks, one consistent read and one later step without."""

from __future__ import annotations

import asyncio

import pytest

from perdure.model.attributes import LOAD_ALL, DataAttribute, LoadingPolicy
from perdure.model.calls import Failure, RpcRequest, Writes
from perdure.model.errors import LockConflict, RpcFailed, WorkflowClosed, WorkflowNotFound
from perdure.model.ids import WorkflowId
from perdure.model.outcome import RunStatus
from perdure.model.requests import RpcCall
from perdure.model.value import Message
from perdure.testing.conformance.invoker import arrival
from perdure.testing.conformance.lines import answer_rpc, complete, straight, text
from perdure.testing.conformance.stage import ADA, NOBODY, Stage, Suite

A = DataAttribute("a", text("1"))
WRITES_A = answer_rpc("done", writes=Writes(data=(A,)))


def call(
    name: str = "desk",
    *,
    workflow_id: WorkflowId = ADA,
    locks: tuple[str, ...] | None = None,
    timeout_ms: int | None = None,
) -> RpcCall:
    policy = LOAD_ALL if locks is None else LoadingPolicy(locks=locks)
    return RpcCall(workflow_id, name, text("question"), data_loading=policy, timeout_ms=timeout_ms)


class RpcConformance(Suite):
    @pytest.mark.parametrize("locks", [None, (), ("a",)])
    async def test_rpc_sees_the_run_and_writes_to_it(self, stage: Stage, locks: tuple[str, ...] | None) -> None:
        stage.worker.on_rpc("desk", WRITES_A)
        await self.start(stage, data=(DataAttribute("b", text("2")),))
        await stage.backend.signal(ADA, Message("letters"))
        await stage.backend.publish(ADA, [Message("notes"), Message("notes")])
        assert await stage.backend.call_rpc(call(locks=locks)) == text("done")
        (request,) = stage.worker.requests
        assert isinstance(request, RpcRequest)
        assert request.input == text("question")
        assert request.attributes.data == (DataAttribute("b", text("2")),)
        assert (dict(request.signal_sizes), dict(request.internal_sizes)) == ({"letters": 1}, {"notes": 2})
        assert await stage.backend.get_data_attributes(ADA, ["a"]) == (A,)

    async def test_rpc_starts_states(self, stage: Stage) -> None:
        stage.worker.on_rpc("desk", answer_rpc(movements=(straight("only", value=text("from rpc")),)))
        stage.worker.on_execute("only", complete())
        await self.start(stage)
        assert await stage.backend.call_rpc(call()) is None
        assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED

    async def test_rpc_sends_messages(self, stage: Stage) -> None:
        stage.worker.on_rpc("desk", answer_rpc(writes=Writes(messages=(Message("notes", text("x")),))))
        stage.worker.on_rpc("look", answer_rpc())
        await self.start(stage)
        await stage.backend.call_rpc(call())
        await stage.backend.call_rpc(call("look"))
        request = stage.worker.requests[-1]
        assert isinstance(request, RpcRequest)
        assert dict(request.internal_sizes) == {"notes": 1}

    async def test_locked_key_is_a_conflict_and_the_method_does_not_run(self, stage: Stage) -> None:
        stage.worker.on_rpc("other", answer_rpc("other"))
        await self.start(stage)
        arriving = stage.worker.hold_rpc("desk")
        first = asyncio.ensure_future(stage.backend.call_rpc(call(locks=("a",))))
        held = await arrival(arriving)
        with pytest.raises(LockConflict):
            await stage.backend.call_rpc(call("other", locks=("b", "a")))
        assert stage.worker.requests_of("other") == []
        assert await stage.backend.call_rpc(call("other", locks=("b",))) == text("other")
        assert await stage.backend.call_rpc(call("other")) == text("other")
        held.answer(WRITES_A)
        assert await first == text("done")
        assert await stage.backend.call_rpc(call("other", locks=("a",))) == text("other")

    async def test_nothing_stays_locked_after_a_failure(self, stage: Stage) -> None:
        stage.worker.on_rpc("desk", Failure("no", error_type="ValueError"))
        stage.worker.on_rpc("other", answer_rpc("other"))
        await self.start(stage)
        with pytest.raises(RpcFailed):
            await stage.backend.call_rpc(call(locks=("a",)))
        assert await stage.backend.call_rpc(call("other", locks=("a",))) == text("other")

    @pytest.mark.parametrize("locks", [None, ("a",)])
    async def test_failed_rpc_tells_why_and_is_not_tried_again(
        self, stage: Stage, locks: tuple[str, ...] | None
    ) -> None:
        stage.worker.on_rpc("desk", Failure("no such desk", error_type="KeyError", detail="line 3", status=503))
        await self.start(stage)
        with pytest.raises(RpcFailed) as failed:
            await stage.backend.call_rpc(call(locks=locks))
        assert (failed.value.status, failed.value.error_type) == (503, "KeyError")
        assert "no such desk" in str(failed.value)
        assert len(stage.worker.requests) == 1
        assert await stage.backend.get_data_attributes(ADA) == ()

    @pytest.mark.parametrize("locks", [None, ("a",)])
    async def test_rpc_that_runs_too_long_fails_and_its_late_answer_is_dropped(
        self, stage: Stage, locks: tuple[str, ...] | None
    ) -> None:
        await self.start(stage)
        arriving = stage.worker.hold_rpc("desk")
        calling = asyncio.ensure_future(stage.backend.call_rpc(call(locks=locks, timeout_ms=2_000)))
        held = await arrival(arriving)
        await stage.pass_time(2_000)
        with pytest.raises(RpcFailed):
            await calling
        held.answer(WRITES_A)
        await stage.settle()
        assert await stage.backend.get_data_attributes(ADA) == ()

    async def test_ended_run_answers_reads_only(self, stage: Stage) -> None:
        stage.worker.on_rpc("read", answer_rpc("seen"))
        stage.worker.on_rpc("desk", WRITES_A)
        await self.start(stage)
        await stage.backend.stop(ADA)
        assert await stage.backend.call_rpc(call("read")) == text("seen")
        with pytest.raises(WorkflowClosed):
            await stage.backend.call_rpc(call("desk"))
        with pytest.raises(WorkflowClosed):
            await stage.backend.call_rpc(call("read", locks=("a",)))
        assert len(stage.worker.requests_of("read")) == 1
        assert await stage.backend.get_data_attributes(ADA) == ()

    async def test_write_after_the_run_ended_is_refused(self, stage: Stage) -> None:
        await self.start(stage)
        arriving = stage.worker.hold_rpc("desk")
        calling = asyncio.ensure_future(stage.backend.call_rpc(call()))
        held = await arrival(arriving)
        await stage.backend.stop(ADA)
        held.answer(WRITES_A)
        with pytest.raises(WorkflowClosed):
            await calling
        assert await stage.backend.get_data_attributes(ADA) == ()

    async def test_locking_rpc_sees_what_was_acknowledged_before(self, stage: Stage) -> None:
        stage.worker.on_rpc("desk", answer_rpc())
        await self.start(stage)
        await stage.backend.set_data_attributes(ADA, [A])
        await stage.backend.call_rpc(call(locks=("a",)))
        (request,) = stage.worker.requests
        assert isinstance(request, RpcRequest)
        assert request.attributes.data == (A,)

    async def test_nobody_has_no_desk(self, stage: Stage) -> None:
        for locks in (None, ("a",)):
            with pytest.raises(WorkflowNotFound):
                await stage.backend.call_rpc(call(workflow_id=NOBODY, locks=locks))
        assert stage.worker.requests == []
