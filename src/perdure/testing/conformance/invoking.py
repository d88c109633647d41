"""``Invoker``: whoever calls authors' methods, here or elsewhere, calls those of ``Errands`` by its docstrings."""

from __future__ import annotations

import asyncio
from typing import Protocol

import pytest

from perdure.authoring.attribute import Attribute
from perdure.authoring.channel import Channel
from perdure.authoring.decision import Decision, complete
from perdure.authoring.rpc import rpc
from perdure.authoring.state import state
from perdure.authoring.waiting import Wait, any_of
from perdure.authoring.workflow import Workflow
from perdure.model.attributes import DataAttribute
from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    Failure,
    LoadedAttributes,
    RpcAnswer,
    RpcRequest,
    RunContext,
    StateCall,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
)
from perdure.model.decisions import Closing
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.value import EncodedValue
from perdure.ports.invoker import Invoker

Request = StateRequest | RpcRequest

PATIENCE_SECONDS = 60
"""By real time, for an answer that is to come."""
TIMEOUT_MS = 60_000
AT_ONCE = 20


class Errands(Workflow[str, str]):
    """What the worker behind the invoker runs."""

    note: Attribute[str] = Attribute()
    mail: Channel[str] = Channel()

    def until_mail(self) -> Wait:
        return any_of(self.mail)

    @state(start=True, wait=until_mail)
    def repeat(self, word: str) -> Decision:
        self.note = word
        return complete(word)

    @state
    async def repeat_on_loop(self, word: str) -> Decision:
        await asyncio.sleep(0)
        return complete(word)

    @state
    def refuse(self, word: str) -> Decision:
        raise LookupError(f"there is no {word[:10]}")

    @state
    async def never_end(self) -> Decision:
        await asyncio.Event().wait()
        return complete("never")

    @rpc
    def read(self) -> str:
        return self.note


class Hands(Protocol):
    """An invoker whose worker runs ``Errands``, and what an engine would do around it."""

    @property
    def invoker(self) -> Invoker: ...

    def sent(self, request: Request) -> Request:
        """Return a request as an engine hands it to this invoker, such as with the worker's URL in it."""
        ...

    def told(self, answer: Answer) -> Answer:
        """Return an answer as a caller would be told it, with whole values."""
        ...


class InvokerConformance:
    """Every invoker passes this. The tests need pytest and pytest-asyncio."""

    @pytest.fixture
    def hands(self) -> Hands:
        """Give each test an invoker of its own; whoever runs the suite overrides this, and closes it."""
        raise NotImplementedError("override the fixture `hands`: it yields an invoker whose worker runs Errands")

    async def test_a_wait_is_answered_with_what_is_waited_for(self, hands: Hands) -> None:
        answer = await _ask(hands, _state("repeat", "x", method=StateMethod.WAIT_UNTIL))
        assert isinstance(answer, WaitUntilAnswer)
        assert len(answer.wait.conditions) == 1

    @pytest.mark.parametrize("name", ["repeat", "repeat_on_loop"])
    async def test_an_execution_is_answered_with_a_decision(self, hands: Hands, name: str) -> None:
        assert _output(await _ask(hands, _state(name, "x" * 100))) == _sealed("x" * 100)

    async def test_what_is_written_is_in_the_answer(self, hands: Hands) -> None:
        answer = await _ask(hands, _state("repeat", "word"))
        assert isinstance(answer, ExecuteAnswer)
        [written] = answer.writes.data
        assert (written.key, written.value) == ("note", _sealed("word"))

    async def test_an_rpc_is_answered_with_its_output_and_sees_attributes(self, hands: Hands) -> None:
        answer = await _ask(hands, _rpc("read", "kept"))
        assert isinstance(answer, RpcAnswer)
        assert answer.output == _sealed("kept")

    async def test_what_an_author_raises_is_a_failure_that_says_so(self, hands: Hands) -> None:
        answer = await _ask(hands, _state("refuse", "bread"))
        assert isinstance(answer, Failure)
        assert answer.error_type == "LookupError"
        assert "there is no bread" in answer.message
        assert not answer.timed_out

    async def test_what_the_worker_does_not_have_is_a_failure(self, hands: Hands) -> None:
        assert isinstance(await _ask(hands, _state("unknown", "x")), Failure)

    async def test_an_attempt_over_its_time_is_a_failure(self, hands: Hands) -> None:
        answer = await _ask(hands, _state("never_end", "x"), timeout_ms=200)
        assert isinstance(answer, Failure)
        assert answer.timed_out

    async def test_calls_at_once_are_each_reported_once_with_their_own_answer(self, hands: Hands) -> None:
        words = [f"word {number} " * 10 for number in range(AT_ONCE)]
        reports: list[list[Answer | Failure]] = [[] for _ in words]
        loop, arrived = asyncio.get_running_loop(), asyncio.Semaphore(0)

        for word, heard in zip(words, reports, strict=True):

            def report(result: Answer | Failure, heard: list[Answer | Failure] = heard) -> None:
                heard.append(result)
                loop.call_soon_threadsafe(arrived.release)

            hands.invoker.invoke(hands.sent(_state("repeat", word)), timeout_ms=TIMEOUT_MS, report=report)
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in words:
                await arrived.acquire()
        assert [[_output(_told(hands, result)) for result in heard] for heard in reports] == [
            [_sealed(word)] for word in words
        ]

    async def test_a_closed_invoker_raises_nothing_for_a_call(self, hands: Hands) -> None:
        hands.invoker.close()
        reported: list[Answer | Failure] = []
        hands.invoker.invoke(hands.sent(_state("repeat", "x")), timeout_ms=TIMEOUT_MS, report=reported.append)
        assert all(isinstance(result, Failure) for result in reported)


async def _ask(hands: Hands, request: Request, *, timeout_ms: int = TIMEOUT_MS) -> Answer | Failure:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Answer | Failure] = loop.create_future()

    def report(result: Answer | Failure) -> None:
        loop.call_soon_threadsafe(ended.set_result, result)

    hands.invoker.invoke(hands.sent(request), timeout_ms=timeout_ms, report=report)
    async with asyncio.timeout(PATIENCE_SECONDS):
        return _told(hands, await ended)


def _told(hands: Hands, result: Answer | Failure) -> Answer | Failure:
    return result if isinstance(result, Failure) else hands.told(result)


def _output(answer: Answer | Failure) -> EncodedValue | None:
    assert isinstance(answer, ExecuteAnswer), answer
    [closing] = answer.decision.next
    assert isinstance(closing, Closing)
    return closing.output


def _sealed(text: str) -> EncodedValue:
    return EncodedValue(f'"{text}"', "json")


_RUN = RunContext(WorkflowId("ada"), WorkflowType("Errands"), RunId("run-1"), RunId("run-1"), 1_000)


def _state(name: str, word: str, *, method: StateMethod = StateMethod.EXECUTE) -> StateRequest:
    call = StateCall(method, StateExecutionId(f"{name}-1"), StateId(name), _sealed(word), LoadedAttributes())
    return StateRequest(_RUN, call, attempt=1, first_attempt_ms=1_000)


def _rpc(name: str, note: str) -> RpcRequest:
    return RpcRequest(_RUN, name, None, LoadedAttributes(data=(DataAttribute("note", _sealed(note)),)))
