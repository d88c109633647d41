import pytest

from perdure.iwf.iwf_api.models import (
    ExecutingStateIdMode,
    PersistenceLoadingPolicy,
    PersistenceLoadingType,
    RetryPolicy,
    WorkflowConfig,
    WorkflowRetryPolicy,
)
from perdure.iwf.iwf_api.models.policies import config, loading, retry
from perdure.model import options as model
from perdure.model.attributes import LOAD_ALL, LOAD_NONE, Loading, LoadingPolicy


@pytest.mark.parametrize(
    ("policy", "means"),
    [
        (None, LOAD_ALL),
        (PersistenceLoadingPolicy(), LOAD_ALL),
        (PersistenceLoadingPolicy(locking_keys=["a"]), LOAD_ALL),
        (PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_NONE, ["a"]), LOAD_NONE),
        (
            PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=["a"]),
            LoadingPolicy(locks=("a",)),
        ),
        (
            PersistenceLoadingPolicy(
                PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING, ["a"], ["b"], use_key_as_prefix=True
            ),
            LoadingPolicy(Loading.PARTIAL, ("a",), keys_are_prefixes=True),
        ),
        (
            PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK),
            LoadingPolicy(Loading.PARTIAL, locks=()),
        ),
    ],
)
def test_a_loading_policy(policy: PersistenceLoadingPolicy | None, means: LoadingPolicy) -> None:
    assert loading(policy) == means


def test_a_retry_policy_counts_seconds_and_a_zero_as_not_given() -> None:
    assert retry(None) == retry(RetryPolicy(maximum_interval_seconds=0)) == model.RetryPolicy()
    assert retry(RetryPolicy(2, 1.5, 9, 4, 60)) == model.RetryPolicy(2_000, 1.5, 9_000, 4, 60_000)
    assert retry(WorkflowRetryPolicy(maximum_attempts=3)) == model.RetryPolicy(maximum_attempts=3)


def test_a_config_says_only_what_is_given() -> None:
    assert config(None) == config(WorkflowConfig()) == model.WorkflowConfig()
    assert config(
        WorkflowConfig(ExecutingStateIdMode.DISABLED, 100, 2_000, optimize_activity=True, optimize_timer=False)
    ) == model.WorkflowConfig(model.ExecutingStatesMode.NONE, 100, 2_000, optimize_activity=True, optimize_timer=False)
