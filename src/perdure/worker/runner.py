"""One author's method for one request: bind it, call it, turn what it did into an answer.

Knows no thread, no loop and no transport: a ``Task`` is started by whoever has those, and any of
them may be under it. What it raises is the author's, or says what is wrong with what came in.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

from perdure.authoring.channel_map import SEPARATOR
from perdure.authoring.decided import decided, movements
from perdure.authoring.definition import Method, Role, RpcDefinition, StateDefinition, WorkflowDefinition
from perdure.authoring.failing import NonRetryable, retry_after_ms
from perdure.authoring.inspection import AnyWorkflow
from perdure.authoring.invocation import INVOCATION, Invocation
from perdure.authoring.met import Met
from perdure.authoring.registry import Registered
from perdure.authoring.requests import decode_arguments
from perdure.authoring.waiting import modelled
from perdure.model.calls import (
    NO_WRITES,
    Answer,
    ExecuteAnswer,
    Failure,
    RpcAnswer,
    RpcRequest,
    StateCall,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
)
from perdure.model.conditions import ChannelCondition, Wait
from perdure.model.errors import WorkerError
from perdure.model.ids import StateId


class NotRegistered(WorkerError):
    """A request names a workflow, state or RPC that this process does not have."""


class ReadOnlyWrote(WorkerError):
    """An RPC that is declared ``read_only`` has written something."""


class Task:
    """One call, bound and ready to be made, once.

    ``call`` runs the author's method: for a ``def`` method it returns its result, for an ``async
    def`` one a coroutine to await. ``answer`` takes the result. Both raise what the author raised.
    """

    __slots__ = ("answer", "call", "is_async")

    def __init__(self, *, is_async: bool, call: Callable[[], object], answer: Callable[[object], Answer]) -> None:
        self.is_async = is_async
        self.call = call
        self.answer = answer


def method_of(definition: WorkflowDefinition, request: StateRequest | RpcRequest) -> Method | None:
    """Return the author's method a request is for; ``None`` for a wait that nothing needs to be asked for.

    Raises:
        NotRegistered: the class has no such state or RPC.
    """
    if isinstance(request, RpcRequest):
        return _rpc(definition, request.name).method
    state = _state(definition, request.call.state_id)
    if request.call.method is StateMethod.EXECUTE:
        return state.handler
    return state.wait if isinstance(state.wait, Method) else None


def task_of(registered: Registered, request: StateRequest | RpcRequest) -> Task:
    """Bind a call to a copy of the author's instance, its arguments opened.

    Raises:
        NotRegistered: the class has no such state or RPC.
        ConversionError: what came in does not fit the annotations.
    """
    definition = registered.definition
    if isinstance(request, RpcRequest):
        return _rpc_task(registered, _rpc(definition, request.name), request)
    state = _state(definition, request.call.state_id)
    if request.call.method is StateMethod.EXECUTE:
        return _execute_task(registered, state, request)
    return _wait_task(registered, state, request)


def failure_of(error: BaseException) -> Failure:
    """Return how a call failed, for whoever decides what becomes of it."""
    name = type(error).__name__
    text = str(error)
    return Failure(
        message=f"{name}: {text}" if text else name,
        error_type=name,
        detail="".join(traceback.format_exception(error)),
        retryable=not isinstance(error, NonRetryable),
        retry_after_ms=retry_after_ms(error),
    )


def timed_out(timeout_ms: int) -> Failure:
    return Failure(
        message=f"TimeoutError: found no answer after {timeout_ms} ms, expected one within; raise timeout= if it may take longer",
        error_type="TimeoutError",
        timed_out=True,
    )


def _execute_task(registered: Registered, state: StateDefinition, request: StateRequest) -> Task:
    definition, call = registered.definition, request.call
    where = f"{definition.workflow_type}.{state.member}"
    instance, invocation = _bound(registered, request, state.loads)
    bound = _call(instance, state.handler, definition, call)

    def answer(result: object) -> Answer:
        decision = decided(definition, result, where=where)
        return ExecuteAnswer(decision, invocation.close())

    return Task(is_async=state.handler.is_async, call=bound, answer=answer)


def _wait_task(registered: Registered, state: StateDefinition, request: StateRequest) -> Task:
    definition = registered.definition
    wait = state.wait
    if not isinstance(wait, Method):
        # Always the same, or taken away since the run was started: then there is nothing to wait for.
        fixed = WaitUntilAnswer(Wait() if wait is None else wait)
        return Task(is_async=False, call=_nothing, answer=lambda _: fixed)
    instance, invocation = _bound(registered, request, state.loads)
    bound = _call(instance, wait, definition, request.call)

    def answer(result: object) -> Answer:
        try:
            made = modelled(result)
            _check_declared(definition, made)
        except (TypeError, ValueError) as error:
            raise type(error)(f"wait of {definition.workflow_type}.{state.member}: {error}") from None
        return WaitUntilAnswer(made, invocation.close())

    return Task(is_async=wait.is_async, call=bound, answer=answer)


def _check_declared(definition: WorkflowDefinition, wait: Wait) -> None:
    """Refuse a wait for another class's channel, which would never be met."""
    for condition in wait.conditions:
        if isinstance(condition, ChannelCondition):
            name = condition.channel.split(SEPARATOR, 1)[0]
            if not any(
                channel.name == name and channel.kind is condition.kind for channel in definition.channels.values()
            ):
                raise ValueError(
                    f"channel {condition.channel!r} is waited for and not declared in {definition.workflow.__name__}"
                )


def _rpc_task(registered: Registered, rpc: RpcDefinition, request: RpcRequest) -> Task:
    definition, where = registered.definition, f"{registered.definition.workflow_type}.{rpc.member}"
    arguments = decode_arguments(definition, rpc, request.input)
    instance, invocation = _bound(registered, request, rpc.loads)
    function = rpc.method.function

    def answer(result: object) -> Answer:
        output = definition.converter.encode(result, rpc.output_type, name=f"output of {where}")
        started = tuple(
            movement
            for decision in invocation.started or ()
            for movement in movements(definition, decision, where=where)
        )
        writes = invocation.close()
        if rpc.read_only and (started or writes != NO_WRITES):
            raise ReadOnlyWrote(
                f"{where} is declared read_only and has written something; take read_only away, or write elsewhere"
            )
        return RpcAnswer(output, writes, started)

    return Task(is_async=rpc.method.is_async, call=lambda: function(instance, **arguments), answer=answer)


def _bound(
    registered: Registered, request: StateRequest | RpcRequest, loads: frozenset[str] | None
) -> tuple[AnyWorkflow, Invocation]:
    instance = registered.prototype.__copy__()
    invocation = Invocation(registered.definition, request, loads)
    instance.__dict__[INVOCATION] = invocation
    return instance, invocation


def _call(
    instance: AnyWorkflow, method: Method, definition: WorkflowDefinition, call: StateCall
) -> Callable[[], object]:
    function = method.function
    if not method.parameters:
        return lambda: function(instance)
    arguments: dict[str, object] = {}
    for parameter in method.parameters:
        if parameter.role is Role.MET:
            arguments[parameter.name] = Met(definition, call.results or (), wait_failed=call.wait_until_failed)
        elif call.input is not None or parameter.required:
            where = f"input of {definition.workflow_type}.{call.state_id}"
            arguments[parameter.name] = definition.converter.decode(call.input, parameter.type, name=where)
    return lambda: function(instance, **arguments)


def _nothing() -> None:
    return None


def _state(definition: WorkflowDefinition, name: StateId) -> StateDefinition:
    state = definition.states_by_name.get(name)
    if state is None:
        known = ", ".join(definition.states_by_name) or "none"
        raise NotRegistered(
            f"workflow type {definition.workflow_type!r} has no state {name!r}; it has: {known}. "
            f"A run that earlier code started stands in it: keep the name, @state(name={str(name)!r})"
        )
    return state


def _rpc(definition: WorkflowDefinition, name: str) -> RpcDefinition:
    rpc = definition.rpcs_by_name.get(name)
    if rpc is None:
        known = ", ".join(definition.rpcs_by_name) or "none"
        raise NotRegistered(f"{name!r} is no RPC of workflow type {definition.workflow_type!r}; it has: {known}")
    return rpc
