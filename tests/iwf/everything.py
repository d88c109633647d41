"""Workflows that use, between them, every name an author of iWF's Python SDK has."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from perdure.iwf.command_request import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from perdure.iwf.command_results import CommandResults
from perdure.iwf.communication import Communication
from perdure.iwf.communication_schema import CommunicationMethod, CommunicationSchema
from perdure.iwf.iwf_api.models import (
    PersistenceLoadingPolicy,
    PersistenceLoadingType,
    RetryPolicy,
    SearchAttributeValueType,
    WaitUntilApiFailurePolicy,
)
from perdure.iwf.persistence import Persistence
from perdure.iwf.persistence_options import PersistenceOptions
from perdure.iwf.persistence_schema import PersistenceField, PersistenceSchema
from perdure.iwf.rpc import rpc
from perdure.iwf.state_decision import StateDecision
from perdure.iwf.state_movement import StateMovement
from perdure.iwf.state_schema import StateSchema
from perdure.iwf.workflow import ObjectWorkflow
from perdure.iwf.workflow_context import WorkflowContext
from perdure.iwf.workflow_state import T, WorkflowState
from perdure.iwf.workflow_state_options import WorkflowStateOptions

SEARCH = {
    "CustomKeywordField": SearchAttributeValueType.KEYWORD,
    "CustomTextField": SearchAttributeValueType.TEXT,
    "CustomDatetimeField": SearchAttributeValueType.DATETIME,
    "CustomIntField": SearchAttributeValueType.INT,
    "CustomDoubleField": SearchAttributeValueType.DOUBLE,
    "CustomBoolField": SearchAttributeValueType.BOOL,
    "CustomKeywordArrayField": SearchAttributeValueType.KEYWORD_ARRAY,
}


@dataclass
class Order:
    item: str
    count: int


def found(results: CommandResults) -> dict[str, Any]:
    """Tell what a wait found, as plain JSON."""
    return {
        "timers": [(timer.command_id, timer.status) for timer in results.timer_commands],
        "internal": [
            (channel.channel_name, channel.command_id, channel.status, channel.value)
            for channel in results.internal_channel_commands
        ],
        "signals": [
            (signal.channel_name, signal.command_id, signal.status, signal.value)
            for signal in results.signal_channel_commands
        ],
        "waited": results.wait_until_api_succeeded,
    }


class Begin(WorkflowState[Order]):
    """Writes one of everything, and leaves something for its own execute."""

    def wait_until(
        self, ctx: WorkflowContext, input: Order, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        persistence.set_state_execution_local("left", input.item)
        persistence.record_event("begun", input.item)
        persistence.record_event("counts", input.count, input.count + 1)
        return CommandRequest.empty()

    def execute(
        self,
        ctx: WorkflowContext,
        input: Order,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        persistence.set_data_attribute("order", input)
        persistence.set_data_attribute("counts", [input.count])
        persistence.set_data_attribute("price", input.count)
        persistence.set_data_attribute("note-left", persistence.get_state_execution_local("left"))
        persistence.set_data_attribute("gone", "soon")
        persistence.set_data_attribute("gone", None)
        assert persistence.get_data_attribute("order") == input, "a handler sees its own writes"
        assert persistence.get_data_attribute("gone") is None
        persistence.set_search_attribute_keyword("CustomKeywordField", input.item)
        persistence.set_search_attribute_text("CustomTextField", "some words")
        persistence.set_search_attribute_datetime("CustomDatetimeField", "2030-01-01T01:00:00+01:00")
        persistence.set_search_attribute_int64("CustomIntField", input.count)
        persistence.set_search_attribute_double("CustomDoubleField", 0.5)
        persistence.set_search_attribute_boolean("CustomBoolField", True)
        persistence.set_search_attribute_keyword_array("CustomKeywordArrayField", ["a", "b"])
        communication.publish_to_internal_channel("parts", Order("part", 1))
        return StateDecision.multi_next_states(Gather, StateMovement.create(Rest, state_input="rest"))


class Gather(WorkflowState[None]):
    """Waits for all of a timer and two channels."""

    def wait_until(
        self, ctx: WorkflowContext, input: None, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        return CommandRequest.for_all_command_completed(
            TimerCommand.by_seconds(60, command_id="minute"),
            SignalChannelCommand.by_name("go", command_id="go"),
            InternalChannelCommand.by_name("parts"),
        )

    def execute(
        self,
        ctx: WorkflowContext,
        input: None,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        persistence.set_data_attribute("found", found(command_results))
        part = command_results.internal_channel_commands[0].value
        assert part == Order("part", 1), "a message comes back as its type"
        read = (
            persistence.get_search_attribute_keyword("CustomKeywordField"),
            persistence.get_search_attribute_text("CustomTextField"),
            persistence.get_search_attribute_datetime("CustomDatetimeField"),
            persistence.get_search_attribute_int64("CustomIntField"),
            persistence.get_search_attribute_double("CustomDoubleField"),
            persistence.get_search_attribute_boolean("CustomBoolField"),
            persistence.get_search_attribute_keyword_array("CustomKeywordArrayField"),
        )
        persistence.set_data_attribute("read", [str(value) for value in read])
        return StateDecision.single_next_state(Choose, wait_for_key="chosen")


class Rest(WorkflowState[str]):
    def execute(
        self,
        ctx: WorkflowContext,
        input: T,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        assert command_results == CommandResults([], [], [], None)
        communication.trigger_state_execution(Rest)  # does nothing in a state
        return StateDecision.dead_end


class Choose(WorkflowState[None]):
    """Waits for one of two combinations, under an id of its own."""

    def get_state_options(self) -> WorkflowStateOptions:
        return WorkflowStateOptions(state_id="choose", execute_api_timeout_seconds=20)

    def wait_until(
        self, ctx: WorkflowContext, input: None, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        return CommandRequest.for_any_command_combination_completed(
            [["yes", "late"], ["no"]],
            SignalChannelCommand.by_name("go", "yes"),
            InternalChannelCommand.by_name("answers-no", "no"),
            TimerCommand.timer_command_by_duration(timedelta(hours=1), "late"),
        )

    def execute(
        self,
        ctx: WorkflowContext,
        input: None,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        persistence.set_data_attribute("found", found(command_results))
        return StateDecision.force_complete_if_signal_channel_empty_or_else("go", "all read", Rest)


class Everything(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(Begin(), Gather(), Rest(), Choose())

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("order", Order),
            PersistenceField.data_attribute_def("counts", list[int]),
            PersistenceField.data_attribute_def("price", float),
            PersistenceField.data_attribute_def("gone", str | None),
            PersistenceField.data_attribute_def("found", dict[str, Any]),
            PersistenceField.data_attribute_def("read", list[str]),
            PersistenceField.data_attribute_prefix_def("note-", str),
            *(PersistenceField.search_attribute_def(key, kind) for key, kind in SEARCH.items()),
        )

    def get_persistence_options(self) -> PersistenceOptions:
        return PersistenceOptions(enable_caching=True)

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("go", int),
            CommunicationMethod.internal_channel_def("parts", Order),
            CommunicationMethod.internal_channel_def_by_prefix("answers-", None),
        )

    @rpc(
        timeout_seconds=5,
        data_attribute_loading_policy=PersistenceLoadingPolicy(
            PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK, ["order"], ["note-"], use_key_as_prefix=True
        ),
        bypass_caching_for_strong_consistency=True,
    )
    def answer(
        self, communication: Communication, text: str, persistence: Persistence, context: WorkflowContext
    ) -> tuple[str, int, int]:
        persistence.set_data_attribute("note-rpc", text)
        communication.publish_to_internal_channel("answers-no")
        return (
            context.workflow_id,
            communication.get_internal_channel_size("answers-no"),
            communication.get_signal_channel_size("go"),
        )

    @rpc()
    def start_rest(self, communication: Communication) -> None:
        communication.trigger_state_execution(Rest, "from outside")

    @rpc
    def plain(self) -> str:
        return "nothing asked"

    @rpc()
    def price(self, persistence: Persistence, *, extra: float) -> float:
        return float(persistence.get_data_attribute("price")) + extra

    @rpc()
    def describe(self, persistence: Persistence) -> Order:
        order: Order = persistence.get_data_attribute("order")
        return order

    @rpc()
    def refuse(self, reason: str) -> None:
        raise ValueError(reason)


class Risk(WorkflowState[str]):
    """Fails as often as it may, then is recovered; its wait fails too, and it goes on all the same."""

    def get_state_options(self) -> WorkflowStateOptions:
        return WorkflowStateOptions(
            wait_until_api_retry_policy=RetryPolicy(maximum_attempts=2),
            proceed_to_execute_when_wait_until_retry_exhausted=WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE,
            execute_api_retry_policy=RetryPolicy(initial_interval_seconds=1, maximum_attempts=2),
            proceed_to_state_when_execute_retry_exhausted=Recover,
        )

    def wait_until(
        self, ctx: WorkflowContext, input: str, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        raise ValueError("no wait today")

    def execute(
        self,
        ctx: WorkflowContext,
        input: str,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        assert command_results.wait_until_api_succeeded is False
        raise ValueError(f"attempt {ctx.attempt} of {ctx.state_execution_id}")


class Recover(WorkflowState[str]):
    def execute(
        self,
        ctx: WorkflowContext,
        input: str,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        return StateDecision.force_complete_workflow(f"recovered {input}")


class Risky(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(Risk(), Recover())


class Idle(ObjectWorkflow):
    """Has no state at all: a store with a front desk."""

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(PersistenceField.data_attribute_def("kept", str))

    @rpc()
    def keep(self, value: str, persistence: Persistence) -> None:
        persistence.set_data_attribute("kept", value)


class Drain(WorkflowState[str]):
    """Ends as it is told to: ``complete``, ``force``, ``fail``, ``dead``, ``drain``."""

    def execute(
        self,
        ctx: WorkflowContext,
        input: str,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        return {
            "complete": StateDecision.graceful_complete_workflow("completed"),
            "nothing": StateDecision.graceful_complete_workflow(),
            "force": StateDecision.force_complete_workflow("forced"),
            "fail": StateDecision.force_fail_workflow("failed"),
            "dead": StateDecision.dead_end,
            "drain": StateDecision.force_complete_if_internal_channel_empty_or_else(
                "queue", "drained", Drain, "complete"
            ),
            "two": StateDecision.multi_next_states(
                StateMovement.create(Drain, "complete"), StateMovement.create("Drain", "complete")
            ),
        }[input]


class Endings(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(Drain())

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("queue", str))


class Waiting(WorkflowState[None]):
    def wait_until(
        self, ctx: WorkflowContext, input: None, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        return CommandRequest.for_any_command_completed(
            TimerCommand.by_seconds(3600, "hour"), TimerCommand.by_seconds(7200)
        )

    def execute(
        self,
        ctx: WorkflowContext,
        input: None,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        return StateDecision.graceful_complete_workflow([timer.status for timer in command_results.timer_commands])


class Patient(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.no_starting_state(Waiting())

    @rpc()
    def wait(self, communication: Communication) -> None:
        communication.trigger_state_execution(Waiting)


class Locking(ObjectWorkflow):
    """Holds a lock until the test lets it go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.gate = threading.Event()

    @rpc(
        data_attribute_loading_policy=PersistenceLoadingPolicy(
            PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=["kept"]
        )
    )
    def hold(self, persistence: Persistence) -> None:
        self.entered.set()
        assert self.gate.wait(60)
