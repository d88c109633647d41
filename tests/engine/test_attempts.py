"""Attempts of calls, as workers and callers see them: repeated, given up, and taken up after a crash."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from perdure.engine.core import BOOT_MAX, ROUND_MAX
from perdure.model.attributes import LoadingPolicy, SearchAttribute, SearchAttributeType
from perdure.model.calls import ExecuteAnswer, Failure, StateRequest, Writes
from perdure.model.decisions import Closing, ClosingKind, Decision
from perdure.model.ids import WorkflowId
from perdure.model.options import RetryPolicy, StateOptions
from perdure.model.outcome import RunErrorType, RunStatus
from perdure.testing.rule import rule
from tests.engine.script import (
    ADA,
    Worker,
    after,
    done,
    starting,
    straight,
    wait_for,
)
from tests.engine.stage import SETTINGS, EngineStage

BOB = WorkflowId("bob")
LOCK_K = LoadingPolicy(locks=("k",))


async def test_failed_attempts_are_repeated_after_their_backoff(stage: EngineStage[Worker]) -> None:
    failure = Failure("refused")
    stage.worker.script = {"only": [failure, failure, done()]}
    await stage.backend.start(starting(state=straight(RetryPolicy(1_000, 2.0))))
    await stage.settle()
    assert stage.worker.attempts("only") == [1]
    await stage.pass_time(999)
    assert stage.worker.attempts("only") == [1]
    await stage.pass_time(1)
    assert stage.worker.attempts("only") == [1, 2]
    await stage.pass_time(1_999)
    assert stage.worker.attempts("only") == [1, 2]
    await stage.pass_time(1)
    assert stage.worker.attempts("only") == [1, 2, 3]
    firsts = {request.first_attempt_ms for request in stage.worker.calls("only") if isinstance(request, StateRequest)}
    assert len(firsts) == 1
    assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED


async def test_call_that_exhausts_its_attempts_fails_the_run_with_its_last_error(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": [Failure("first"), Failure("second")]}
    await stage.backend.start(starting(state=straight(RetryPolicy(maximum_attempts=2))))
    await stage.pass_time(1_000)
    info = await stage.backend.wait_for_result(ADA)
    assert info.outcome is not None
    assert (info.outcome.error_type, info.outcome.error_message) == (RunErrorType.STATE_CALL, "second")
    assert stage.worker.attempts("only") == [1, 2]


async def test_failure_that_forbids_it_is_not_repeated(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": Failure("never", retryable=False)}
    await stage.backend.start(starting())
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.FAILED
    assert stage.worker.attempts("only") == [1]


async def test_attempt_that_hangs_is_given_up_at_its_timeout_and_its_late_answer_dropped(
    stage: EngineStage[Worker],
) -> None:
    await stage.backend.start(starting(state=straight(RetryPolicy(maximum_attempts=1), timeout_ms=2_000)))
    await stage.pass_time(2_000)
    info = await stage.backend.describe(ADA)
    assert info.outcome is not None
    assert info.outcome.error_message is not None
    assert "activity StartToClose timeout (type: StartToClose)" in info.outcome.error_message
    stage.worker.answer(done("late"))
    await stage.settle()
    assert (await stage.backend.describe(ADA)).status is RunStatus.FAILED


async def test_answer_with_a_search_attribute_of_another_type_fails_the_run(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(None, workflow_id=BOB))
    await stage.backend.set_search_attributes(BOB, [SearchAttribute("age", SearchAttributeType.INT, 3)])
    bad = Writes(search=(SearchAttribute("age", SearchAttributeType.KEYWORD, "three"),))
    stage.worker.script = {"only": ExecuteAnswer(Decision((Closing(ClosingKind.DEAD_END),)), bad)}
    await stage.backend.start(starting())
    info = await stage.backend.wait_for_result(ADA)
    assert info.outcome is not None
    assert info.outcome.error_type is RunErrorType.INVALID_WORKFLOW_CODE
    assert "age" in (info.outcome.error_message or "")


@rule("C2")
async def test_call_that_a_crash_cut_off_is_made_again_with_the_same_number(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting())
    await stage.settle()
    assert stage.worker.held == 1
    await stage.crash()
    await stage.settle()
    assert stage.worker.attempts("only") == [1, 1]
    stage.worker.answer(done("after all"))
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED


async def test_backoff_goes_on_after_a_crash(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": [Failure("refused"), done()]}
    await stage.backend.start(starting(state=straight(RetryPolicy(10_000))))
    await stage.pass_time(4_000)
    await stage.crash()
    await stage.pass_time(5_999)
    assert stage.worker.attempts("only") == [1]
    await stage.pass_time(1)
    assert stage.worker.attempts("only") == [1, 2]


async def test_only_attempt_of_a_call_is_not_repeated_after_a_crash(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(state=straight(RetryPolicy(maximum_attempts=1))))
    await stage.settle()
    await stage.crash()
    info = await stage.backend.wait_for_result(ADA)
    assert info.status is RunStatus.FAILED
    assert stage.worker.attempts("only") == [1]


async def test_last_attempt_of_several_is_not_repeated_after_a_crash(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": [Failure("refused"), None]}
    await stage.backend.start(starting(state=straight(RetryPolicy(maximum_attempts=2))))
    await stage.pass_time(1_000)
    assert stage.worker.attempts("only") == [1, 2]
    await stage.crash()
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.FAILED
    assert stage.worker.attempts("only") == [1, 2]


async def test_calls_found_being_made_at_two_crashes_are_made_one_at_a_time(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting())
    await stage.backend.start(starting(workflow_id=BOB))
    await stage.settle()
    await stage.crash()
    await stage.settle()
    assert stage.worker.held == 2
    await stage.crash()
    await stage.settle()
    assert stage.worker.held == 1
    stage.worker.answer(done())
    await stage.settle()
    assert stage.worker.held == 1
    stage.worker.answer(done())
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED
    assert (await stage.backend.wait_for_result(BOB)).status is RunStatus.COMPLETED


async def test_timer_that_passed_while_nothing_ran_fires_at_once(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only?": wait_for(after(60_000)), "only": done()}
    await stage.backend.start(starting("only", state=StateOptions()))
    await stage.settle()
    stage.engine.abandon()
    stage.clock.settle_at(stage.clock.monotonic_ms() + 100_000)
    await stage.crash()
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED


async def test_boot_takes_up_many_runs_in_portions_and_serves_meanwhile(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "engine.db", worker=Worker(), settings=replace(SETTINGS, lane_max=10)) as stage:
        names = [WorkflowId(f"w{n}") for n in range(BOOT_MAX * 2 + 10)]
        await asyncio.gather(*(stage.backend.start(starting(workflow_id=name)) for name in names))
        await stage.settle()
        stage.worker.requests.clear()
        await stage.crash()
        assert (await stage.backend.describe(names[-1])).status is RunStatus.RUNNING
        await stage.settle()
        assert stage.worker.held == 10
        while stage.worker.held:
            stage.worker.answer(done())
            await stage.settle()
        assert len(stage.worker.requests) == len(names)
        assert len((await stage.backend.search("ExecutionStatus = 'Completed'", page_size=5_000)).runs) == len(names)


async def test_many_timers_of_one_moment_all_fire_at_it(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only?": wait_for(after(60_000)), "only": done()}
    names = [WorkflowId(f"w{n}") for n in range(ROUND_MAX + 10)]
    await asyncio.gather(
        *(stage.backend.start(starting("only", workflow_id=name, state=StateOptions())) for name in names)
    )
    await stage.pass_time(59_999)
    assert not stage.worker.calls("only")
    await stage.pass_time(1)
    assert len(stage.worker.calls("only")) == len(names)
