"""``Backend.signal`` and ``publish``: what is sent is kept until a state takes it."""

from __future__ import annotations

import pytest

from perdure.model.calls import StateRequest
from perdure.model.conditions import ChannelCondition, ChannelKind, ChannelResult, WaitMode
from perdure.model.errors import WorkflowClosed, WorkflowNotFound
from perdure.model.ids import RunId
from perdure.model.options import IdReusePolicy, StartOptions
from perdure.model.outcome import RunStatus
from perdure.model.value import EMPTY_VALUE, EncodedValue, Message
from perdure.testing.conformance.lines import complete, move, text, wait_for
from perdure.testing.conformance.stage import ADA, NOBODY, Stage, Suite


class MessageConformance(Suite):
    async def test_message_that_comes_before_the_wait_is_kept(self, stage: Stage) -> None:
        await self._start_waiting(stage, ChannelCondition("letters", ChannelKind.SIGNAL), delay_ms=1_000)
        await stage.backend.signal(ADA, Message("letters", text("early")))
        await stage.pass_time(1_000)
        assert self._taken(stage) == [(text("early"),)]

    async def test_message_ends_a_wait(self, stage: Stage) -> None:
        await self._start_waiting(stage, ChannelCondition("letters", ChannelKind.SIGNAL))
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
        await stage.backend.signal(ADA, Message("letters", text("hello")))
        assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED
        assert self._taken(stage) == [(text("hello"),)]

    async def test_messages_are_taken_in_the_order_they_were_sent(self, stage: Stage) -> None:
        await self._start_waiting(stage, ChannelCondition("letters", ChannelKind.SIGNAL, at_least=3))
        for word in "abc":
            await stage.backend.signal(ADA, Message("letters", text(word)))
        await stage.settle()
        assert self._taken(stage) == [(text("a"), text("b"), text("c"))]

    async def test_values_arrive_as_they_were_given(self, stage: Stage) -> None:
        odd: list[EncodedValue | None] = [
            None,
            EMPTY_VALUE,
            EncodedValue(data=""),
            EncodedValue(encoding="only"),
            EncodedValue(data="ünïcode \N{GRINNING FACE}\x00", encoding=""),
            EncodedValue(external_store_id="s3", external_path="a/b"),
        ]
        await self._start_waiting(stage, ChannelCondition("letters", at_least=len(odd)))
        await stage.backend.publish(ADA, [Message("letters", value) for value in odd])
        await stage.settle()
        assert self._taken(stage) == [tuple(odd)]

    async def test_published_messages_arrive_in_one_step(self, stage: Stage) -> None:
        conditions = (ChannelCondition("a"), ChannelCondition("b"))
        await self._start_waiting(stage, *conditions, mode=WaitMode.ANY)
        await stage.backend.publish(ADA, [Message("b", text("1")), Message("a", text("2"))])
        await stage.settle()
        assert self._taken(stage) == [(text("2"),), (text("1"),)]

    async def test_signals_and_internal_messages_are_two_name_spaces(self, stage: Stage) -> None:
        await self._start_waiting(stage, ChannelCondition("letters", ChannelKind.INTERNAL))
        await stage.backend.signal(ADA, Message("letters", text("signal")))
        await stage.settle()
        assert (await stage.backend.describe(ADA)).status is RunStatus.RUNNING
        await stage.backend.publish(ADA, [Message("letters", text("internal"))])
        await stage.settle()
        assert self._taken(stage) == [(text("internal"),)]

    async def test_ended_run_takes_no_messages(self, stage: Stage) -> None:
        await self.start(stage)
        await stage.backend.stop(ADA)
        with pytest.raises(WorkflowClosed):
            await stage.backend.signal(ADA, Message("letters"))
        with pytest.raises(WorkflowClosed):
            await stage.backend.publish(ADA, [Message("letters")])

    async def test_message_to_nobody_is_refused(self, stage: Stage) -> None:
        with pytest.raises(WorkflowNotFound):
            await stage.backend.signal(NOBODY, Message("letters"))
        with pytest.raises(WorkflowNotFound):
            await stage.backend.publish(NOBODY, [Message("letters")])

    async def test_message_goes_to_the_run_that_is_named(self, stage: Stage) -> None:
        first = await self.start(stage)
        second = await self.start(stage, options=StartOptions(id_reuse=IdReusePolicy.TERMINATE_IF_RUNNING))
        with pytest.raises(WorkflowClosed):
            await stage.backend.signal(ADA, Message("letters"), run_id=first)
        await stage.backend.signal(ADA, Message("letters"), run_id=second)
        with pytest.raises(WorkflowNotFound):
            await stage.backend.signal(ADA, Message("letters"), run_id=RunId("00000000-0000-7000-8000-000000000000"))

    async def _start_waiting(
        self, stage: Stage, *conditions: ChannelCondition, mode: WaitMode = WaitMode.ALL, delay_ms: int = 0
    ) -> None:
        stage.worker.on_wait("reader", wait_for(*conditions, mode=mode))
        stage.worker.on_execute("reader", complete())
        await self.start(stage, first=move("reader"), options=StartOptions(delay_ms=delay_ms))

    def _taken(self, stage: Stage) -> list[tuple[EncodedValue | None, ...]]:
        """Return what the one execution of the reader found, for each condition in order."""
        (request,) = stage.worker.requests_of("reader")
        assert isinstance(request, StateRequest)
        return [result.values for result in request.call.results or () if isinstance(result, ChannelResult)]
