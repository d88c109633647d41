import pytest

from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.iwf_api.models import (
    PersistenceLoadingPolicy,
    PersistenceLoadingType,
    RetryPolicy,
    WaitUntilApiFailurePolicy,
)
from perdure.iwf.workflow_state_options import WorkflowStateOptions, state_options
from perdure.model import options as model
from perdure.model.attributes import LOAD_ALL, LOAD_NONE, LoadingPolicy
from tests.iwf.everything import Recover

NONE = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_NONE)
LOCK = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=["k"])


def test_what_is_left_out_has_the_defaults() -> None:
    assert state_options(WorkflowStateOptions(), skip_wait_until=True) == model.StateOptions(skip_wait_until=True)


def test_each_method_has_options_of_its_own_before_those_of_both() -> None:
    options = WorkflowStateOptions(
        data_attributes_loading_policy=NONE,
        search_attributes_loading_policy=NONE,
        wait_until_api_timeout_seconds=5,
        wait_until_api_search_attributes_loading_policy=PersistenceLoadingPolicy(),
        execute_api_retry_policy=RetryPolicy(maximum_attempts=2),
        execute_api_data_attributes_loading_policy=LOCK,
    )

    assert state_options(options, skip_wait_until=False) == model.StateOptions(
        wait_until=model.CallOptions(5_000, data_loading=LOAD_NONE, search_loading=LOAD_ALL),
        execute=model.CallOptions(
            retry=model.RetryPolicy(maximum_attempts=2),
            data_loading=LoadingPolicy(locks=("k",)),
            search_loading=LOAD_NONE,
        ),
    )


@pytest.mark.parametrize("limit", [RetryPolicy(maximum_attempts=1), RetryPolicy(maximum_attempts_duration_seconds=9)])
def test_what_happens_after_the_last_attempt_needs_a_last_attempt(limit: RetryPolicy) -> None:
    proceeds = WorkflowStateOptions(
        wait_until_api_retry_policy=limit,
        proceed_to_execute_when_wait_until_retry_exhausted=WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE,
    )
    assert state_options(proceeds, skip_wait_until=False).proceed_on_wait_until_failure

    for options in (
        WorkflowStateOptions(
            proceed_to_execute_when_wait_until_retry_exhausted=WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE
        ),
        WorkflowStateOptions(
            execute_api_retry_policy=RetryPolicy(), proceed_to_state_when_execute_retry_exhausted=Recover
        ),
    ):
        with pytest.raises(WorkflowDefinitionError, match="give it maximum_attempts"):
            state_options(options, skip_wait_until=False)
