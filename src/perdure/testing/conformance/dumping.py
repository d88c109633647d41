"""``Dumper``, of a backend that is one: all that a run remembers at one moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition
from perdure.model.dump import DumpedChannel, DumpedState
from perdure.model.errors import WorkflowNotFound
from perdure.model.ids import RunId, StateExecutionId, StateId
from perdure.model.options import StartOptions, WorkflowConfig
from perdure.model.outcome import StateOutput
from perdure.model.requests import TimerRef
from perdure.model.value import Message
from perdure.ports.dumper import Dumper, dumper_of
from perdure.testing.conformance.invoker import arrival
from perdure.testing.conformance.lines import complete, go_to, move, straight, text, wait_for
from perdure.testing.conformance.stage import ADA, NOBODY, Stage, Suite

MINUTE_MS = 60_000
BELL = ChannelCondition("bell", ChannelKind.SIGNAL)
TIMER = TimerCondition(duration_ms=MINUTE_MS)


def inside(stage: Stage) -> Dumper:
    dumper = dumper_of(stage.backend)
    assert dumper is not None, "this backend is no dumper: leave DumperConformance out"
    return dumper


class DumperConformance(Suite):
    """A backend that is a ``Dumper`` passes this too."""

    async def test_dump_tells_all_that_was_acknowledged_before_it_was_asked(self, stage: Stage) -> None:
        config = WorkflowConfig(continue_as_new_threshold=7)
        city = SearchAttribute("city", SearchAttributeType.KEYWORD, "Bern")
        await self.start(
            stage, options=StartOptions(config=config), data=(DataAttribute("k", text("old")),), search=(city,)
        )
        await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("new"))])
        await stage.backend.publish(ADA, [Message("queue", text("unread")), Message("queue")])
        await stage.backend.signal(ADA, Message("bell", text("ding")))
        dump = await inside(stage).dump(ADA)
        assert dump.config == config
        assert dump.data == (DataAttribute("k", text("new")),)
        assert dump.search == (city,)
        assert set(dump.channels) == {
            DumpedChannel(ChannelKind.INTERNAL, "queue", (text("unread"), None)),
            DumpedChannel(ChannelKind.SIGNAL, "bell", (text("ding"),)),
        }
        assert (dump.states, dump.queued, dump.outputs) == ((), (), ())

    async def test_dump_tells_a_state_that_is_being_called(self, stage: Stage) -> None:
        held = stage.worker.hold_execute("second")
        stage.worker.on_execute("first", go_to(straight("second", value=text("in"))))
        await self.start(stage, first=straight("first"))
        call = await arrival(held)
        dump = await inside(stage).dump(ADA)
        call.answer(complete())
        assert dump.started_counts == ((StateId("first"), 1), (StateId("second"), 1))
        assert dump.states == (DumpedState(StateExecutionId("second-1"), straight("second", value=text("in"))),)

    async def test_dump_tells_what_a_wait_has_and_what_it_lacks(self, stage: Stage) -> None:
        answer = replace(wait_for(BELL, TIMER, TIMER), locals=(DataAttribute("note", text("mine")),))
        stage.worker.on_wait("patient", answer)
        await self.start(stage, first=move("patient", value=text("in")))
        began_ms = (await stage.backend.describe(ADA)).started_ms
        await stage.backend.signal(ADA, Message("bell", text("ding")))
        await stage.backend.skip_timer(ADA, TimerRef(StateExecutionId("patient-1"), index=0))
        (state,) = (await inside(stage).dump(ADA)).states
        assert state.wait is not None
        assert state.locals == (DataAttribute("note", text("mine")),)
        assert state.wait.wait.conditions == (BELL, TIMER, TIMER)
        assert state.wait.met == (True, True, False)
        assert state.wait.taken == ((text("ding"),), (), ())
        assert state.wait.due_ms == (None, began_ms + MINUTE_MS, began_ms + MINUTE_MS)
        assert state.wait.skipped == (False, True, False)

    async def test_dump_tells_states_that_wait_for_the_start(self, stage: Stage) -> None:
        first = straight("first", value=text("in"))
        await self.start(stage, first=first, options=StartOptions(delay_ms=MINUTE_MS))
        dump = await inside(stage).dump(ADA)
        assert (dump.queued, dump.states) == ((first,), ())

    async def test_dump_tells_the_outputs_of_an_ended_run(self, stage: Stage) -> None:
        stage.worker.on_execute("first", complete(text("over")))
        await self.start(stage, first=straight("first"))
        await stage.backend.wait_for_result(ADA)
        dump = await inside(stage).dump(ADA)
        assert dump.outputs == (StateOutput(StateId("first"), StateExecutionId("first-1"), text("over")),)
        assert dump.states == ()

    async def test_dump_of_a_run_by_its_id_tells_that_run(self, stage: Stage) -> None:
        earlier = await self.start(stage, data=(DataAttribute("k", text("1")),))
        await stage.backend.stop(ADA)
        later = await self.start(stage, data=(DataAttribute("k", text("2")),))
        told = [(await inside(stage).dump(ADA, run_id=run_id)).data for run_id in (earlier, later, None)]
        assert told == [(DataAttribute("k", text(value)),) for value in "122"]

    async def test_dump_of_what_is_not_there_is_refused(self, stage: Stage) -> None:
        await self.start(stage)
        for workflow_id, run_id in ((NOBODY, None), (ADA, RunId("00000000-0000-7000-8000-000000000000"))):
            with pytest.raises(WorkflowNotFound):
                await inside(stage).dump(workflow_id, run_id=run_id)
