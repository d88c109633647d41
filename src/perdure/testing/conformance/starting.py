"""``Backend.start``: who may start, how a run begins, and what follows its end."""

from __future__ import annotations

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import ExecuteAnswer, Failure, StateRequest
from perdure.model.errors import InvalidRequest, WaitTimedOut, WorkflowAlreadyStarted
from perdure.model.ids import RunId, WorkflowId
from perdure.model.options import IdReusePolicy, RetryPolicy, StartOptions, StateOptions
from perdure.model.outcome import RunStatus, StopKind
from perdure.testing.conformance.invoker import Request, arrival
from perdure.testing.conformance.lines import complete, fail, move, once, straight, text
from perdure.testing.conformance.stage import ADA, Stage, Suite

REUSE = [
    (IdReusePolicy.ALLOW_IF_NO_RUNNING, None, False),
    (IdReusePolicy.ALLOW_IF_NO_RUNNING, RunStatus.COMPLETED, True),
    (IdReusePolicy.ALLOW_IF_NO_RUNNING, RunStatus.FAILED, True),
    (IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED, None, False),
    (IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED, RunStatus.COMPLETED, False),
    (IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED, RunStatus.FAILED, True),
    (IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED, RunStatus.CANCELED, True),
    (IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED, RunStatus.TERMINATED, True),
    (IdReusePolicy.DISALLOW, None, False),
    (IdReusePolicy.DISALLOW, RunStatus.COMPLETED, False),
    (IdReusePolicy.DISALLOW, RunStatus.FAILED, False),
    (IdReusePolicy.TERMINATE_IF_RUNNING, None, True),
    (IdReusePolicy.TERMINATE_IF_RUNNING, RunStatus.COMPLETED, True),
]
"""Policy, how the last run ended (``None``: it runs), and whether the id is free."""


class StartConformance(Suite):
    async def test_start_returns_before_any_state_has_run(self, stage: Stage) -> None:
        arriving = stage.worker.hold_execute("only")
        run_id = await self.start(stage, first=straight("only", value=text("input")))
        call = await arrival(arriving)
        assert (await stage.backend.describe(ADA)).run_id == run_id
        assert isinstance(call.request, StateRequest)
        assert call.request.call.input == text("input")
        assert (call.request.run.workflow_id, call.request.run.run_id, call.request.attempt) == (ADA, run_id, 1)
        call.answer(complete())
        assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED

    async def test_run_without_a_first_state_idles(self, stage: Stage) -> None:
        await self.start(stage)
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
        assert stage.worker.requests == []

    async def test_first_state_waits_before_it_executes(self, stage: Stage) -> None:
        stage.worker.on_execute("both", complete())
        await self.start(stage, first=move("both"))
        methods = [request.call.method for request in stage.worker.requests if isinstance(request, StateRequest)]
        assert methods == ["wait_until", "execute"]

    @pytest.mark.parametrize(("policy", "last", "free"), REUSE)
    async def test_id_is_free_by_its_reuse_policy(
        self, stage: Stage, policy: IdReusePolicy, last: RunStatus | None, free: bool
    ) -> None:
        first = await self._started_and_ended(stage, last)
        again = StartOptions(id_reuse=policy)
        if free:
            second = await self.start(stage, options=again)
            assert second != first
            assert (await stage.backend.describe(ADA)).run_id == second
        else:
            with pytest.raises(WorkflowAlreadyStarted) as taken:
                await self.start(stage, options=again)
            assert taken.value.run_id == first

    async def test_replaced_run_is_terminated(self, stage: Stage) -> None:
        first = await self.start(stage)
        await self.start(stage, options=StartOptions(id_reuse=IdReusePolicy.TERMINATE_IF_RUNNING))
        assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.TERMINATED

    async def test_same_request_again_is_answered_with_the_same_run(self, stage: Stage) -> None:
        options = StartOptions(ignore_already_started=True, request_id="r1")
        first = await self.start(stage, options=options)
        assert await self.start(stage, options=options) == first
        assert await self.start(stage, options=StartOptions(ignore_already_started=True)) == first
        with pytest.raises(WorkflowAlreadyStarted):
            await self.start(stage, options=StartOptions(ignore_already_started=True, request_id="r2"))
        with pytest.raises(WorkflowAlreadyStarted):
            await self.start(stage, options=StartOptions(request_id="r1"))

    @pytest.mark.parametrize(
        "options",
        [
            StartOptions(timeout_ms=-1),
            StartOptions(delay_ms=-1),
            StartOptions(cron="whenever"),
            StartOptions(retry=RetryPolicy(maximum_attempts=-1)),
        ],
    )
    async def test_impossible_option_is_refused_and_nothing_starts(self, stage: Stage, options: StartOptions) -> None:
        with pytest.raises(InvalidRequest):
            await self.start(stage, options=options)
        assert (await stage.backend.search()).runs == ()

    async def test_empty_id_is_refused(self, stage: Stage) -> None:
        with pytest.raises(InvalidRequest):
            await self.start(stage, workflow_id=WorkflowId(""))

    async def test_search_attribute_that_does_not_fit_is_refused_and_nothing_starts(self, stage: Stage) -> None:
        with pytest.raises(InvalidRequest):
            await self.start(stage, search=(SearchAttribute("age", SearchAttributeType.INT, "old"),))
        assert (await stage.backend.search()).runs == ()

    async def test_initial_attributes_are_there_for_the_first_state(self, stage: Stage) -> None:
        stage.worker.on_execute("only", complete())
        data = (DataAttribute("name", text("Ada")),)
        search = (SearchAttribute("city", SearchAttributeType.KEYWORD, "London"),)
        await self.start(stage, first=straight("only"), data=data, search=search)
        (request,) = stage.worker.requests
        assert isinstance(request, StateRequest)
        assert request.call.attributes.data == data
        assert request.call.attributes.search == search
        assert await stage.backend.get_search_attributes(ADA) == search

    async def test_run_that_takes_too_long_times_out(self, stage: Stage) -> None:
        await self.start(stage, options=StartOptions(timeout_ms=5_000))
        await stage.pass_time(4_999)
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
        await stage.pass_time(1)
        info = await stage.backend.describe(ADA)
        assert info.status is RunStatus.TIMED_OUT
        assert info.closed_ms is not None
        assert info.closed_ms - info.started_ms >= 5_000

    async def test_delayed_run_exists_at_once_and_begins_later(self, stage: Stage) -> None:
        stage.worker.on_execute("only", complete())
        await self.start(stage, first=straight("only"), options=StartOptions(delay_ms=60_000))
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
        await stage.pass_time(59_999)
        assert stage.worker.requests == []
        await stage.pass_time(1)
        assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED

    async def test_failed_run_is_started_again_by_its_policy(self, stage: Stage) -> None:
        runs: list[RunId] = []

        def second_time_lucky(request: Request) -> ExecuteAnswer:
            runs.append(request.run.run_id)
            return complete(text("at last")) if len(runs) == 2 else fail(text("not yet"))

        stage.worker.on_execute("only", second_time_lucky)
        retry = RetryPolicy(initial_interval_ms=1_000, maximum_attempts=3)
        first = await self.start(stage, first=straight("only"), options=StartOptions(retry=retry))
        assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.FAILED
        with pytest.raises(WaitTimedOut):
            await stage.backend.wait_for_result(ADA, run_id=first, wait_ms=0)
        await stage.pass_time(1_000)
        info = await stage.backend.wait_for_result(ADA)
        assert (info.status, info.run_id) == (RunStatus.COMPLETED, runs[1])
        assert runs[0] == first != runs[1]

    async def test_schedule_runs_again_until_it_is_stopped(self, stage: Stage) -> None:
        stage.worker.on_execute("only", complete())
        await self.start(stage, first=straight("only"), options=StartOptions(cron="*/5 * * * *"))
        for _ in range(3):
            await stage.pass_time(300_000)
        assert len(stage.worker.requests) == 3
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
        await stage.backend.stop(ADA, StopKind.CANCEL)
        await stage.pass_time(600_000)
        assert len(stage.worker.requests) == 3
        assert (await stage.backend.describe(ADA)).status is RunStatus.CANCELED

    async def test_state_that_cannot_succeed_fails_the_run(self, stage: Stage) -> None:
        stage.worker.on_execute("only", Failure("no disk", error_type="OSError"))
        await self.start(stage, first=move("only", options=StateOptions(skip_wait_until=True, execute=once())))
        outcome = (await stage.backend.describe(ADA)).outcome
        assert outcome is not None
        assert outcome.status is RunStatus.FAILED
        assert "no disk" in (outcome.error_message or "")

    async def _started_and_ended(self, stage: Stage, how: RunStatus | None) -> RunId:
        """Start a run and let it end in some way; ``None``: it goes on."""
        if how is RunStatus.COMPLETED:
            stage.worker.on_execute("last", complete())
            return await self.start(stage, first=straight("last"))
        run_id = await self.start(stage)
        kinds = {
            RunStatus.FAILED: StopKind.FAIL,
            RunStatus.CANCELED: StopKind.CANCEL,
            RunStatus.TERMINATED: StopKind.TERMINATE,
        }
        if how is not None:
            await stage.backend.stop(ADA, kinds[how])
        return run_id
