"""The workflows a process can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perdure.authoring.definition import WorkflowDefinition
from perdure.authoring.inspection import AnyWorkflow, inspected, told
from perdure.authoring.workflow import Workflow
from perdure.model.errors import DefinitionError
from perdure.model.ids import WorkflowType


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """A workflow with the author's instance, of which each call gets a copy."""

    definition: WorkflowDefinition
    prototype: AnyWorkflow


class Registry:
    """Takes one instance of each workflow class: ``Registry(Signup(send=mail), Transfer(bank))``.

    Raises:
        DefinitionError: at once, with every mistake of every class in one message.
    """

    def __init__(self, *workflows: AnyWorkflow) -> None:
        problems: list[str] = []
        self._by_type: dict[WorkflowType, Registered] = {}
        for workflow in workflows:
            problems.extend(self._add(workflow))
        if problems:
            raise DefinitionError(told(problems))

    def _add(self, workflow: object) -> list[str]:
        if isinstance(workflow, type) and issubclass(workflow, Workflow):
            return [f"{workflow.__name__} is a class, expected an instance of it: {workflow.__name__}(…)"]
        if isinstance(workflow, Registry | list | tuple):
            kind = type(workflow).__name__
            return [f"found a {kind}, expected the workflows themselves, one after the other: Signup(…), Transfer(…)"]
        if not isinstance(workflow, Workflow):
            return [f"{workflow!r} is no workflow, expected an instance of a class that derives from Workflow"]
        definition, problems = inspected(type(workflow))
        known = self._by_type.get(definition.workflow_type)
        if known is not None:
            other = type(known.prototype)
            problems.append(
                f"{type(workflow).__name__}: {other.__module__}.{other.__qualname__} is registered as {definition.workflow_type!r} too; "
                "register each once, or give one another name: class …(Workflow[…], name=…)"
            )
        self._by_type[definition.workflow_type] = Registered(definition, workflow)
        return problems

    def get(self, workflow_type: str) -> Registered | None:
        return self._by_type.get(WorkflowType(workflow_type))

    def __iter__(self) -> Iterator[Registered]:
        return iter(self._by_type.values())

    def __len__(self) -> int:
        return len(self._by_type)
