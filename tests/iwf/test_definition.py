from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from perdure.iwf.command_results import CommandResults
from perdure.iwf.communication import Communication
from perdure.iwf.communication_schema import CommunicationMethod, CommunicationSchema
from perdure.iwf.definition import Definition
from perdure.iwf.errors import InvalidArgumentError, WorkflowDefinitionError
from perdure.iwf.iwf_api.models import RetryPolicy, SearchAttributeValueType
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.persistence import Persistence
from perdure.iwf.persistence_schema import PersistenceField, PersistenceFieldType, PersistenceSchema
from perdure.iwf.state_decision import StateDecision
from perdure.iwf.state_movement import StateMovement
from perdure.iwf.state_schema import StateDef, StateSchema
from perdure.iwf.workflow import ObjectWorkflow
from perdure.iwf.workflow_context import WorkflowContext
from perdure.iwf.workflow_state import WorkflowState
from perdure.iwf.workflow_state_options import WorkflowStateOptions
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.ids import StateId
from perdure.model.options import StateOptions
from perdure.model.value import EncodedValue
from tests.iwf.everything import Choose, Everything, Gather, Idle, Rest, Risky

ENCODER = ObjectEncoder.default


@dataclass
class Made(ObjectWorkflow):
    """A workflow as a test wants it."""

    states: StateSchema
    fields: tuple[PersistenceField, ...] = ()
    channels: tuple[CommunicationMethod, ...] = ()

    def get_workflow_states(self) -> StateSchema:
        return self.states

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(*self.fields)

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema.create(*self.channels)


def test_states_are_found_by_class_and_by_id_whatever_their_id() -> None:
    definition = Definition(Everything())

    assert definition.state(Choose) is definition.state("choose")
    assert definition.starting is definition.state("Begin")
    assert definition.has(Rest)
    assert not definition.has(Ping)
    with pytest.raises(InvalidArgumentError, match="found state 'Choose', expected one of workflow Everything"):
        definition.state("Choose")


def test_a_state_with_an_id_of_its_own_is_reached_by_its_class() -> None:
    decided = Definition(Everything()).decision(StateDecision.single_next_state(Choose), ENCODER)

    (step,) = decided.next
    assert isinstance(step, Movement)
    assert step.state_id == "choose"
    assert step.options.execute.timeout_ms == 20_000


def test_decisions_in_the_models_words() -> None:
    definition = Definition(Everything())
    override = WorkflowStateOptions(execute_api_timeout_seconds=1)

    decided = definition.decision(
        StateDecision.multi_next_states(Gather, StateMovement.create(Rest, "in", override, "key")), ENCODER
    )

    gather, rest = decided.next
    assert isinstance(gather, Movement)
    assert isinstance(rest, Movement)
    assert gather == Movement(StateId("Gather"), options=StateOptions())
    assert (rest.input, rest.wait_for_key) == (EncodedValue('"in"', "json/plain"), "key")
    assert (rest.options.skip_wait_until, rest.options.execute.timeout_ms) == (True, 1_000)
    assert definition.decision(StateDecision.dead_end, ENCODER) == Decision((Closing(ClosingKind.DEAD_END),))
    conditional = StateDecision.force_complete_if_signal_channel_empty_or_else("go", 1, Rest)
    assert definition.decision(conditional, ENCODER).close_if_empty == CloseIfEmpty(
        EmptyCheck.SIGNAL_CHANNEL, "go", EncodedValue("1", "json/plain")
    )


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (None, "execute returned None, expected a StateDecision"),
        (StateDecision([]), "empty state decision"),
        (StateDecision.force_complete_if_internal_channel_empty_or_else("c"), "found state ''"),
        (StateDecision.single_next_state("Other"), "found state 'Other'"),
    ],
)
def test_decisions_that_nobody_can_follow_are_told(decision: Any, told: str) -> None:
    with pytest.raises((WorkflowDefinitionError, InvalidArgumentError), match=told):
        Definition(Everything()).decision(decision, ENCODER)


def test_the_state_that_recovers_comes_with_its_own_options() -> None:
    definition = Definition(Risky())

    options = definition.options_of(definition.state("Risk"))

    assert (options.recover_state_id, options.recover_options) == ("Recover", StateOptions(skip_wait_until=True))


class Executes(WorkflowState[None]):
    def execute(
        self,
        ctx: WorkflowContext,
        input: None,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        return StateDecision.dead_end


class Ping(Executes):
    def get_state_options(self) -> WorkflowStateOptions:
        return WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(maximum_attempts=1),
            proceed_to_state_when_execute_retry_exhausted=Pong,
        )


class Pong(Executes):
    def get_state_options(self) -> WorkflowStateOptions:
        return WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(maximum_attempts=1),
            proceed_to_state_when_execute_retry_exhausted=Ping,
        )


def test_states_that_recover_each_other_have_options_with_an_end() -> None:
    definition = Definition(Made(StateSchema.with_starting_state(Ping(), Pong())))

    options = definition.options_of(definition.state(Ping))

    assert options.recover_options is not None
    assert options.recover_options.recover_options is not None
    assert options.recover_options.recover_options.recover_state_id is None
    assert options.recover_options.recover_options.skip_wait_until


def test_a_workflow_without_states_has_none() -> None:
    definition = Definition(Idle())

    assert (definition.states, definition.starting, list(definition.rpcs)) == ({}, None, ["keep"])


TWICE = PersistenceField.search_attribute_def("s", SearchAttributeValueType.INT)


@pytest.mark.parametrize(
    ("workflow", "told"),
    [
        (Made(StateSchema.with_starting_state(Rest(), Rest())), "two states 'Rest'"),
        (
            Made(StateSchema([StateDef.starting_state(Rest()), StateDef.starting_state(Gather())])),
            "starts with 'Rest' and with 'Gather'",
        ),
        (Made(StateSchema(), (TWICE, TWICE)), "'s' is declared twice"),
        (
            Made(StateSchema(), (PersistenceField("s", PersistenceFieldType.SearchAttribute, None),)),
            "'s' of Made has no type",
        ),
        (Made(StateSchema(), channels=(CommunicationMethod.internal_channel_def("c", None),) * 2), "'c' is declared"),
    ],
)
def test_what_contradicts_itself_is_refused(workflow: ObjectWorkflow, told: str) -> None:
    with pytest.raises(WorkflowDefinitionError, match=told):
        Definition(workflow)


def test_a_recovery_that_is_not_a_state_of_the_workflow_is_refused_at_once() -> None:
    with pytest.raises(InvalidArgumentError, match="found state 'Pong'"):
        Definition(Made(StateSchema.with_starting_state(Ping())))
