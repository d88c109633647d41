"""``Backend.skip_timer``, ``stop``, ``reset``, ``update_config``: an operator's hand."""

from __future__ import annotations

import pytest

from perdure.model.attributes import DataAttribute
from perdure.model.calls import StateRequest, Writes
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, TimerResult
from perdure.model.errors import InvalidRequest, TimerNotFound, WorkflowClosed, WorkflowNotFound
from perdure.model.ids import RunId, StateExecutionId, StateId
from perdure.model.options import ExecutingStatesMode, WorkflowConfig
from perdure.model.outcome import RunErrorType, RunStatus, StopKind
from perdure.model.requests import ResetKind, ResetRequest, RpcCall, TimerRef
from perdure.model.value import Message
from perdure.testing.conformance.invoker import arrival
from perdure.testing.conformance.lines import answer_rpc, complete, go_to, move, straight, text, wait_for
from perdure.testing.conformance.stage import ADA, NOBODY, Stage, Suite

SLEEPER_1 = StateExecutionId("sleeper-1")
HOUR_MS = 3_600_000


class TimerConformance(Suite):
    async def test_timer_fires_at_its_moment_and_not_before(self, stage: Stage) -> None:
        await self._sleep(stage, TimerCondition(duration_ms=HOUR_MS))
        await stage.pass_time(HOUR_MS - 1)
        assert stage.worker.requests_of("sleeper") == []
        await stage.pass_time(1)
        assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED

    @pytest.mark.parametrize(
        "timer",
        [
            TimerRef(SLEEPER_1, timer_id="nap"),
            TimerRef(SLEEPER_1, index=0),
            TimerRef(SLEEPER_1, timer_id="nap", index=7),
        ],
    )
    async def test_skipped_timer_fires_now(self, stage: Stage, timer: TimerRef) -> None:
        await self._sleep(stage, TimerCondition("nap", duration_ms=HOUR_MS))
        await stage.backend.skip_timer(ADA, timer)
        assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED
        (request,) = stage.worker.requests_of("sleeper")
        assert isinstance(request, StateRequest)
        assert request.call.results == (TimerResult("nap", fired=True),)

    async def test_only_the_skipped_timer_fires(self, stage: Stage) -> None:
        await self._sleep(stage, TimerCondition("a", duration_ms=HOUR_MS), TimerCondition("b", duration_ms=2 * HOUR_MS))
        await stage.backend.skip_timer(ADA, TimerRef(SLEEPER_1, index=1))
        await stage.settle()
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
        await stage.pass_time(HOUR_MS)
        assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED

    async def test_timer_that_is_not_there_cannot_be_skipped(self, stage: Stage) -> None:
        await self._sleep(stage, TimerCondition("nap", duration_ms=HOUR_MS))
        for missing in (
            TimerRef(SLEEPER_1, timer_id="other"),
            TimerRef(SLEEPER_1, index=1),
            TimerRef(StateExecutionId("sleeper-2"), index=0),
        ):
            with pytest.raises(TimerNotFound):
                await stage.backend.skip_timer(ADA, missing)
        with pytest.raises(InvalidRequest):
            await stage.backend.skip_timer(ADA, TimerRef(SLEEPER_1))
        with pytest.raises(WorkflowNotFound):
            await stage.backend.skip_timer(NOBODY, TimerRef(SLEEPER_1, index=0))
        await stage.backend.stop(ADA)
        with pytest.raises(WorkflowClosed):
            await stage.backend.skip_timer(ADA, TimerRef(SLEEPER_1, index=0))

    async def _sleep(self, stage: Stage, *timers: TimerCondition) -> None:
        stage.worker.on_wait("sleeper", wait_for(*timers))
        stage.worker.on_execute("sleeper", complete())
        await self.start(stage, first=move("sleeper"))


class StopConformance(Suite):
    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            (StopKind.CANCEL, RunStatus.CANCELED),
            (StopKind.TERMINATE, RunStatus.TERMINATED),
            (StopKind.FAIL, RunStatus.FAILED),
        ],
    )
    async def test_stop_ends_a_run_and_drops_what_comes_later(
        self, stage: Stage, kind: StopKind, status: RunStatus
    ) -> None:
        arriving = stage.worker.hold_execute("only")
        await self.start(stage, first=straight("only"))
        call = await arrival(arriving)
        await stage.backend.stop(ADA, kind, reason="enough")
        info = await stage.backend.wait_for_result(ADA)
        assert info.status is status
        call.answer(complete(text("late"), writes=Writes(data=(DataAttribute("late", text("1")),))))
        await stage.settle()
        assert (await stage.backend.describe(ADA)) == info
        assert await stage.backend.get_data_attributes(ADA) == ()

    async def test_reason_of_a_failure_is_told(self, stage: Stage) -> None:
        await self.start(stage)
        await stage.backend.stop(ADA, StopKind.FAIL, reason="enough")
        outcome = (await stage.backend.describe(ADA)).outcome
        assert outcome is not None
        assert (outcome.error_type, outcome.error_message) == (RunErrorType.CLIENT, "enough")

    async def test_ended_run_cannot_be_ended_again(self, stage: Stage) -> None:
        await self.start(stage)
        await stage.backend.stop(ADA, StopKind.TERMINATE)
        for kind in (StopKind.TERMINATE, StopKind.FAIL):
            with pytest.raises(WorkflowClosed):
                await stage.backend.stop(ADA, kind)
        await stage.backend.stop(ADA, StopKind.CANCEL)
        assert (await stage.backend.describe(ADA)).status is RunStatus.TERMINATED

    async def test_nobody_cannot_be_stopped(self, stage: Stage) -> None:
        for kind in StopKind:
            with pytest.raises(WorkflowNotFound):
                await stage.backend.stop(NOBODY, kind)


class ResetConformance(Suite):
    async def test_reset_to_the_beginning_runs_everything_again(self, stage: Stage) -> None:
        first = await self._two_steps(stage)
        second = await stage.backend.reset(ResetRequest(ADA, ResetKind.BEGINNING, reason="again"))
        assert second != first
        info = await stage.backend.wait_for_result(ADA)
        assert (info.run_id, info.status) == (second, RunStatus.COMPLETED)
        assert [len(stage.worker.requests_of(name)) for name in ("one", "two")] == [2, 2]
        assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.COMPLETED

    @pytest.mark.parametrize(
        "point",
        [
            ResetRequest(ADA, ResetKind.STATE_ID, state_id=StateId("two")),
            ResetRequest(ADA, ResetKind.STATE_EXECUTION_ID, state_execution_id=StateExecutionId("two-1")),
        ],
    )
    async def test_reset_to_a_state_runs_it_again_with_what_was_known_then(
        self, stage: Stage, point: ResetRequest
    ) -> None:
        await self._two_steps(stage)
        await stage.backend.reset(point)
        await stage.backend.wait_for_result(ADA)
        assert [len(stage.worker.requests_of(name)) for name in ("one", "two")] == [1, 2]
        again = stage.worker.requests_of("two")[1]
        assert isinstance(again, StateRequest)
        assert (again.call.state_execution_id, again.call.input) == ("two-1", text("from one"))
        assert again.call.attributes.data == (DataAttribute("step", text("one")),)

    async def test_open_run_is_terminated_by_its_reset(self, stage: Stage) -> None:
        stage.worker.on_wait("only", wait_for(ChannelCondition("never")))
        first = await self.start(stage, first=move("only"))
        second = await stage.backend.reset(ResetRequest(ADA, ResetKind.BEGINNING))
        assert (await stage.backend.describe(ADA, run_id=first)).status is RunStatus.TERMINATED
        assert (await stage.backend.describe(ADA)).run_id == second
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING

    @pytest.mark.parametrize("skip", [False, True])
    async def test_messages_sent_later_are_handed_over_again_unless_not_wanted(self, stage: Stage, skip: bool) -> None:
        stage.worker.on_wait("only", wait_for(ChannelCondition("letters", ChannelKind.SIGNAL)))
        stage.worker.on_execute("only", complete())
        await self.start(stage, first=move("only"))
        await stage.backend.signal(ADA, Message("letters", text("hello")))
        await stage.backend.wait_for_result(ADA)
        await stage.backend.reset(ResetRequest(ADA, ResetKind.BEGINNING, skip_signals=skip))
        await stage.settle()
        status = (await stage.backend.describe(ADA)).status
        assert status is (RunStatus.RUNNING if skip else RunStatus.COMPLETED)

    @pytest.mark.parametrize(
        "nowhere",
        [
            ResetRequest(ADA, ResetKind.STATE_ID, state_id=StateId("three")),
            ResetRequest(ADA, ResetKind.STATE_ID),
            ResetRequest(ADA, ResetKind.STATE_EXECUTION_ID, state_execution_id=StateExecutionId("two-2")),
            ResetRequest(ADA, ResetKind.HISTORY_EVENT_ID, event_id=100_000),
        ],
    )
    async def test_moment_that_never_was_is_refused_and_nothing_changes(
        self, stage: Stage, nowhere: ResetRequest
    ) -> None:
        first = await self._two_steps(stage)
        with pytest.raises(InvalidRequest):
            await stage.backend.reset(nowhere)
        assert (await stage.backend.describe(ADA)).run_id == first

    async def test_nobody_cannot_be_reset(self, stage: Stage) -> None:
        with pytest.raises(WorkflowNotFound):
            await stage.backend.reset(ResetRequest(NOBODY, ResetKind.BEGINNING))

    async def _two_steps(self, stage: Stage) -> RunId:
        step = Writes(data=(DataAttribute("step", text("one")),))
        stage.worker.on_execute("one", go_to(straight("two", value=text("from one")), writes=step))
        stage.worker.on_execute("two", complete(writes=Writes(data=(DataAttribute("step", text("two")),))))
        return await self.start(stage, first=straight("one"))


class ConfigConformance(Suite):
    @pytest.mark.parametrize(("mode", "found"), [(ExecutingStatesMode.ALL, ["ada"]), (ExecutingStatesMode.NONE, [])])
    async def test_setting_counts_for_states_that_start_later(
        self, stage: Stage, mode: ExecutingStatesMode, found: list[str]
    ) -> None:
        stage.worker.on_wait("sleeper", wait_for(TimerCondition(duration_ms=HOUR_MS)))
        stage.worker.on_rpc("wake", answer_rpc(movements=(move("sleeper"),)))
        await self.start(stage)
        await stage.backend.update_config(ADA, WorkflowConfig(executing_states=mode))
        await stage.backend.update_config(ADA, WorkflowConfig(optimize_timer=True))
        await stage.backend.call_rpc(RpcCall(ADA, "wake"))
        await stage.settle()
        page = await stage.backend.search("IwfExecutingStateIds = 'sleeper'")
        assert [run.workflow_id for run in page.runs] == found

    async def test_settings_of_an_ended_run_and_of_nobody_cannot_change(self, stage: Stage) -> None:
        await self.start(stage)
        await stage.backend.stop(ADA)
        with pytest.raises(WorkflowClosed):
            await stage.backend.update_config(ADA, WorkflowConfig())
        with pytest.raises(WorkflowNotFound):
            await stage.backend.update_config(NOBODY, WorkflowConfig())


class ControlConformance(TimerConformance, StopConformance, ResetConformance, ConfigConformance):
    """All of them."""
