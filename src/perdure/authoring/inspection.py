"""Reads a workflow class and finds everything that is wrong with it, all at once."""

from __future__ import annotations

import inspect
import typing
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Never

from perdure.authoring.annotation import assignable, indexable, parts, told_apart, written
from perdure.authoring.attribute import AnyAttribute, Attribute
from perdure.authoring.attribute_map import SEPARATOR, AttributeMap
from perdure.authoring.channel import AnyInbox
from perdure.authoring.codec.codec import Unsupported
from perdure.authoring.codec.compiler import is_immutable
from perdure.authoring.codec.generics import hints_of, substituted, type_arguments
from perdure.authoring.converter import ANYTHING, ConversionError
from perdure.authoring.decision import AnyState, Decision
from perdure.authoring.definition import (
    ABSENT,
    AttributeDefinition,
    ChannelDefinition,
    Method,
    Parameter,
    Role,
    RpcDefinition,
    StateDefinition,
    WorkflowDefinition,
)
from perdure.authoring.index import HOLDS, INDEX_BY_NAME
from perdure.authoring.met import Met
from perdure.authoring.options import positive_ms, state_options
from perdure.authoring.rpc import AnyRpc
from perdure.authoring.state import State
from perdure.authoring.waiting import Take, Takeable, Timer, Wait, modelled
from perdure.authoring.workflow import Input_contra, Output_co, Workflow
from perdure.model.attributes import LOAD_ALL, LOAD_NONE, Loading, LoadingPolicy, SearchAttributeType
from perdure.model.conditions import Wait as ModelWait
from perdure.model.errors import DefinitionError
from perdure.model.ids import StateId, WorkflowType
from perdure.model.options import StateOptions

_DEFINITION = "_perdure_definition"

RESERVED_PREFIXES = ("_SYS_", "__")
"""iWF's reserved state ids begin with the first, its helpers with the second."""

_OWN_NAMES = frozenset(name for name in vars(Workflow) if not name.startswith("_"))

AnyWorkflow = Workflow[Never, object]
"""A workflow, whatever it takes and gives."""


def definition_of(workflow: type[AnyWorkflow]) -> WorkflowDefinition:
    """Read a workflow class, once.

    Raises:
        DefinitionError: the class cannot be used as it is written; the message lists every problem.
    """
    known: WorkflowDefinition | None = workflow.__dict__.get(_DEFINITION)
    if known is not None:
        return known
    definition, problems = inspected(workflow)
    if problems:
        raise DefinitionError(told(problems))
    setattr(workflow, _DEFINITION, definition)
    return definition


def inspected(workflow: type[AnyWorkflow]) -> tuple[WorkflowDefinition, list[str]]:
    """Read a class, and return what is wrong with it beside what could be read."""
    inspection = _Inspection(workflow)
    return inspection.definition(), inspection.problems


def told(problems: Sequence[str]) -> str:
    """Return one message for them all."""
    count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
    return "\n".join([f"{count} found:", *(f"- {problem}" for problem in problems)])


class _Inspection:
    """Reads one class. Each method notes what is wrong and goes on with the rest."""

    def __init__(self, workflow: type[AnyWorkflow]) -> None:
        self._workflow = workflow
        self._name = workflow.__name__
        self._converter = workflow.converter
        self.problems: list[str] = []
        self._known = type_arguments(workflow)
        self._local = self._local_names()
        self._hints = self._class_hints()
        self._members = self._all_members()
        self._attributes = self._read_attributes()
        self._channels = self._read_channels()
        self._states: dict[str, StateDefinition] = {}

    def definition(self) -> WorkflowDefinition:
        input_type, output_type = self._known.get(Input_contra, ANYTHING), self._known.get(Output_co, ANYTHING)
        self._check_type("Workflow", input_type, "input ")
        self._check_type("Workflow", output_type, "output ")
        self._states = self._with_recovery(self._read_states())
        rpcs = self._read_rpcs()
        start = self._start(input_type)
        self._check_names()
        self._check_twice("states", ((state.name, member) for member, state in self._states.items()))
        self._check_twice("RPCs", ((rpc.name, member) for member, rpc in rpcs.items()))
        return WorkflowDefinition(
            WorkflowType(self._workflow.workflow_name),
            self._workflow,
            input_type,
            output_type,
            start,
            self._states,
            rpcs,
            self._attributes,
            self._channels,
            self._converter,
            {state.name: state for state in self._states.values()},
            {rpc.name: rpc for rpc in rpcs.values()},
        )

    def _problem(self, member: str, text: str) -> None:
        self.problems.append(f"{self._name}.{member}: {text}")

    # The class

    def _local_names(self) -> dict[str, object] | None:
        names: dict[str, object] = {}
        for kind in reversed(self._workflow.__mro__):
            names.update(kind.__dict__.get("_perdure_locals") or {})
        return {**names, self._name: self._workflow} if names else None

    def _class_hints(self) -> dict[str, object] | None:
        try:
            return hints_of(self._workflow, local=self._local)
        except Unsupported as unsupported:
            self.problems.append(f"{self._name}: {unsupported}")
            return None

    def _all_members(self) -> dict[str, object]:
        members: dict[str, object] = {}
        for kind in reversed(self._workflow.__mro__):
            if issubclass(kind, Workflow) and kind is not Workflow:
                members.update(kind.__dict__)
        return members

    def _check_names(self) -> None:
        for member, value in self._members.items():
            if not isinstance(value, AnyAttribute | AnyInbox | AnyState | AnyRpc):
                continue
            if member in _OWN_NAMES:
                self._problem(member, f"hides Workflow.{member}; call it something else")
            name = (
                value.settings.name
                if isinstance(value, State | AnyRpc)
                else value.name
                if isinstance(value, AnyAttribute | AnyInbox)
                else None
            )
            stored = member if name is None else name
            if not stored:
                self._problem(member, 'name="" is empty; leave it out or give one')
            elif stored.startswith(RESERVED_PREFIXES):
                self._problem(
                    member,
                    f"the name {stored!r} is reserved, as is all that begins with {' or '.join(RESERVED_PREFIXES)}; choose another",
                )
            elif SEPARATOR in stored:
                self._problem(
                    member,
                    f"the name {stored!r} has a {SEPARATOR!r} in it, which parts maps from their keys; choose another",
                )
        for member, hint in (self._hints or {}).items():
            origin = typing.get_origin(hint) or hint
            if isinstance(origin, type) and issubclass(origin, AnyAttribute | AnyInbox) and member not in self._members:
                self._problem(
                    member, f"is annotated and has no value; write {member}: {written(hint)} = {origin.__name__}()"
                )

    def _check_twice(self, kind: str, names: Iterable[tuple[str, str]]) -> None:
        pairs = list(names)
        for name, count in Counter(name for name, _ in pairs).items():
            if count > 1:
                members = ", ".join(member for other, member in pairs if other == name)
                self.problems.append(
                    f"{self._name}: {count} {kind} are called {name!r}: {members}; give them names that differ"
                )

    def _check_type(self, member: str, declared: object, what: str = "") -> bool:
        problem = self._converter.problem(declared)
        if problem is not None:
            self._problem(member, f"{what}type {written(declared)}: {problem}")
        return problem is None

    # Attributes and channels

    def _declared(self, member: str, value: AnyAttribute | AnyInbox) -> object:
        """Return what an attribute or channel holds, by its annotation; note if there is none."""
        if self._hints is None:
            return ANYTHING
        kind = type(value).__name__
        hint = self._hints.get(member)
        arguments = typing.get_args(hint)
        origin = typing.get_origin(hint)
        if isinstance(origin, type) and issubclass(type(value), origin) and arguments:
            declared: object = arguments[0]
            self._check_type(member, declared)
            return declared
        if hint is None or origin is not None or hint is type(value):
            self._problem(member, f"has no annotation that says what it holds; write {member}: {kind}[…] = {kind}(…)")
        else:
            shown = written(hint)
            self._problem(member, f"is annotated {shown}; write {member}: {kind}[{shown}] = {kind}(…)")
        return ANYTHING

    def _read_attributes(self) -> dict[str, AttributeDefinition]:
        found: dict[str, AttributeDefinition] = {}
        for member, value in self._members.items():
            if isinstance(value, AnyAttribute):
                found[member] = self._attribute(member, value)
        self._check_twice("attributes", ((attribute.name, member) for member, attribute in found.items()))
        return found

    def _attribute(self, member: str, value: AnyAttribute) -> AttributeDefinition:
        declared = self._declared(member, value)
        definition = AttributeDefinition(
            value.name or member,
            member,
            declared,
            index=self._index(member, value, declared),
            is_map=isinstance(value, AttributeMap),
            immutable=self._is_immutable(declared),
        )
        if not isinstance(value, Attribute):
            return definition
        if value.default is not ABSENT and value.factory is not None:
            self._problem(member, "has a default and a factory; keep one")
        self._check_default(member, value.default, declared)
        return replace(definition, default=value.default, factory=value.factory)

    def _is_immutable(self, declared: object) -> bool:
        try:
            return is_immutable(declared)
        except Unsupported:  # another converter's type: whether it can change is not known
            return False

    def _check_default(self, member: str, default: object, declared: object) -> None:
        if default is ABSENT:
            return
        if not self._is_immutable(type(default)) and not isinstance(default, tuple | frozenset):
            self._problem(
                member,
                f"default {default!r} can change in place and would be shared; use factory={type(default).__name__}",
            )
        elif self._converter.problem(declared) is None:
            try:
                self._converter.encode(default, declared, name="default")
            except ConversionError as error:
                self._problem(member, str(error))

    def _index(self, member: str, value: AnyAttribute, declared: object) -> SearchAttributeType | None:
        if value.index is None:
            return None
        kind = INDEX_BY_NAME.get(str(value.index).lower())
        if kind is None:
            self._problem(member, f"index={value.index!r} is unknown; use one of {', '.join(INDEX_BY_NAME)}")
            return None
        unfit = [part for part in parts(declared) if not indexable(part, kind)]
        if unfit:
            self._problem(
                member,
                f"index={kind.value.lower()!r} holds {HOLDS[kind]}, and the attribute holds {written(declared)}",
            )
        if (value.name or member).startswith("Iwf"):
            self._problem(
                member, "names of search attributes that begin with 'Iwf' are the engine's own; choose another"
            )
        return kind

    def _read_channels(self) -> dict[str, ChannelDefinition]:
        found: dict[str, ChannelDefinition] = {}
        for member, value in self._members.items():
            if isinstance(value, AnyInbox):
                declared = self._declared(member, value)
                found[member] = ChannelDefinition(value.name or member, member, declared, value.kind, value.is_map)
        self._check_twice("channels", ((f"{channel.name}", member) for member, channel in found.items()))
        return found

    # Methods

    def _method(
        self, member: str, function: Callable[..., object], *, takes_met: bool, where: str = ""
    ) -> tuple[Method, object]:
        """Return a function with what it takes, and its return annotation."""
        if not inspect.isfunction(function):
            self._problem(member, f"{where}is {function!r}, expected a method: def …(self, …)")
            return Method(_nothing), ABSENT
        hints = self._method_hints(member, function, where)
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters:
            self._problem(member, f"{where}takes nothing, expected self at least")
        taken = tuple(
            made
            for parameter in parameters[1:]
            if (made := self._parameter(member, parameter, hints, takes_met=takes_met, where=where)) is not None
        )
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            self._problem(member, f"{where}has a yield in it, expected a method that returns")
        is_async = inspect.iscoroutinefunction(function)
        returns = ANYTHING if hints is None else hints.get("return", ABSENT)
        return Method(function, taken, is_async), returns

    def _method_hints(self, member: str, function: Callable[..., object], where: str) -> Mapping[str, object] | None:
        try:
            hints: dict[str, object] = typing.get_type_hints(function, localns=self._local)
        except (NameError, TypeError, AttributeError, SyntaxError) as error:
            self._problem(member, f"{where}its annotations cannot be read: {error}")
            return None
        return {name: substituted(hint, self._known) for name, hint in hints.items()}

    def _parameter(
        self,
        member: str,
        parameter: inspect.Parameter,
        hints: Mapping[str, object] | None,
        *,
        takes_met: bool,
        where: str,
    ) -> Parameter | None:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            self._problem(member, f"{where}takes *{parameter.name}, expected parameters with a name each")
            return None
        declared = ANYTHING if hints is None else hints.get(parameter.name, ABSENT)
        if declared is ABSENT:
            also = ", or Met for what the wait has found" if takes_met else ""
            self._problem(member, f"{where}parameter {parameter.name!r} has no annotation; write its type{also}")
            declared = ANYTHING
        if parameter.kind is parameter.POSITIONAL_ONLY:
            self._problem(member, f"{where}parameter {parameter.name!r} has no name for callers; take the / away")
        required = parameter.default is parameter.empty
        if declared is Met:
            if not takes_met:
                self._problem(
                    member, f"{where}parameter {parameter.name!r} is a Met, which only the handler of a state is given"
                )
            return Parameter(parameter.name, declared, Role.MET, required)
        self._check_type(member, declared, f"{where}parameter {parameter.name!r}: ")
        return Parameter(parameter.name, declared, Role.INPUT, required)

    # States

    def _read_states(self) -> dict[str, StateDefinition]:
        return {
            member: self._state(member, value) for member, value in self._members.items() if isinstance(value, State)
        }

    def _state(self, member: str, value: State[Never]) -> StateDefinition:
        handler, returns = self._method(member, value.function, takes_met=True)
        if returns is not ABSENT and returns not in (Decision, ANYTHING):
            self._problem(member, f"is said to return {told_apart(returns, Decision)}, expected perdure.Decision")
        for role in Role:
            names = [parameter.name for parameter in handler.parameters if parameter.role is role]
            if len(names) > 1:
                self._problem(
                    member,
                    f"takes {len(names)} parameters as its {role.value}: {', '.join(names)}; put them into one, a dataclass say",
                )
        wait = self._wait(member, value.settings.wait, handler)
        loading, loads = self._loading(member, value.settings.load, value.settings.lock)
        options = StateOptions()
        try:
            options = state_options(value.settings.overrides, skips_wait=wait is None, loading=loading)
        except ValueError as error:
            self._problem(member, str(error))
        return StateDefinition(StateId(value.settings.name or member), member, handler, wait, options, loads)

    def _wait(self, member: str, wait: object, handler: Method) -> Method | ModelWait | None:
        if wait is None:
            return None
        if inspect.isfunction(wait):
            return self._wait_method(member, wait, handler)
        try:
            made = modelled(wait)
        except (TypeError, ValueError) as error:
            self._problem(member, f"wait=: {error}")
            return None
        for inbox in _inboxes(wait):
            if self._members.get(inbox.member) is not inbox and inbox.member not in self._channels:
                self._problem(member, f"wait= names channel {inbox.member!r}, which {self._name} does not declare")
        return made

    def _wait_method(self, member: str, wait: Callable[..., object], handler: Method) -> Method:
        # By its name, so that a subclass can replace it.
        names = [name for kind in self._workflow.__mro__ for name, value in vars(kind).items() if value is wait]
        current = self._members.get(names[0]) if names else wait
        method, returns = self._method(
            member, current if callable(current) else wait, takes_met=False, where="its wait "
        )
        if returns is not ABSENT and not any(_is_wait(part) for part in parts(returns)):
            self._problem(member, f"its wait is said to return {told_apart(returns, Wait)}, expected perdure.Wait")
        if len(method.parameters) > 1:
            self._problem(member, "its wait takes more than the state's input")
        wanted, given = method.input, handler.input
        if wanted is not None and given is not None and not assignable(given.type, wanted.type):
            self._problem(member, f"its wait takes {written(wanted.type)}, and the state {written(given.type)}")
        return method

    def _with_recovery(self, states: dict[str, StateDefinition]) -> dict[str, StateDefinition]:
        targets: dict[str, str] = {}
        for member in states:
            target = self._recovery(member, states)
            if target is not None:
                targets[member] = target
        for member in targets:
            if _goes_round(member, targets):
                self._problem(
                    member,
                    "its recover= leads back to itself; break the round, or let the recovering state go_to the other",
                )
                return states
        return {member: self._recovering(state, states, targets) for member, state in states.items()}

    def _recovery(self, member: str, states: Mapping[str, StateDefinition]) -> str | None:
        value = self._members[member]
        assert isinstance(value, State)
        recover = value.settings.overrides.recover
        if recover is None:
            return None
        target = recover if isinstance(recover, str) else recover.member
        if target not in states:
            self._problem(
                member, f"recover= names {target!r}, which is no state of {self._name}; it has: {', '.join(states)}"
            )
            return None
        given, wanted = states[member].input_type, states[target].input_type
        if wanted is not None and not assignable(given, wanted):
            self._problem(
                member,
                f"recover= leads to {target!r} with the same input, {written(given)}, and it takes {written(wanted)}",
            )
        return target

    def _recovering(
        self, state: StateDefinition, states: Mapping[str, StateDefinition], targets: Mapping[str, str]
    ) -> StateDefinition:
        target = targets.get(state.member)
        if target is None:
            return state
        recovery = self._recovering(states[target], states, targets)
        return replace(
            state, options=replace(state.options, recover_state_id=recovery.name, recover_options=recovery.options)
        )

    def _start(self, input_type: object) -> StateDefinition | None:
        starts = [
            member for member, value in self._members.items() if isinstance(value, State) and value.settings.start
        ]
        if len(starts) > 1:
            self.problems.append(f"{self._name}: {len(starts)} states say start=True: {', '.join(starts)}; keep one")
        if not starts:
            if input_type not in (None, type(None), ANYTHING):
                self.problems.append(
                    f"{self._name}: starts with {written(input_type)}, and no state says start=True to take it"
                )
            return None
        start = self._states[starts[0]]
        if not assignable(input_type, start.input_type):
            self._problem(
                start.member, f"takes {written(start.input_type)}, and the workflow starts with {written(input_type)}"
            )
        return start

    # Loading

    def _loading(
        self, member: str, load: Sequence[AnyAttribute | str] | None, lock: Sequence[AnyAttribute | str] | None
    ) -> tuple[LoadingPolicy, frozenset[str] | None]:
        locked = self._named(member, lock, "lock=")
        for attribute in locked:
            if attribute.is_map:
                self._problem(
                    member, f"lock= names the map {attribute.member!r}, and only single attributes can be locked"
                )
        locks = None if lock is None else tuple(attribute.name for attribute in locked)
        if load is None:
            return replace(LOAD_ALL, locks=locks), None
        loaded = self._named(member, load, "load=")
        loads = frozenset(attribute.name for attribute in (*loaded, *locked))
        if not loads:
            return replace(LOAD_NONE, locks=locks), loads
        prefixes = any(attribute.is_map for attribute in loaded)
        keys = tuple(
            attribute.name + SEPARATOR if attribute.is_map else attribute.name for attribute in (*loaded, *locked)
        )
        return LoadingPolicy(Loading.PARTIAL, tuple(dict.fromkeys(keys)), prefixes, locks), loads

    def _named(self, member: str, names: Sequence[AnyAttribute | str] | None, what: str) -> list[AttributeDefinition]:
        found: list[AttributeDefinition] = []
        if names is None:
            return found
        if not isinstance(names, list | tuple):
            self._problem(member, f"{what} takes a list of attributes: {what}[…]")
            return found
        for name in names:
            wanted = name.member if isinstance(name, AnyAttribute) else name
            attribute = self._attributes.get(wanted)
            if attribute is None:
                self._problem(
                    member,
                    f"{what} names {wanted!r}, which is no attribute of {self._name}; it has: {', '.join(self._attributes) or 'none'}",
                )
            else:
                found.append(attribute)
        return found

    # RPCs

    def _read_rpcs(self) -> dict[str, RpcDefinition]:
        return {
            member: self._rpc(member, value) for member, value in self._members.items() if isinstance(value, AnyRpc)
        }

    def _rpc(self, member: str, value: AnyRpc) -> RpcDefinition:
        method, returns = self._method(member, value.function, takes_met=False)
        if returns is ABSENT:
            self._problem(member, "has no return annotation; write what callers get, -> None if nothing")
            returns = ANYTHING
        self._check_type(member, returns, "return ")
        settings = value.settings
        loading, loads = self._loading(member, settings.load, settings.lock)
        timeout_ms: int | None = None
        if settings.timeout is not None:
            try:
                timeout_ms = positive_ms(settings.timeout, "timeout")
            except ValueError as error:
                self._problem(member, str(error))
        return RpcDefinition(
            settings.name or member, member, method, returns, settings.read_only, timeout_ms, loading, loads
        )


def _nothing(self: object) -> None:
    """Stand where a class has no method, until its problems are told."""


def _goes_round(member: str, targets: Mapping[str, str]) -> bool:
    seen, place = {member}, targets.get(member)
    while place is not None and place not in seen:
        seen.add(place)
        place = targets.get(place)
    return place is not None


def _is_wait(declared: object) -> bool:
    if declared is ANYTHING:
        return True
    return isinstance(declared, type) and issubclass(declared, Wait | Timer | Take | Takeable)


def _inboxes(wait: object) -> list[AnyInbox]:
    conditions = [condition for group in wait.groups for condition in group] if isinstance(wait, Wait) else [wait]
    taken = [condition.inbox if isinstance(condition, Take) else condition for condition in conditions]
    return [inbox for inbox in taken if isinstance(inbox, AnyInbox)]
