"""From an author's decision to the model's words for it."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from perdure.authoring.decision import AnyState, Decision, Ending, EndingIfEmpty, Going
from perdure.authoring.definition import StateDefinition, WorkflowDefinition
from perdure.authoring.options import overridden
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Movement
from perdure.model.decisions import Decision as ModelDecision
from perdure.model.options import StateOptions
from perdure.model.value import EncodedValue


def decided(definition: WorkflowDefinition, decision: object, *, where: str) -> ModelDecision:
    """Return the model's words for what a handler returned.

    Raises:
        TypeError: it is no decision.
        ValueError: nobody can follow it, or a value in it does not fit its type.
    """
    if not isinstance(decision, Decision):
        raise TypeError(
            f"{where} returned {decision!r}, expected a Decision: go_to(…), complete(…), fail(…) or dead_end()"
        )
    if len(decision.steps) == 1 and decision.if_empty is None:
        return ModelDecision((_step(definition, decision.steps[0]),))
    steps = tuple(_step(definition, step) for step in decision.steps)
    if not steps:
        raise ValueError(f"{where} returned together() of nothing; to start nothing and stay open, return dead_end()")
    if len(steps) > 1 and any(isinstance(step, Closing) for step in steps):
        raise ValueError(f"{where} returned an end beside other steps; an end stands alone")
    return ModelDecision(steps, _if_empty(definition, decision.if_empty))


def movements(definition: WorkflowDefinition, decision: Decision, *, where: str) -> tuple[Movement, ...]:
    """Return the states an RPC starts.

    Raises:
        ValueError: the decision ends something, which an RPC cannot.
    """
    if decision.if_empty is not None or not all(isinstance(step, Going) for step in decision.steps):
        raise ValueError(
            f"{where} starts states with a decision that ends the run; an RPC can only start states: run.start(go_to(…))"
        )
    return tuple(movement(definition, step) for step in decision.steps if isinstance(step, Going))


def movement(definition: WorkflowDefinition, going: Going) -> Movement:
    state = state_of(definition, going.state)
    return Movement(
        state.name, encode_state_input(definition, state, going.input), _options(definition, state, going), going.key
    )


def encode_state_input(definition: WorkflowDefinition, state: StateDefinition, value: object) -> EncodedValue | None:
    """Seal the input of a state.

    Raises:
        ConversionError: it is not what the state takes.
    """
    if value is None and state.takes_nothing:
        return None
    return definition.converter.encode(
        value, state.input_type, name=f"input of {definition.workflow_type}.{state.member}"
    )


def state_of(definition: WorkflowDefinition, state: AnyState | str) -> StateDefinition:
    """Return the definition of a state: by what it is called in the class, so that a subclass's own is found."""
    member = state if isinstance(state, str) else state.member
    found = definition.states.get(member)
    if found is None:
        raise ValueError(
            f"{member!r} is no state of {definition.workflow_type}; it has: {', '.join(definition.states) or 'none'}"
        )
    return found


def _step(definition: WorkflowDefinition, step: Going | Ending) -> Movement | Closing:
    match step:
        case Going():
            return movement(definition, step)
        case Ending(kind=ClosingKind.FORCE_FAIL):
            return Closing(step.kind, definition.converter.encode(step.output, name="output of fail"))
        case Ending():
            return Closing(step.kind, _output(definition, step.output))
        case _:
            assert_never(step)


def _output(definition: WorkflowDefinition, output: object) -> EncodedValue | None:
    if output is None:
        return None  # one thread of several may leave nothing
    return definition.converter.encode(output, definition.output_type, name=f"output of {definition.workflow_type}")


def _if_empty(definition: WorkflowDefinition, ending: EndingIfEmpty | None) -> CloseIfEmpty | None:
    if ending is None:
        return None
    return CloseIfEmpty(
        ending.check, "" if ending.inbox is None else ending.inbox.channel, _output(definition, ending.output)
    )


def _options(definition: WorkflowDefinition, state: StateDefinition, going: Going) -> StateOptions:
    overrides = going.overrides
    if overrides.empty:
        return state.options
    options = overridden(state.options, overrides)
    if overrides.recover is None:
        return options
    recovery = state_of(definition, overrides.recover)
    return replace(options, recover_state_id=recovery.name, recover_options=recovery.options)
