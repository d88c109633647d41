from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

import pytest

from perdure.iwf.command_request import CommandRequest, TimerCommand
from perdure.iwf.command_results import CommandResults
from perdure.iwf.communication import Communication
from perdure.iwf.definition import Definition
from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.persistence import Persistence
from perdure.iwf.rpc import rpc
from perdure.iwf.runner import ObjectRunnable
from perdure.iwf.state_decision import StateDecision
from perdure.iwf.state_schema import StateSchema
from perdure.iwf.workflow import ObjectWorkflow
from perdure.iwf.workflow_context import WorkflowContext
from perdure.iwf.workflow_state import WorkflowState
from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    LoadedAttributes,
    RpcAnswer,
    RpcRequest,
    RunContext,
    StateCall,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
)
from perdure.model.conditions import Wait
from perdure.model.decisions import Closing, ClosingKind, Movement
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.value import EncodedValue
from perdure.worker.runner import NotRegistered
from tests.iwf.everything import Everything

RUN = RunContext(WorkflowId("w"), WorkflowType("T"), RunId("r"), RunId("r"), 0)
ORDER = EncodedValue('{"count":3,"item":"book"}', "json/plain")


def state_request(name: str, method: StateMethod, input: EncodedValue | None = None) -> StateRequest:
    call = StateCall(method, StateExecutionId(f"{name}-1"), StateId(name), input, LoadedAttributes())
    return StateRequest(RUN, call, 1, 0)


def rpc_request(name: str, input: EncodedValue | None = None) -> RpcRequest:
    return RpcRequest(RUN, name, input, LoadedAttributes())


def answer_of(workflow: ObjectWorkflow, request: StateRequest | RpcRequest) -> Answer:
    runnable = ObjectRunnable(Definition(workflow), ObjectEncoder.default)
    task = runnable.task_of(request)
    result = task.call()
    if task.is_async:

        async def awaited() -> object:
            return await cast("Awaitable[object]", result)

        result = asyncio.run(awaited())
    return task.answer(result)


def test_a_wait_leaves_locals_and_events() -> None:
    answer = answer_of(Everything(), state_request("Begin", StateMethod.WAIT_UNTIL, ORDER))

    assert isinstance(answer, WaitUntilAnswer)
    assert [local.key for local in answer.locals] == ["left"]
    assert [event.name for event in answer.writes.events] == ["begun", "counts"]


def test_a_wait_that_was_taken_away_is_met_at_once() -> None:
    assert answer_of(Everything(), state_request("Rest", StateMethod.WAIT_UNTIL)) == WaitUntilAnswer(Wait())


def test_an_execute_writes_in_one_step_and_decides() -> None:
    answer = answer_of(Everything(), state_request("Begin", StateMethod.EXECUTE, ORDER))

    assert isinstance(answer, ExecuteAnswer)
    assert [step.state_id for step in answer.decision.next if isinstance(step, Movement)] == ["Gather", "Rest"]
    assert len(answer.writes.search) == 7
    assert [message.channel for message in answer.writes.messages] == ["parts"]


def test_an_rpc_answers_and_starts_states() -> None:
    answer = answer_of(Everything(), rpc_request("start_rest"))

    assert isinstance(answer, RpcAnswer)
    assert answer.output is None
    assert [movement.state_id for movement in answer.movements] == ["Rest"]


@pytest.mark.parametrize(
    "request_", [state_request("Other", StateMethod.EXECUTE), rpc_request("other")], ids=["state", "rpc"]
)
def test_what_the_workflow_does_not_have_is_told(request_: StateRequest | RpcRequest) -> None:
    runnable = ObjectRunnable(Definition(Everything()), ObjectEncoder.default)

    for ask in (runnable.task_of, runnable.is_async):
        with pytest.raises(NotRegistered, match=r"is no .* of workflow type 'Everything'; it has: "):
            ask(request_)


class Odd(WorkflowState[str]):
    """Waits for what its input says."""

    def wait_until(
        self, ctx: WorkflowContext, input: str, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        if input == "nothing":
            return cast("CommandRequest", None)
        return CommandRequest.for_any_command_combination_completed([["other"]], TimerCommand.by_seconds(1, "t"))

    async def execute(  # type: ignore[override]  # a coroutine is as good where the worker awaits it
        self,
        ctx: WorkflowContext,
        input: str,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        await asyncio.sleep(0)
        return StateDecision.graceful_complete_workflow(input)


class OddOnes(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(Odd())


@pytest.mark.parametrize(
    ("word", "told"),
    [("nothing", "returned None, expected a CommandRequest"), ("combination", "ANY_COMMAND_COMBINATION_COMPLETED")],
)
def test_a_wait_that_nobody_can_wait_for_fails_the_attempt(word: str, told: str) -> None:
    with pytest.raises(WorkflowDefinitionError, match=told):
        answer_of(OddOnes(), state_request("Odd", StateMethod.WAIT_UNTIL, EncodedValue(f'"{word}"', "json")))


def test_handlers_may_be_coroutines() -> None:
    request = state_request("Odd", StateMethod.EXECUTE, EncodedValue('"x"', "json"))

    answer = answer_of(OddOnes(), request)

    assert isinstance(answer, ExecuteAnswer)
    assert answer.decision.next == (Closing(ClosingKind.GRACEFUL_COMPLETE, EncodedValue('"x"', "json/plain")),)


class Shared(ObjectWorkflow):
    @rpc()
    def who(self) -> str:
        return type(self).__name__


class One(Shared):
    pass


class Two(Shared):
    pass


def test_classes_that_share_an_rpc_answer_for_themselves() -> None:
    definitions = [Definition(One()), Definition(Two())]
    outputs: list[Any] = []
    for definition in definitions:
        task = ObjectRunnable(definition, ObjectEncoder.default).task_of(rpc_request("who"))
        answer = task.answer(task.call())
        assert isinstance(answer, RpcAnswer)
        outputs.append(ObjectEncoder.default.decode(answer.output))

    assert outputs == ["One", "Two"]


def test_an_input_that_does_not_fit_is_told() -> None:
    with pytest.raises(TypeError, match="expected Order"):
        answer_of(Everything(), state_request("Begin", StateMethod.EXECUTE, EncodedValue("5", "json")))
