"""``Inspector``, of a backend that is one: what has happened to a run, and why it does not go on."""

from __future__ import annotations

import pytest

from perdure.model.attributes import DataAttribute, LoadingPolicy, SearchAttribute, SearchAttributeType
from perdure.model.calls import Failure, StateMethod, Writes
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, WaitMode
from perdure.model.errors import InvalidRequest, WorkflowNotFound
from perdure.model.history import HistoryEntry, NamedValue
from perdure.model.ids import RunId
from perdure.model.options import CallOptions, RetryPolicy, StartOptions, StateOptions
from perdure.model.outcome import RunStatus, StopKind
from perdure.model.progress import Awaited, Standing
from perdure.model.requests import RpcCall
from perdure.model.value import Message
from perdure.ports.inspector import Inspector, inspector_of
from perdure.testing.conformance.invoker import arrival
from perdure.testing.conformance.lines import answer_rpc, complete, go_to, move, straight, text, wait_for
from perdure.testing.conformance.stage import ADA, NOBODY, Stage, Suite

HOUR_MS = 3_600_000
NO_RUN = RunId("00000000-0000-7000-8000-000000000000")


def inside(stage: Stage) -> Inspector:
    inspector = inspector_of(stage.backend)
    assert inspector is not None, "this backend is no inspector: leave InspectorConformance out"
    return inspector


class HistoryConformance(Suite):
    async def test_history_tells_what_happened_in_its_order(self, stage: Stage) -> None:
        writes = Writes(
            data=(DataAttribute("step", text("one")),),
            search=(SearchAttribute("city", SearchAttributeType.KEYWORD, "Bern"),),
        )
        stage.worker.on_wait("first", wait_for(ChannelCondition("letters", ChannelKind.SIGNAL)))
        stage.worker.on_execute("first", go_to(straight("second", value=text("on")), writes=writes))
        stage.worker.on_execute("second", complete(text("done")))
        await self.start(stage, first=move("first", value=text("form")))
        await stage.backend.signal(ADA, Message("letters", text("hello")))
        await stage.backend.wait_for_result(ADA)
        entries = await inside(stage).history(ADA)
        assert [(entry.seq, entry.kind, entry.actor) for entry in entries] == [
            (1, "started", "client"),
            (2, "call-succeeded", "worker"),
            (3, "signal", "client"),
            (4, "call-succeeded", "worker"),
            (5, "call-succeeded", "worker"),
        ]
        started, waited, signalled, executed, ended = entries
        assert started.values == (NamedValue("input", text("form")),)
        assert _who(waited) == ("first-1", "wait_until")
        assert waited.texts("waits_for") == ("signal letters",)
        assert signalled.texts("signal") == ("letters",)
        assert signalled.values == (NamedValue("signal letters", text("hello")),)
        assert _who(executed) == ("first-1", "execute")
        assert executed.texts("attribute") == ("step",)
        assert executed.texts("search_attribute") == ("city = Bern",)
        assert executed.texts("goes_to") == ("second",)
        assert executed.texts("calls") == ("second-1 execute",)
        assert _who(ended) == ("second-1", "execute")
        assert ended.texts("ends") == ("COMPLETED",)
        assert ended.values == (NamedValue("output", text("done")),)

    async def test_history_tells_when_and_why(self, stage: Stage) -> None:
        await self.start(stage)
        await stage.pass_time(HOUR_MS)
        await stage.backend.stop(ADA, StopKind.FAIL, reason="enough")
        started, stopped = await inside(stage).history(ADA)
        assert stopped.at_ms - started.at_ms == HOUR_MS
        assert (stopped.reason, stopped.texts("ends"), stopped.texts("error")) == ("enough", ("FAILED",), ("enough",))

    async def test_history_tells_the_error_of_a_call_that_was_given_up(self, stage: Stage) -> None:
        await self.start(stage, first=straight("unknown"))
        _, given_up = await inside(stage).history(ADA)
        assert given_up.kind == "call-exhausted"
        assert _who(given_up) == ("unknown-1", "execute")
        assert given_up.texts("error_type") == ("Unscripted",)

    async def test_history_is_read_in_parts(self, stage: Stage) -> None:
        await self.start(stage)
        for number in range(5):
            await stage.backend.publish(ADA, [Message("numbers", text(str(number)))])
        whole = await inside(stage).history(ADA)
        assert len(whole) == 6
        assert await inside(stage).history(ADA, limit=4) == whole[:4]
        assert await inside(stage).history(ADA, after_seq=4, limit=4) == whole[4:]
        assert await inside(stage).history(ADA, after_seq=6) == ()
        for after_seq, limit in ((-1, 1), (0, 0)):
            with pytest.raises(InvalidRequest):
                await inside(stage).history(ADA, after_seq=after_seq, limit=limit)

    async def test_history_of_an_earlier_run_is_asked_for_by_its_id(self, stage: Stage) -> None:
        first = await self.start(stage)
        await stage.backend.stop(ADA)
        second = await self.start(stage)
        assert [entry.kind for entry in await inside(stage).history(ADA, run_id=first)] == ["started", "stopped"]
        assert [entry.kind for entry in await inside(stage).history(ADA, run_id=second)] == ["started"]
        assert [entry.kind for entry in await inside(stage).history(ADA)] == ["started"]

    async def test_history_of_nobody_is_refused(self, stage: Stage) -> None:
        with pytest.raises(WorkflowNotFound):
            await inside(stage).history(NOBODY)
        await self.start(stage)
        with pytest.raises(WorkflowNotFound):
            await inside(stage).history(ADA, run_id=NO_RUN)


class ProgressConformance(Suite):
    async def test_progress_tells_what_a_wait_is_for(self, stage: Stage) -> None:
        letters = ChannelCondition("letters", ChannelKind.SIGNAL, "post", at_least=2)
        timer = TimerCondition("late", duration_ms=HOUR_MS)
        stage.worker.on_wait("patient", wait_for(letters, timer, ChannelCondition("other"), mode=WaitMode.ALL))
        run_id = await self.start(stage, first=move("patient"))
        await stage.backend.publish(ADA, [Message("other", text("here"))])
        started = (await stage.backend.describe(ADA)).started_ms
        progress = await inside(stage).progress(ADA)
        assert (progress.workflow_id, progress.run_id, progress.status) == (ADA, run_id, RunStatus.RUNNING)
        assert (progress.events_count, progress.quarantine) == (3, None)
        assert progress.wakes_ms == started + HOUR_MS
        (state,) = progress.states
        assert (state.state_execution_id, state.state_id, state.standing) == ("patient-1", "patient", Standing.WAITING)
        assert (state.call, state.mode) == (None, WaitMode.ALL)
        assert state.awaits == (
            Awaited(letters),
            Awaited(timer, due_ms=started + HOUR_MS),
            Awaited(ChannelCondition("other"), met=True),
        )

    async def test_progress_tells_the_attempts_of_a_call_that_fails(self, stage: Stage) -> None:
        retry = RetryPolicy(initial_interval_ms=HOUR_MS, maximum_interval_ms=HOUR_MS, maximum_attempts=9)
        failing = StateOptions(skip_wait_until=True, execute=CallOptions(retry=retry))
        stage.worker.on_execute("mail", lambda request: Failure(f"no answer {len(stage.worker.requests)}"))
        await self.start(stage, first=move("mail", options=failing))
        started = (await stage.backend.describe(ADA)).started_ms
        await stage.pass_time(HOUR_MS)
        (state,) = (await inside(stage).progress(ADA)).states
        assert (state.standing, state.awaits) == (Standing.RETRYING, ())
        assert state.call is not None
        assert (state.call.method, state.call.attempt, state.call.attempts_max) == (StateMethod.EXECUTE, 2, 9)
        assert (state.call.first_ms, state.call.next_ms) == (started, started + 2 * HOUR_MS)
        assert state.call.errors == ("no answer 1", "no answer 2")

    async def test_progress_tells_a_call_that_a_worker_has(self, stage: Stage) -> None:
        arriving = stage.worker.hold_wait("slow")
        await self.start(stage, first=move("slow"))
        call = await arrival(arriving)
        (state,) = (await inside(stage).progress(ADA)).states
        assert state.standing is Standing.CALLING
        assert state.call is not None
        assert (state.call.method, state.call.attempt, state.call.errors) == (StateMethod.WAIT_UNTIL, 1, ())
        call.answer(wait_for(ChannelCondition("never")))
        await stage.settle()
        (state,) = (await inside(stage).progress(ADA)).states
        assert state.standing is Standing.WAITING

    async def test_progress_tells_a_delay_and_a_timeout(self, stage: Stage) -> None:
        options = StartOptions(delay_ms=HOUR_MS, timeout_ms=5 * HOUR_MS)
        await self.start(stage, first=straight("later"), options=options)
        started = (await stage.backend.describe(ADA)).started_ms
        progress = await inside(stage).progress(ADA)
        assert (progress.begins_ms, progress.expires_ms) == (started + HOUR_MS, started + 5 * HOUR_MS)
        assert (progress.wakes_ms, progress.states) == (started + HOUR_MS, ())

    async def test_progress_tells_a_lock_that_is_held(self, stage: Stage) -> None:
        holds = CallOptions(data_loading=LoadingPolicy(locks=("form",)))
        options = StateOptions(skip_wait_until=True, execute=holds)
        arriving = stage.worker.hold_execute("one")
        stage.worker.on_execute("two", complete())
        await self.start(stage, first=move("one", options=options))
        call = await arrival(arriving)
        stage.worker.on_rpc("begin", answer_rpc(movements=(move("two", options=options),)))
        await stage.backend.call_rpc(RpcCall(ADA, "begin"))
        await stage.settle()
        states = (await inside(stage).progress(ADA)).states
        assert [(state.state_execution_id, state.standing) for state in states] == [
            ("one-1", Standing.CALLING),
            ("two-1", Standing.LOCKING),
        ]
        call.answer(complete())
        await stage.settle()

    async def test_progress_of_an_ended_run_is_that_it_has_ended(self, stage: Stage) -> None:
        stage.worker.on_wait("patient", wait_for(ChannelCondition("never")))
        await self.start(stage, first=move("patient"))
        await stage.backend.stop(ADA)
        progress = await inside(stage).progress(ADA)
        assert (progress.status, progress.states, progress.wakes_ms) == (RunStatus.CANCELED, (), None)

    async def test_progress_of_nobody_is_refused(self, stage: Stage) -> None:
        with pytest.raises(WorkflowNotFound):
            await inside(stage).progress(NOBODY)


class InspectorConformance(HistoryConformance, ProgressConformance):
    """Every method of ``Inspector`` and every error that it documents."""


def _who(entry: HistoryEntry) -> tuple[str, str]:
    (state,), (method,) = entry.texts("state"), entry.texts("method")
    return state, method
