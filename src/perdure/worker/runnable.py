"""What a process can run: a workflow that can be asked for one call of one of its methods.

The seam between those who start calls (in threads, on a loop, for a request over HTTP) and the two
ways to write a workflow, natively and with iWF's names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from perdure.authoring.inspection import AnyWorkflow
from perdure.authoring.registry import Registered, Registry
from perdure.model.calls import RpcRequest, StateRequest
from perdure.model.errors import DefinitionError
from perdure.model.ids import WorkflowType
from perdure.model.nearest import did_you_mean
from perdure.worker.runner import NotRegistered, Task, method_of, task_of


@runtime_checkable
class Runnable(Protocol):
    """A workflow of this process."""

    @property
    def workflow_type(self) -> WorkflowType: ...

    def is_async(self, request: StateRequest | RpcRequest) -> bool:
        """Say whether the method a request is for is an ``async def`` one.

        Raises:
            NotRegistered: the workflow has no such state or RPC.
        """
        ...

    def task_of(self, request: StateRequest | RpcRequest) -> Task:
        """Bind a call; raises what is wrong with the request."""
        ...


class NativeRunnable:
    """A registered workflow class."""

    __slots__ = ("_registered",)

    def __init__(self, registered: Registered) -> None:
        self._registered = registered

    @property
    def workflow_type(self) -> WorkflowType:
        return self._registered.definition.workflow_type

    def is_async(self, request: StateRequest | RpcRequest) -> bool:
        method = method_of(self._registered.definition, request)
        return method is not None and method.is_async

    def task_of(self, request: StateRequest | RpcRequest) -> Task:
        return task_of(self._registered, request)


Runnables = dict[WorkflowType, Runnable]


def registered(workflows: Iterable[AnyWorkflow | Runnable]) -> list[Registered | Runnable]:
    """Register the native workflows among these, and put the others beside them.

    Raises:
        DefinitionError: a class is wrong; the message lists every problem of all of them.
    """
    others: list[Runnable] = []
    native: list[AnyWorkflow] = []
    for workflow in workflows:
        if isinstance(workflow, Runnable):
            others.append(workflow)
        else:
            native.append(workflow)
    return [*Registry(*native), *others]


def runnables_of(workflows: Iterable[Registered | Runnable]) -> Runnables:
    """Return what a process can run, by type: ``runnables_of([*registry, *others])``.

    Raises:
        DefinitionError: two of them have the same type.
    """
    found: Runnables = {}
    for workflow in workflows:
        runnable = NativeRunnable(workflow) if isinstance(workflow, Registered) else workflow
        if runnable.workflow_type in found:
            raise DefinitionError(
                f"two workflows are called {runnable.workflow_type!r}, and a run could be either's; rename one"
            )
        found[runnable.workflow_type] = runnable
    return found


def runnable_of(runnables: Runnables, request: StateRequest | RpcRequest) -> Runnable:
    """Return the workflow a request is for.

    Raises:
        NotRegistered: this process does not have it.
    """
    found = runnables.get(request.run.workflow_type)
    if found is None:
        wanted, known = request.run.workflow_type, ", ".join(sorted(runnables)) or "none"
        raise NotRegistered(
            f"nobody runs this workflow here: its type {wanted!r} is not registered; registered are: {known}."
            f"{did_you_mean(wanted, runnables)} Its runs go on once it is, under this name"
        )
    return found
