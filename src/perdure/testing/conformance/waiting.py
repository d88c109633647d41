"""``Backend.describe``, ``wait_for_result``, ``wait_for_state``: what is asked and what is waited for."""

from __future__ import annotations

import asyncio

import pytest

from perdure.model.conditions import TimerCondition
from perdure.model.errors import InvalidRequest, WaitTimedOut, WorkflowNotFound
from perdure.model.ids import RunId, StateExecutionId, StateId
from perdure.model.options import IdReusePolicy, StartOptions
from perdure.model.outcome import RunErrorType, RunStatus
from perdure.model.requests import StateWait
from perdure.testing.conformance.invoker import arrival
from perdure.testing.conformance.lines import complete, fail, go_to, move, straight, text, wait_for
from perdure.testing.conformance.stage import ADA, KIND, NOBODY, Stage, Suite

FIRST = StateId("first")
FIRST_1 = StateExecutionId("first-1")


class WaitingConformance(Suite):
    async def test_description_tells_what_a_run_is(self, stage: Stage) -> None:
        run_id = await self.start(stage)
        running = await stage.backend.describe(ADA)
        assert (running.workflow_id, running.run_id, running.workflow_type) == (ADA, run_id, KIND)
        assert (running.status, running.closed_ms, running.outcome) == (RunStatus.RUNNING, None, None)
        await stage.pass_time(1_500)
        await stage.backend.stop(ADA)
        closed = await stage.backend.describe(ADA)
        assert closed.outcome is not None
        assert closed.outcome.status is closed.status is RunStatus.CANCELED
        assert closed.closed_ms is not None
        assert closed.closed_ms - closed.started_ms >= 1_500
        assert closed.started_ms == running.started_ms

    async def test_run_id_names_an_earlier_run(self, stage: Stage) -> None:
        first = await self.start(stage)
        second = await self.start(stage, options=StartOptions(id_reuse=IdReusePolicy.TERMINATE_IF_RUNNING))
        assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.TERMINATED
        assert (await stage.backend.describe(ADA)).run_id == second
        info = await stage.backend.wait_for_result(ADA, run_id=first)
        assert (info.run_id, info.status) == (first, RunStatus.TERMINATED)

    async def test_nobody_is_not_found(self, stage: Stage) -> None:
        unknown = RunId("00000000-0000-7000-8000-000000000000")
        with pytest.raises(WorkflowNotFound):
            await stage.backend.describe(NOBODY)
        with pytest.raises(WorkflowNotFound):
            await stage.backend.wait_for_result(NOBODY)
        await self.start(stage)
        with pytest.raises(WorkflowNotFound):
            await stage.backend.describe(ADA, run_id=unknown)
        with pytest.raises(WorkflowNotFound):
            await stage.backend.wait_for_result(ADA, run_id=unknown)

    async def test_result_comes_to_whoever_waits(self, stage: Stage) -> None:
        arriving = stage.worker.hold_execute("first")
        await self.start(stage, first=straight("first"))
        waiting = [asyncio.ensure_future(stage.backend.wait_for_result(ADA)) for _ in range(3)]
        (await arrival(arriving)).answer(complete(text("done")))
        for info in await asyncio.gather(*waiting):
            assert info.outcome is not None
            assert info.outcome.results is not None
            (result,) = info.outcome.results
            assert (result.state_id, result.state_execution_id, result.output) == (FIRST, FIRST_1, text("done"))

    async def test_results_stand_in_the_order_of_their_answers(self, stage: Stage) -> None:
        stage.worker.on_execute("first", go_to(straight("a"), straight("b")))
        arriving = {name: stage.worker.hold_execute(name) for name in "ab"}
        await self.start(stage, first=straight("first"))
        calls = {name: await arrival(future) for name, future in arriving.items()}
        for name in "ba":
            calls[name].answer(complete(text(name)))
            await stage.settle()
        outcome = (await stage.backend.wait_for_result(ADA)).outcome
        assert outcome is not None
        assert [result.output for result in outcome.results or ()] == [text("b"), text("a")]

    async def test_wait_for_a_result_ends_at_its_time(self, stage: Stage) -> None:
        await self.start(stage)
        with pytest.raises(WaitTimedOut):
            await stage.backend.wait_for_result(ADA, wait_ms=0)
        waiting = asyncio.ensure_future(stage.backend.wait_for_result(ADA, wait_ms=1_000))
        await asyncio.sleep(0)
        await stage.settle()
        await stage.pass_time(999)
        assert not waiting.done()
        await stage.pass_time(1)
        with pytest.raises(WaitTimedOut):
            await waiting
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING

    async def test_failing_decision_is_told(self, stage: Stage) -> None:
        stage.worker.on_execute("first", fail(text("out of stock")))
        await self.start(stage, first=straight("first"))
        info = await stage.backend.wait_for_result(ADA)
        assert info.outcome is not None
        assert (info.status, info.outcome.error_type) == (RunStatus.FAILED, RunErrorType.STATE_DECISION)

    async def test_completed_state_gives_its_output_to_whoever_waits(self, stage: Stage) -> None:
        stage.worker.on_wait("first", wait_for(TimerCondition(duration_ms=1_000)))
        stage.worker.on_execute("first", complete(text("output")))
        options = StartOptions(wait_for_states=frozenset({FIRST}))
        wait = StateWait(ADA, state_execution_id=FIRST_1)
        # Asked before the workflow exists.
        waiting = asyncio.ensure_future(stage.backend.wait_for_state(wait))
        await asyncio.sleep(0)
        await self.start(stage, first=move("first"), options=options)
        assert not waiting.done()
        await stage.pass_time(1_000)
        assert await waiting == text("output")
        assert await stage.backend.wait_for_state(wait) == text("output")

    async def test_state_can_be_waited_for_by_a_key(self, stage: Stage) -> None:
        stage.worker.on_execute("first", go_to(straight("second", key="k")))
        stage.worker.on_execute("second", complete())
        await self.start(
            stage, first=straight("first"), options=StartOptions(wait_for_states=frozenset({StateId("second")}))
        )
        by_key = StateWait(ADA, state_id=StateId("second"), key="k")
        assert await stage.backend.wait_for_state(by_key, wait_ms=1_000) is None
        with pytest.raises(WaitTimedOut):
            await stage.backend.wait_for_state(StateWait(ADA, state_id=StateId("second"), key="other"), wait_ms=0)

    async def test_wait_for_a_state_ends_at_its_time(self, stage: Stage) -> None:
        with pytest.raises(WaitTimedOut):
            await stage.backend.wait_for_state(StateWait(NOBODY, state_execution_id=FIRST_1), wait_ms=0)
        waiting = asyncio.ensure_future(
            stage.backend.wait_for_state(StateWait(NOBODY, state_execution_id=FIRST_1), wait_ms=1_000)
        )
        await asyncio.sleep(0)
        await stage.settle()
        await stage.pass_time(1_000)
        with pytest.raises(WaitTimedOut):
            await waiting

    @pytest.mark.parametrize("wait", [StateWait(ADA), StateWait(ADA, state_id=FIRST), StateWait(ADA, key="k")])
    async def test_wait_that_names_no_state_is_refused(self, stage: Stage, wait: StateWait) -> None:
        await self.start(stage)
        with pytest.raises(InvalidRequest):
            await stage.backend.wait_for_state(wait)
