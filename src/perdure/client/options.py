"""How a run starts, in a caller's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Literal, TypedDict

from perdure.authoring.attribute import AnyAttribute
from perdure.authoring.decision import AnyState
from perdure.authoring.definition import StateDefinition, WorkflowDefinition
from perdure.authoring.duration import Duration, milliseconds
from perdure.authoring.retry import Retry
from perdure.model.errors import InvalidRequest
from perdure.model.ids import StateId
from perdure.model.options import IdReusePolicy, StartOptions, WorkflowConfig

IdReuse = IdReusePolicy | Literal["allow_if_no_running", "allow_if_previous_failed", "disallow", "terminate_if_running"]


class StartArguments(TypedDict, total=False):
    """What ``start`` takes beside the workflow, its id and its input. All of it may be left out."""

    timeout: Duration
    """The run, with all its retries, ends after this long; without: never."""
    delay: Duration
    """The first state runs this much later; the run exists at once."""
    id_reuse: IdReuse
    """Whether an id that was used before may be used again: if its last run has ended, unless said otherwise."""
    retry: Retry
    """Start the workflow again when a run of it failed."""
    cron: str
    """Run again and again, by five fields in UTC, until stopped."""
    request_id: str
    ignore_already_started: bool
    """Answer with the run that has the id, if it was started with the same ``request_id``."""
    config: WorkflowConfig
    attributes: Mapping[AnyAttribute, object]
    """Values the run begins with, by the class's own declarations: ``{Signup.status: "new"}``."""
    wait_for_states: Iterable[AnyState | str]
    """States whose completion somebody will wait for."""
    worker_url: str
    """Where the worker serves; empty: in the engine's process."""


DEFAULT = StartOptions()


def start_options(definition: WorkflowDefinition | None, arguments: StartArguments) -> StartOptions:
    """Return the model's words for it.

    Args:
        definition: the class that is started; ``None`` when only its name is known.

    Raises:
        InvalidRequest: an argument cannot be followed; nothing was sent.
        TypeError: there is no such argument.
    """
    if not arguments:
        return DEFAULT
    _check_names(arguments)
    try:
        retry = arguments.get("retry")
        return StartOptions(
            id_reuse=_id_reuse(arguments.get("id_reuse", IdReusePolicy.ALLOW_IF_NO_RUNNING)),
            timeout_ms=milliseconds(arguments.get("timeout", 0)),
            delay_ms=milliseconds(arguments.get("delay", 0)),
            retry=None if retry is None else retry.policy(),
            cron=arguments.get("cron"),
            ignore_already_started=arguments.get("ignore_already_started", False),
            request_id=arguments.get("request_id"),
            wait_for_states=frozenset(state_id(definition, state) for state in arguments.get("wait_for_states", ())),
            config=arguments.get("config", WorkflowConfig()),
        )
    except (TypeError, ValueError) as error:
        raise InvalidRequest(str(error)) from error


def _check_names(arguments: Iterable[str]) -> None:
    """Refuse what ``start`` does not take: a type checker does, and not everybody has one."""
    for name in arguments:
        if name not in StartArguments.__annotations__:
            near = get_close_matches(name, StartArguments.__annotations__, n=1)
            meant = f", perhaps {near[0]}" if near else ""
            raise TypeError(
                f"start() found the argument {name!r}, expected one of its own{meant}: "
                f"{', '.join(StartArguments.__annotations__)}"
            )


def state_id(definition: WorkflowDefinition | None, state: AnyState | str) -> StateId:
    """Return the name of a state in the store, from ``Signup.verify`` or the name itself.

    Raises:
        ValueError: the class has no such state.
    """
    if isinstance(state, str):
        return StateId(state)
    found = _state_of(definition, state)
    return StateId(state.member) if found is None else found.name


def _state_of(definition: WorkflowDefinition | None, state: AnyState) -> StateDefinition | None:
    if definition is None:
        return None
    found = definition.states.get(state.member)
    if found is None:
        names = ", ".join(definition.states) or "none"
        raise ValueError(f"{state.member!r} is no state of {definition.workflow_type}; it has: {names}")
    return found


def _id_reuse(given: IdReuse) -> IdReusePolicy:
    if isinstance(given, IdReusePolicy):
        return given
    try:
        return IdReusePolicy[given.upper()]
    except KeyError:
        names = ", ".join(repr(policy.name.lower()) for policy in IdReusePolicy)
        raise ValueError(f"id_reuse is {given!r}, expected one of {names}") from None
