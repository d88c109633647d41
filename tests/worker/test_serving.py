from __future__ import annotations

import pytest

from perdure import DefinitionError, Registry
from perdure.model.calls import ExecuteAnswer
from perdure.worker.serving import Worker
from tests.authoring.onboarding import Onboarding, state_request
from tests.worker.caller import call_asgi, call_wsgi
from tests.worker.service import Service


@pytest.mark.parametrize(
    "worker", [Worker(Service()), Worker(Registry(Service())), Worker(Onboarding(), Registry(Service()))]
)
async def test_workflows_and_registries_are_served_alike(worker: Worker) -> None:
    request = state_request("work", '"x"', workflow_type="Service")
    assert isinstance(await call_asgi(worker.asgi_app(), request), ExecuteAnswer)
    assert isinstance(call_wsgi(worker.wsgi_app(), request), ExecuteAnswer)


def test_mistakes_are_found_before_anything_is_served() -> None:
    with pytest.raises(DefinitionError, match="Service is a class"):
        Worker(Service)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(DefinitionError, match="two workflows are called 'Service'"):
        Worker(Service(), Registry(Service()))
    with pytest.raises(ValueError, match="threads is 0"):
        Worker(Service(), threads=0)
