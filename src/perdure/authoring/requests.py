"""What a client asks, from an author's classes and values to the model's requests."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from perdure.authoring.attribute import AnyAttribute
from perdure.authoring.channel import AnyInbox
from perdure.authoring.converter import ANYTHING, ConversionError
from perdure.authoring.decided import encode_state_input
from perdure.authoring.decision import AnyState
from perdure.authoring.definition import AttributeDefinition, ChannelDefinition, RpcDefinition, WorkflowDefinition
from perdure.authoring.index import search_value
from perdure.authoring.inspection import AnyWorkflow, definition_of
from perdure.authoring.rpc import AnyRpc
from perdure.model.attributes import LOAD_NONE, DataAttribute, SearchAttribute
from perdure.model.decisions import Movement
from perdure.model.errors import InvalidRequest
from perdure.model.ids import RunId, WorkflowId
from perdure.model.options import StartOptions
from perdure.model.requests import RpcCall, StartRequest
from perdure.model.value import EncodedValue, Message

InitialValues = Mapping[AnyAttribute, object]


def start_request(
    workflow: type[AnyWorkflow],
    workflow_id: str,
    input: object = None,
    *,
    options: StartOptions = StartOptions(),
    attributes: InitialValues | None = None,
    worker_url: str = "",
) -> StartRequest:
    """Return the request that starts a run of a workflow class.

    Args:
        attributes: values it begins with, by the class's own declarations: ``{Signup.status: "new"}``.

    Raises:
        InvalidRequest: a value does not fit; nothing was sent.
        DefinitionError: the class cannot be used as it is written.
    """
    definition = definition_of(workflow)
    try:
        data, search = attribute_writes(definition, attributes or {})
        return StartRequest(
            WorkflowId(workflow_id),
            definition.workflow_type,
            _first(definition, input),
            options,
            data,
            search,
            worker_url,
        )
    except (ConversionError, ValueError) as error:
        raise InvalidRequest(str(error), workflow_id=workflow_id) from error


def _first(definition: WorkflowDefinition, value: object) -> Movement | None:
    start = definition.start
    if start is not None:
        return Movement(start.name, encode_state_input(definition, start, value), start.options)
    if value is not None:
        raise ValueError(f"{definition.workflow_type} takes no input: none of its states says start=True")
    return None


def attribute_writes(
    definition: WorkflowDefinition, values: InitialValues
) -> tuple[tuple[DataAttribute, ...], tuple[SearchAttribute, ...]]:
    """Return what is written for attributes set from outside: the values, and their mirror in the index.

    Raises:
        ValueError: one is not the class's, or does not fit.
    """
    data: list[DataAttribute] = []
    search: list[SearchAttribute] = []
    for attribute, value in values.items():
        found = attribute_of(definition, attribute)
        data.append(DataAttribute(found.name, definition.converter.encode(value, found.type, name=found.name)))
        if found.index is not None:
            search.append(SearchAttribute(found.name, found.index, search_value(value, found.index, name=found.name)))
    return tuple(data), tuple(search)


def attribute_of(definition: WorkflowDefinition, attribute: AnyAttribute) -> AttributeDefinition:
    """Return the definition of ``Signup.status``.

    Raises:
        ValueError: the class has no such attribute.
    """
    found = definition.attributes.get(attribute.member)
    if found is None:
        raise ValueError(
            f"{attribute.member!r} is no attribute of {definition.workflow_type}; it has: {', '.join(definition.attributes) or 'none'}"
        )
    return found


def channel_of(definition: WorkflowDefinition, inbox: AnyInbox) -> ChannelDefinition:
    """Return the definition of ``Signup.verified``.

    Raises:
        ValueError: the class has no such channel.
    """
    found = definition.channels.get(inbox.member)
    if found is None:
        raise ValueError(
            f"{inbox.member!r} is no channel of {definition.workflow_type}; it has: {', '.join(definition.channels) or 'none'}"
        )
    return found


def message_to(definition: WorkflowDefinition, inbox: AnyInbox, value: object) -> Message:
    """Return a message for a channel or signal, to be sent from outside.

    Raises:
        ValueError: the class has no such channel, or the value does not fit.
    """
    found = channel_of(definition, inbox)
    return Message(inbox.channel, definition.converter.encode(value, found.type, name=f"message to {inbox.channel}"))


@dataclass(frozen=True, slots=True)
class PreparedRpc:
    """A call, and what opens its answer."""

    call: RpcCall
    definition: WorkflowDefinition
    rpc: RpcDefinition

    def decode(self, output: EncodedValue | None) -> object:
        """Return what the method returned.

        Raises:
            ConversionError: it is not what the method says it returns.
        """
        return self.definition.decode_rpc_output(self.rpc, output)


def rpc_call(
    method: AnyRpc,
    workflow_id: str,
    args: tuple[object, ...] = (),
    kwargs: Mapping[str, object] | None = None,
    *,
    run_id: str | None = None,
    timeout_ms: int | None = None,
    workflow: type[AnyWorkflow] | None = None,
) -> PreparedRpc:
    """Return the call of an RPC: ``rpc_call(Signup.confirm, "ada", ("link",))``.

    Args:
        timeout_ms: for the method; what ``@rpc`` says if left out.
        workflow: the class of the workflow that is called, where it derives from the one that declares the RPC.

    Raises:
        InvalidRequest: an argument is missing, too many, or does not fit; nothing was sent.
    """
    if not isinstance(method, AnyRpc):
        raise InvalidRequest(_no_rpc(method), workflow_id=workflow_id)
    definition = definition_of(workflow or method.owner)  # type: ignore[arg-type]  # RPCs are declared in workflows
    rpc = definition.rpcs.get(method.member)
    if rpc is None:
        known = ", ".join(definition.rpcs) or "none"
        raise InvalidRequest(
            f"{method.owner.__name__}.{method.member} is no RPC of {definition.workflow_type}; it has: {known}",
            workflow_id=workflow_id,
        )
    try:
        sealed = encode_arguments(definition, rpc, args, kwargs or {})
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"{definition.workflow_type}.{rpc.member}: {error}", workflow_id=workflow_id) from error
    call = RpcCall(
        WorkflowId(workflow_id),
        rpc.name,
        sealed,
        None if run_id is None else RunId(run_id),
        rpc.data_loading,
        LOAD_NONE,
        rpc.timeout_ms if timeout_ms is None else timeout_ms,
    )
    return PreparedRpc(call, definition, rpc)


def _no_rpc(found: object) -> str:
    if isinstance(found, AnyState):
        return f"{found.member!r} is a state, and only the engine calls one; call() takes a method below @rpc"
    name = getattr(found, "__name__", None) or repr(found)
    return f"{name} is no RPC, expected a method of the workflow below @rpc"


def encode_arguments(
    definition: WorkflowDefinition, rpc: RpcDefinition, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> EncodedValue | None:
    """Seal an RPC's arguments: one as it is, several as an object by their names.

    Raises:
        TypeError: they are not those the method takes.
        ConversionError: one does not fit its annotation.
    """
    parameters = rpc.method.parameters
    given = _signature(rpc.method.function).bind(None, *args, **kwargs).arguments
    if not parameters:
        return None
    if len(parameters) == 1:
        return _encode_only(definition, rpc, given)
    raw = {
        parameter.name: _plain(definition, given[parameter.name], parameter.type, parameter.name)
        for parameter in parameters
        if parameter.name in given
    }
    return definition.converter.encode(raw, dict[str, object], name="arguments")


def _encode_only(
    definition: WorkflowDefinition, rpc: RpcDefinition, given: Mapping[str, object]
) -> EncodedValue | None:
    only = rpc.method.parameters[0]
    if only.name not in given:
        return None
    sealed = definition.converter.encode(given[only.name], only.type, name=only.name)
    default: object = _signature(rpc.method.function).parameters[only.name].default
    if sealed is None and not only.required and default is not None:
        raise TypeError(f"{only.name} is None, which is sent like nothing and would become its default, {default!r}")
    return sealed


def decode_arguments(
    definition: WorkflowDefinition, rpc: RpcDefinition, value: EncodedValue | None
) -> dict[str, object]:
    """Open an RPC's arguments, by name; what is absent and has a default is left out.

    Raises:
        ConversionError: they are not those the method takes.
    """
    parameters = rpc.method.parameters
    where = f"argument of {definition.workflow_type}.{rpc.member}"
    if not parameters:
        return {}
    if len(parameters) == 1:
        only = parameters[0]
        if value is None and not only.required:
            return {}
        return {only.name: definition.converter.decode(value, only.type, name=f"{where}: {only.name}")}
    raw = definition.converter.decode(value, dict[str, object], name=where)
    assert isinstance(raw, dict)
    return {
        parameter.name: definition.converter.decode(
            _sealed(definition, raw.get(parameter.name)), parameter.type, name=f"{where}: {parameter.name}"
        )
        for parameter in parameters
        if parameter.required or parameter.name in raw
    }


def _plain(definition: WorkflowDefinition, value: object, declared: object, name: str) -> object:
    return definition.converter.decode(definition.converter.encode(value, declared, name=name), ANYTHING, name=name)


def _sealed(definition: WorkflowDefinition, raw: object) -> EncodedValue | None:
    return definition.converter.encode(raw, ANYTHING)


@lru_cache(maxsize=1024)
def _signature(function: object) -> inspect.Signature:
    assert callable(function)
    return inspect.signature(function)
