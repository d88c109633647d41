"""``Backend.erase``: nothing that was said is read any more, and all that happened still is."""

from __future__ import annotations

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import Writes
from perdure.model.conditions import ChannelCondition, ChannelKind
from perdure.model.errors import InvalidRequest, WorkflowNotFound
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId
from perdure.model.options import StartOptions
from perdure.model.outcome import RunStatus, StopKind
from perdure.model.requests import ResetKind, ResetRequest, StateWait
from perdure.model.value import ERASED, Message
from perdure.ports.inspector import inspector_of
from perdure.testing.conformance.lines import complete, go_to, move, straight, text, wait_for
from perdure.testing.conformance.stage import ADA, NOBODY, Stage, Suite

SURNAME = "Lovelace"
HERS = text(SURNAME)
NAME = SearchAttribute("name", SearchAttributeType.KEYWORD, SURNAME)
EVE = WorkflowId("eve")


class ErasingConformance(Suite):
    async def test_values_of_an_erased_run_are_read_as_erased_and_what_happened_stays(self, stage: Stage) -> None:
        run_id = await self._told_everything(stage)
        before = await stage.backend.describe(ADA)
        await stage.backend.erase(ADA, reason="asked for")
        after = await stage.backend.describe(ADA)
        assert (after.run_id, after.status, after.started_ms, after.closed_ms) == (
            run_id,
            RunStatus.COMPLETED,
            before.started_ms,
            before.closed_ms,
        )
        assert after.outcome is not None
        assert [(result.state_id, result.output) for result in after.outcome.results or ()] == [("second", ERASED)]
        assert await stage.backend.wait_for_result(ADA) == after
        attributes = await stage.backend.get_data_attributes(ADA)
        assert attributes == (DataAttribute("name", ERASED), DataAttribute("none", None))
        wait = StateWait(ADA, state_execution_id=StateExecutionId("second-1"))
        assert await stage.backend.wait_for_state(wait) == ERASED

    async def test_erased_run_is_not_found_by_its_attributes_any_more(self, stage: Stage) -> None:
        await self._told_everything(stage)
        await self.start(stage, workflow_id=EVE, search=(NAME,))
        await stage.backend.erase(ADA)
        page = await stage.backend.search(f"name = '{SURNAME}'")
        assert [run.workflow_id for run in page.runs] == [EVE]
        assert await stage.backend.get_search_attributes(ADA) == ()
        assert {run.workflow_id for run in (await stage.backend.search("IwfWorkflowType = 'conformance'")).runs} == {
            ADA,
            EVE,
        }

    async def test_history_of_an_erased_run_has_its_kinds_and_times_and_no_values(self, stage: Stage) -> None:
        inspector = inspector_of(stage.backend)
        if inspector is None:
            pytest.skip("this backend is no inspector: it has no history to look into")
        await self._told_everything(stage)
        before = await inspector.history(ADA)
        assert SURNAME in repr(before)
        await stage.pass_time(1_000)
        await stage.backend.erase(ADA, reason="asked for")
        *entries, last = await inspector.history(ADA)
        assert [(entry.seq, entry.at_ms, entry.kind, entry.actor) for entry in entries] == [
            (entry.seq, entry.at_ms, entry.kind, entry.actor) for entry in before
        ]
        assert [entry.texts("state") for entry in entries] == [entry.texts("state") for entry in before]
        assert {named.value for entry in entries for named in entry.values} == {ERASED}
        assert SURNAME not in repr(entries)
        assert (last.kind, last.reason) == ("erased", "asked for")

    async def test_all_runs_of_the_workflow_are_erased(self, stage: Stage) -> None:
        first = await self.start(stage, data=(DataAttribute("name", HERS),))
        await stage.backend.stop(ADA, StopKind.FAIL, reason=SURNAME)
        second = await self.start(stage, data=(DataAttribute("name", HERS),))
        await stage.backend.stop(ADA, StopKind.CANCEL, reason=SURNAME)
        await stage.backend.erase(ADA)
        for run_id in (first, second):
            (attribute,) = await stage.backend.get_data_attributes(ADA, run_id=run_id)
            assert attribute.value == ERASED
        outcome = (await stage.backend.describe(ADA, run_id=first)).outcome
        assert outcome is not None
        assert outcome.error_message
        assert SURNAME not in outcome.error_message

    async def test_open_run_is_not_erased_and_nothing_changes(self, stage: Stage) -> None:
        first = await self.start(stage, data=(DataAttribute("name", HERS),))
        await stage.backend.stop(ADA)
        second = await self.start(stage, data=(DataAttribute("name", HERS),))
        with pytest.raises(InvalidRequest, match="is open"):
            await stage.backend.erase(ADA)
        for run_id in (first, second):
            (attribute,) = await stage.backend.get_data_attributes(ADA, run_id=run_id)
            assert attribute.value == HERS

    async def test_erasing_takes_nothing_from_others_with_the_same_values(self, stage: Stage) -> None:
        large = text(SURNAME * 5_000)
        for name in (ADA, EVE):
            await self.start(stage, workflow_id=name, data=(DataAttribute("name", large),))
            await stage.backend.stop(name)
        await stage.backend.erase(ADA)
        assert await stage.backend.get_data_attributes(EVE) == (DataAttribute("name", large),)

    async def test_erased_run_is_not_reset_and_is_erased_again_without_harm(self, stage: Stage) -> None:
        await self._told_everything(stage)
        await stage.backend.erase(ADA)
        await stage.backend.erase(ADA)
        with pytest.raises(InvalidRequest, match="erased"):
            await stage.backend.reset(ResetRequest(ADA, ResetKind.BEGINNING))
        assert (await stage.backend.describe(ADA)).status is RunStatus.COMPLETED

    async def test_workflow_is_started_again_after_it_was_erased(self, stage: Stage) -> None:
        first = await self._told_everything(stage)
        await stage.backend.erase(ADA)
        second = await self._told_everything(stage)
        assert first != second
        assert (await stage.backend.get_data_attributes(ADA))[0] == DataAttribute("name", HERS)

    async def test_nobody_cannot_be_erased(self, stage: Stage) -> None:
        with pytest.raises(WorkflowNotFound):
            await stage.backend.erase(NOBODY)

    async def _told_everything(self, stage: Stage) -> RunId:
        """Let a run end that has heard, kept, sent and left the secret in every way."""
        writes = Writes((DataAttribute("name", HERS),), (NAME,), (Message("own", HERS),))
        stage.worker.on_wait("first", wait_for(ChannelCondition("letters", ChannelKind.SIGNAL)))
        stage.worker.on_execute("first", go_to(straight("second", value=HERS), writes=writes))
        stage.worker.on_execute("second", complete(HERS))
        options = StartOptions(wait_for_states=frozenset({StateId("second")}))
        run_id = await self.start(
            stage, first=move("first", value=HERS), options=options, data=(DataAttribute("none"),), search=(NAME,)
        )
        await stage.backend.signal(ADA, Message("letters", HERS))
        await stage.backend.wait_for_result(ADA)
        return run_id
