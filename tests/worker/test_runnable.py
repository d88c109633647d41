import pytest

from perdure import DefinitionError, Registry
from perdure.model.calls import ExecuteAnswer, StateMethod
from perdure.worker.runnable import NativeRunnable, registered, runnable_of, runnables_of
from perdure.worker.runner import NotRegistered
from tests.authoring.onboarding import Onboarding, rpc_request, state_request
from tests.worker.service import Service


def test_a_registered_class_runs_what_it_is_asked_for() -> None:
    request = state_request("work", '"x"', workflow_type="Service")
    runnable = runnable_of(runnables_of(Registry(Service())), request)

    task = runnable.task_of(request)

    assert runnable.workflow_type == "Service"
    assert isinstance(task.answer(task.call()), ExecuteAnswer)


def test_only_a_method_of_the_authors_can_be_async() -> None:
    (runnable,) = runnables_of(Registry(Service())).values()

    assert runnable.is_async(state_request("work_on_loop"))
    assert runnable.is_async(rpc_request("look"))
    assert not runnable.is_async(state_request("work"))
    assert not runnable.is_async(state_request("sleep_on_loop", method=StateMethod.WAIT_UNTIL))
    with pytest.raises(NotRegistered, match="has no state 'nothing'"):
        runnable.is_async(state_request("nothing"))


def test_workflows_of_several_registries_run_side_by_side() -> None:
    found = runnables_of([*Registry(Service()), NativeRunnable(next(iter(Registry(Onboarding()))))])

    assert sorted(found) == ["Onboarding", "Service"]


def test_two_workflows_of_one_type_are_refused() -> None:
    with pytest.raises(DefinitionError, match="two workflows are called 'Service'"):
        runnables_of([*Registry(Service()), *Registry(Service())])


def test_a_type_that_is_not_registered_is_told() -> None:
    with pytest.raises(NotRegistered, match="'Other' is not registered; registered are: Service"):
        runnable_of(runnables_of(Registry(Service())), state_request(workflow_type="Other"))
    with pytest.raises(NotRegistered, match="registered are: none"):
        runnable_of({}, state_request(workflow_type="Other"))


def test_what_can_run_already_is_put_beside_what_is_registered_now() -> None:
    other = NativeRunnable(next(iter(Registry(Onboarding()))))

    found = runnables_of(registered([other, Service()]))

    assert sorted(found) == ["Onboarding", "Service"]
    assert found[other.workflow_type] is other
    with pytest.raises(DefinitionError, match="Service is a class"):
        registered([other, Service])  # type: ignore[list-item]  # what is refused
