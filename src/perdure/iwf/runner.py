"""One method of a workflow object for one request."""

from __future__ import annotations

import inspect

from perdure.iwf.command_request import CommandRequest, wait_of
from perdure.iwf.command_results import results_of
from perdure.iwf.communication import Communication
from perdure.iwf.definition import Definition, StateEntry
from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.persistence import Persistence
from perdure.iwf.rpc import Role, RPCInfo
from perdure.iwf.workflow_context import context_of
from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    RpcAnswer,
    RpcRequest,
    StateMethod,
    StateRequest,
    WaitUntilAnswer,
    Writes,
)
from perdure.model.conditions import Wait
from perdure.model.decisions import Movement
from perdure.model.ids import WorkflowType
from perdure.worker.runner import NotRegistered, Task


class ObjectRunnable:
    """A workflow object that an invoker can run. Its states serve all calls, from several threads at once."""

    def __init__(self, definition: Definition, encoder: ObjectEncoder) -> None:
        self._definition = definition
        self._encoder = encoder

    @property
    def workflow_type(self) -> WorkflowType:
        return self._definition.workflow_type

    def is_async(self, request: StateRequest | RpcRequest) -> bool:
        if isinstance(request, RpcRequest):
            return inspect.iscoroutinefunction(self._rpc(request).method_func)
        state = self._state(request).state
        executes = request.call.method is StateMethod.EXECUTE
        return inspect.iscoroutinefunction(state.execute if executes else state.wait_until)

    def task_of(self, request: StateRequest | RpcRequest) -> Task:
        if isinstance(request, RpcRequest):
            return self._rpc_task(self._rpc(request), request)
        entry = self._state(request)
        if request.call.method is StateMethod.EXECUTE:
            return self._execute_task(entry, request)
        if entry.skips_wait_until:  # taken away since the run was started
            return Task(is_async=False, call=lambda: None, answer=lambda _: WaitUntilAnswer(Wait()))
        return self._wait_task(entry, request)

    def _wait_task(self, entry: StateEntry, request: StateRequest) -> Task:
        value = self._encoder.decode(request.call.input, entry.input_type)
        persistence, communication = self._persistence(request), self._communication(request)
        context = context_of(request)

        def answer(result: object) -> Answer:
            if not isinstance(result, CommandRequest):
                raise WorkflowDefinitionError(
                    f"wait_until of {entry.state_id!r} returned {result!r}, expected a CommandRequest"
                )
            wait = wait_of(result)
            if problem := wait.problem():
                raise WorkflowDefinitionError(f"wait_until of {entry.state_id!r}: {problem}")
            return WaitUntilAnswer(wait, _writes(persistence, communication), persistence.local_writes())

        return Task(
            is_async=self.is_async(request),
            call=lambda: entry.state.wait_until(context, value, persistence, communication),
            answer=answer,
        )

    def _execute_task(self, entry: StateEntry, request: StateRequest) -> Task:
        value = self._encoder.decode(request.call.input, entry.input_type)
        persistence, communication = self._persistence(request), self._communication(request)
        context = context_of(request)
        results = results_of(
            request.call,
            internal_types=self._definition.internal_types,
            signal_types=self._definition.signal_types,
            encoder=self._encoder,
        )

        def answer(result: object) -> Answer:
            decision = self._definition.decision(result, self._encoder)
            return ExecuteAnswer(decision, _writes(persistence, communication))

        return Task(
            is_async=self.is_async(request),
            call=lambda: entry.state.execute(context, value, results, persistence, communication),
            answer=answer,
        )

    def _rpc_task(self, rpc: RPCInfo, request: RpcRequest) -> Task:
        persistence, communication = self._persistence(request), self._communication(request)
        arguments: dict[Role, object] = {
            Role.CONTEXT: context_of(request),
            Role.PERSISTENCE: persistence,
            Role.COMMUNICATION: communication,
            Role.INPUT: self._encoder.decode(request.input, rpc.input_type),
        }

        def answer(result: object) -> Answer:
            steps = [self._definition.step(movement, self._encoder) for movement in communication.movements()]
            movements = tuple(step for step in steps if isinstance(step, Movement))
            return RpcAnswer(self._encoder.seal(result), _writes(persistence, communication), movements)

        return Task(is_async=self.is_async(request), call=lambda: rpc.call(arguments), answer=answer)

    def _persistence(self, request: StateRequest | RpcRequest) -> Persistence:
        return Persistence(
            request.call.attributes if isinstance(request, StateRequest) else request.attributes,
            types=self._definition.data_types,
            search_types=self._definition.search_types,
            encoder=self._encoder,
            state_locals=request.call.locals if isinstance(request, StateRequest) else (),
        )

    def _communication(self, request: StateRequest | RpcRequest) -> Communication:
        return Communication(
            internal_types=self._definition.internal_types,
            signal_names=self._definition.signal_types,
            encoder=self._encoder,
            internal_sizes=None if isinstance(request, StateRequest) else request.internal_sizes,
            signal_sizes=None if isinstance(request, StateRequest) else request.signal_sizes,
        )

    def _state(self, request: StateRequest) -> StateEntry:
        found = self._definition.states.get(request.call.state_id)
        if found is None:
            known = ", ".join(self._definition.states) or "none"
            raise NotRegistered(
                f"{request.call.state_id!r} is no state of workflow type {self.workflow_type!r}; it has: {known}"
            )
        return found

    def _rpc(self, request: RpcRequest) -> RPCInfo:
        found = self._definition.rpcs.get(request.name)
        if found is None:
            known = ", ".join(self._definition.rpcs) or "none"
            raise NotRegistered(f"{request.name!r} is no RPC of workflow type {self.workflow_type!r}; it has: {known}")
        return found


def _writes(persistence: Persistence, communication: Communication) -> Writes:
    return Writes(
        persistence.data_writes(), persistence.search_writes(), communication.messages(), persistence.events()
    )
