"""How a state is called."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.iwf_api.models.choices import WaitUntilApiFailurePolicy
from perdure.iwf.iwf_api.models.policies import PersistenceLoadingPolicy, RetryPolicy, loading, retry
from perdure.model.options import DEFAULT_CALL_TIMEOUT_MS, CallOptions, StateOptions


@dataclass
class WorkflowStateOptions:
    state_id: str | None = None
    """The state's name in the store; that of its class if left out."""
    data_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    """For both methods, where one has no policy of its own."""
    search_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    wait_until_api_timeout_seconds: int | None = None
    """For one attempt; 30 if left out."""
    wait_until_api_retry_policy: RetryPolicy | None = None
    proceed_to_execute_when_wait_until_retry_exhausted: WaitUntilApiFailurePolicy | None = None
    wait_until_api_data_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    wait_until_api_search_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    execute_api_timeout_seconds: int | None = None
    execute_api_retry_policy: RetryPolicy | None = None
    proceed_to_state_when_execute_retry_exhausted: type | None = None
    """A state of the same workflow, that takes the same input."""
    execute_api_data_attributes_loading_policy: PersistenceLoadingPolicy | None = None
    execute_api_search_attributes_loading_policy: PersistenceLoadingPolicy | None = None


def state_options(options: WorkflowStateOptions, *, skip_wait_until: bool) -> StateOptions:
    """Return the model's words, recovery apart.

    Raises:
        WorkflowDefinitionError: what is to happen after the last attempt is said, and not which is the last.
    """
    proceeds = options.proceed_to_execute_when_wait_until_retry_exhausted
    if proceeds is not None:
        _check_limited(options.wait_until_api_retry_policy, "proceed_to_execute_when_wait_until_retry_exhausted")
    if options.proceed_to_state_when_execute_retry_exhausted is not None:
        _check_limited(options.execute_api_retry_policy, "proceed_to_state_when_execute_retry_exhausted")
    data, search = options.data_attributes_loading_policy, options.search_attributes_loading_policy
    return StateOptions(
        skip_wait_until=skip_wait_until,
        wait_until=CallOptions(
            timeout_ms=_timeout_ms(options.wait_until_api_timeout_seconds),
            retry=retry(options.wait_until_api_retry_policy),
            data_loading=loading(options.wait_until_api_data_attributes_loading_policy or data),
            search_loading=loading(options.wait_until_api_search_attributes_loading_policy or search),
        ),
        execute=CallOptions(
            timeout_ms=_timeout_ms(options.execute_api_timeout_seconds),
            retry=retry(options.execute_api_retry_policy),
            data_loading=loading(options.execute_api_data_attributes_loading_policy or data),
            search_loading=loading(options.execute_api_search_attributes_loading_policy or search),
        ),
        proceed_on_wait_until_failure=proceeds is WaitUntilApiFailurePolicy.PROCEED_ON_FAILURE,
    )


def _timeout_ms(seconds: int | None) -> int:
    return seconds * 1000 if seconds else DEFAULT_CALL_TIMEOUT_MS


def _check_limited(policy: RetryPolicy | None, option: str) -> None:
    if policy is None or not (policy.maximum_attempts or policy.maximum_attempts_duration_seconds):
        raise WorkflowDefinitionError(
            f"{option} is given, and the retry policy beside it has no last attempt; "
            "give it maximum_attempts or maximum_attempts_duration_seconds"
        )
