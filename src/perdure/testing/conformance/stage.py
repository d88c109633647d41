"""Where a conformance test plays: an empty backend, its scripted worker, and time."""

from __future__ import annotations

from typing import Protocol

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute
from perdure.model.decisions import Movement
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions
from perdure.model.requests import StartRequest
from perdure.ports.backend import Backend
from perdure.testing.conformance.invoker import ScriptedInvoker

KIND = WorkflowType("conformance")
ADA = WorkflowId("ada")
NOBODY = WorkflowId("nobody")


class Stage(Protocol):
    """One test's world. The backend is empty when the test begins and has this worker only."""

    @property
    def backend(self) -> Backend: ...

    @property
    def worker(self) -> ScriptedInvoker: ...

    async def settle(self) -> None:
        """Return once nothing is under way but what waits for time and the calls that are held."""
        ...

    async def pass_time(self, duration_ms: int) -> None:
        """Let time pass, everything that falls due in it happen, and settle."""
        ...


class Suite:
    """What every part of the suite has in common. The tests need pytest and pytest-asyncio."""

    @pytest.fixture
    def stage(self) -> Stage:
        """Give each test a world of its own; whoever runs the suite overrides this."""
        raise NotImplementedError("override the fixture `stage`: it yields an empty backend with its scripted worker")

    async def start(
        self,
        stage: Stage,
        *,
        first: Movement | None = None,
        workflow_id: WorkflowId = ADA,
        options: StartOptions | None = None,
        data: tuple[DataAttribute, ...] = (),
        search: tuple[SearchAttribute, ...] = (),
        workflow_type: WorkflowType = KIND,
    ) -> RunId:
        """Start a run and let its first states do what they can do now."""
        request = StartRequest(workflow_id, workflow_type, first, options or StartOptions(), data, search)
        run_id = await stage.backend.start(request)
        await stage.settle()
        return run_id
