"""What a run remembers, as the file has it."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from perdure.model.attributes import DataAttribute
from perdure.model.conditions import ChannelKind
from perdure.model.errors import InternalError, WorkflowNotFound
from perdure.model.ids import StateExecutionId, StateId, WorkflowId
from perdure.model.options import StartOptions, StateOptions, WorkflowConfig
from perdure.model.requests import TimerRef
from perdure.model.value import Message
from tests.engine.script import ADA, Worker, after, done, go_to, signal_on, starting, text, wait_for
from tests.engine.stage import EngineStage


async def test_an_open_run_is_dumped_with_all_that_it_remembers(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": go_to("patient"), "patient?": wait_for(signal_on("bell"), after(60_000))}
    config = WorkflowConfig(continue_as_new_threshold=7)
    await stage.backend.start(starting(options=StartOptions(config=config)))
    await stage.settle()
    await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("v"))])
    await stage.backend.signal(ADA, Message("bell", text("ding")))
    await stage.backend.publish(ADA, [Message("queue", text("unread"))])
    await stage.backend.skip_timer(ADA, TimerRef(StateExecutionId("patient-1"), index=0))
    stage.worker.script = {"patient": None}
    await stage.settle()
    dump = await stage.backend.dump(ADA)

    (state,) = dump.states
    assert state.id == "patient-1"
    assert dump.config == config
    assert dump.started_counts == ((StateId("only"), 1), (StateId("patient"), 1))
    assert [(channel.kind, channel.name, channel.messages) for channel in dump.channels] == [
        (ChannelKind.INTERNAL, "queue", (text("unread"),))
    ]
    assert dump.data == (DataAttribute("k", text("v")),)


async def test_a_wait_is_dumped_with_what_it_has_and_what_it_lacks(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only?": wait_for(signal_on("bell"), after(60_000))}
    began_ms = stage.clock.now_ms()
    await stage.backend.start(starting(state=StateOptions()))
    await stage.settle()
    await stage.backend.signal(ADA, Message("bell", text("ding")))
    (state,) = (await stage.backend.dump(ADA)).states

    assert state.wait is not None
    assert state.wait.met == (True, False)
    assert state.wait.taken == ((text("ding"),), ())
    assert state.wait.due_ms == (None, began_ms + 60_000)
    assert state.wait.skipped == (False, False)


async def test_a_state_that_waits_for_the_start_is_queued(stage: EngineStage[Worker]) -> None:
    await stage.backend.start(starting(options=StartOptions(delay_ms=1_000)))
    dump = await stage.backend.dump(ADA)

    assert [movement.state_id for movement in dump.queued] == ["only"]
    assert dump.states == ()


async def test_an_ended_run_is_dumped_with_its_outputs(stage: EngineStage[Worker]) -> None:
    stage.worker.script = {"only": done("over")}
    await stage.backend.start(starting())
    await stage.settle()
    dump = await stage.backend.dump(ADA)

    assert [output.output for output in dump.outputs] == [text("over")]
    assert dump.states == ()


async def test_what_is_not_there_or_cannot_be_read_is_said(stage: EngineStage[Worker], tmp_path: Path) -> None:
    with pytest.raises(WorkflowNotFound, match="workflow not found for ID: nobody"):
        await stage.backend.dump(WorkflowId("nobody"))
    await stage.backend.start(starting(None))
    apsw.Connection(str(stage.path)).execute("UPDATE event SET kind = 'of tomorrow'")
    with pytest.raises(InternalError, match=r"the journal of run .* cannot be read"):
        await stage.backend.dump(ADA)
